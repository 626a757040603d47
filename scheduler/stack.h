// SPDX-License-Identifier: Apache-2.0
// Stacks for fibers, from slabs: many stacks share one mapping.
//
//   a slab (one mmap)                                    one slot: a guard page and slot_bytes
//   ┌──────────┬──────────┬──────────┬─ ─ ─           low                                     high
//   │  slot 0  │  slot 1  │  slot 2  │                ┌───────┬──────────────────┬────────┬───────┐
//   └──────────┴──────────┴──────────┴─ ─ ─           │ guard │ ◀── grows down   │ header │ colour│
//                                                     └───────┴──────────────────┴────────┴───────┘
//   guard   one page that faults: MADV_GUARD_INSTALL (Linux 6.13), which keeps the slab one
//           mapping; else PROT_NONE, which costs two mappings a stack, so its number has a budget
//           below vm.max_map_count. The page makes a slot an odd number of pages: at a power of two
//           the tops of all stacks would fall into the same few sets of the processor's TLBs.
//   header  room for the owner's bookkeeping (a G), beside the frames that a switch touches anyway.
//   colour  0 to 31 cache lines, different from slot to slot: without them the tops of all stacks
//           would fall into the same few cache sets. Neighbours differ by many lines (the index
//           with its bits reversed): the frames of two Gs that take turns lie at other offsets.
//
// One page catches a stack that grows frame by frame, and any larger frame of code that was
// compiled with -fstack-clash-protection, as weft is: it touches each page in turn.
//
// Memory is committed when touched and reused last-in first-out, so the next stack is the one whose
// pages and cache lines are warm. Huge pages are off: one touch must cost one page.
//
// Memory goes back to the system when it was not used during a whole period: of the stacks that lay
// in the free list all the time, the last 256 keep 8 KiB each and the others keep nothing. That
// costs take() one compare, which also tests whether the list is empty:
//
//   the free list  ┌───────────┬──────────────┬────────────────────┬──────────┐
//                  │ blank     │ top only     │ not asked for      │ in use   │
//                  └───────────┴──────────────┴────────────────────┴──────────┘
//                  0           blank_         shallow_             low_       free_count_
//
// Invariants:
//   I1. Slots [0, used) have been handed out at least once; later slots have never been touched.
//   I2. A slot is handed out only while it is not in use.
//   I3. The free list has room for every slot: give_back() allocates nothing.
//   I4. blank_ <= shallow_ <= low_ <= free_count_, where low_ is the least that free_count_ was in
//       this period.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"

namespace weft {

enum class GuardKind : std::uint8_t { automatic, madvise, mprotect, none };

class StackPool {
 public:
  struct Config {
    std::size_t slot_bytes = 64 * 1024;  // Power of two, 16 KiB to 1 GiB; the header included.
    std::size_t header_bytes = 0;        // Multiple of 64.
    GuardKind guard = GuardKind::automatic;
    std::size_t mprotect_guards_max = 0;  // 0: the process's, half of what vm.max_map_count allows.
  };

  struct Slot {
    std::byte* bottom;  // Lowest usable address, above the guard.
    std::byte* header;  // header_bytes, 64-byte aligned; the usable stack ends here.
  };

  explicit StackPool(const Config& config);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // Makes sure that `count` slots can be in use at once. Fails when the system gives no more
  // address space. Throws std::bad_alloc.
  Status reserve(std::size_t count);

  [[nodiscard]] std::size_t reserved() const { return capacity_; }

  // Hands out a slot: the one that was given back last, or one that has never been used. Requires
  // that fewer are in use than were reserved.
  struct Taken {
    Slot slot;
    bool is_blank;  // All zero: there is no header from its last use.
  };
  Taken take() {
    if (free_count_ <= low_) [[unlikely]]
      return take_cold();
    return {free_[--free_count_], false};
  }

  // Takes back a slot that take() handed out. Nothing of it is changed before the next take().
  void give_back(Slot slot) { free_[free_count_++] = slot; }  // I3

  // Returns memory of free slots to the system. The caller's clock says when a period ends. Slots
  // that were not used in it go back in steps of about 100 us, until a step returns false. Makes
  // system calls.
  void end_period();
  bool return_some();
  // Is there so much of it that an idle caller should come back for it?
  [[nodiscard]] bool has_much_idle() const {
    return (free_count_ - shallow_) * config_.slot_bytes >= kMuchIdleBytes;
  }

  // Hands out a slot that has never been used. It is never given back. Fails as reserve().
  Result<Slot> fresh();

  // The slots handed out so far, oldest first.
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] Slot slot(std::size_t index) const;

  // Is this address in the guard page of one of the slots? For the report of a stack overflow;
  // async-signal-safe.
  [[nodiscard]] bool in_guard(const void* address) const;

  [[nodiscard]] std::size_t slot_bytes() const { return config_.slot_bytes; }
  [[nodiscard]] std::size_t mappings() const { return slabs_.size(); }
  [[nodiscard]] std::size_t unguarded() const { return unguarded_; }
  // Does a guard page lie below the slot with this bottom? Code that may use any amount of stack
  // must not run without one. Once one slot has gone without, the later ones count as unguarded.
  [[nodiscard]] bool is_guarded(const std::byte* bottom) const;
  [[nodiscard]] GuardKind guard_kind() const { return guard_; }

 private:
  struct Slab {
    std::byte* base;
    std::size_t first;  // Index of its first slot.
    std::size_t slots;
  };

  [[nodiscard]] std::size_t stride() const;  // Of slots: the guard page and slot_bytes.
  static constexpr std::size_t kMuchIdleBytes = 16 * 1024 * 1024;
  static constexpr std::size_t kWarmSlots = 256;
  static constexpr std::size_t kSlotsPerStep = 512;

  Taken take_cold();
  void return_memory(std::size_t from, std::size_t to, std::size_t kept_bytes);
  Status add_slab(std::size_t slots_needed);
  Slot next_unused();
  void install_guard(std::byte* page);
  bool take_from_budget();
  [[nodiscard]] const Slab& slab_of(std::size_t index) const;

  const Config config_;
  GuardKind guard_;
  std::size_t mprotect_guards_ = 0;
  std::size_t unguarded_ = 0;
  std::size_t first_unguarded_ = ~std::size_t{0};  // The index of a slot.
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::vector<Slab> slabs_;
  // Last given back at the end.
  std::unique_ptr<Slot[]> free_;
  std::size_t free_count_ = 0;
  std::size_t low_ = 0;  // I4
  std::size_t shallow_ = 0;
  std::size_t blank_ = 0;
  std::size_t cold_ = 0;  // What low_ was when the last period ended: so many may go back.
};

}  // namespace weft
