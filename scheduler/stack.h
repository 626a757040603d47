// SPDX-License-Identifier: Apache-2.0
// Stacks for fibers, from slabs: many stacks share one mapping.
//
//   a slab (one mmap)                                    one slot: a guard page and slot_bytes
//   ┌──────────┬──────────┬──────────┬─ ─ ─           low                                     high
//   │  slot 0  │  slot 1  │  slot 2  │                ┌───────┬──────────────────┬────────┬───────┐
//   └──────────┴──────────┴──────────┴─ ─ ─           │ guard │ ◀── grows down   │ header │ colour│
//                                                     └───────┴──────────────────┴────────┴───────┘
//   guard   one page that faults: MADV_GUARD_INSTALL (Linux 6.13), which keeps the slab one
//   mapping; else
//           PROT_NONE, which costs two mappings a stack and so has a budget below vm.max_map_count.
//           It makes a slot an odd number of pages: at a power of two the tops of all stacks would
//           fall into the same few sets of the processor's TLBs, which a few Gs would fill.
//   header  room for the owner's bookkeeping (a G), beside the frames that a switch touches anyway.
//   colour  0 to 31 cache lines that differ from slot to slot: without them the tops of all stacks
//   would
//           fall into the same few cache sets. Neighbours differ by many lines (the index, its bits
//           reversed), so that the frames of two Gs that take turns do not lie at the same offsets
//           either.
//
// One page catches a stack that grows frame by frame, and any larger frame of code that was
// compiled with -fstack-clash-protection, as weft is: it touches each page in turn.
//
// Memory is committed when touched, never given back before the pool dies, and reused last-in
// first-out, so the next stack is the one whose pages and cache lines are warm. Huge pages are off:
// one touch must cost one page.
//
// Invariants:
//   I1. slots_[0, used) have been handed out at least once; later slots have never been touched.
//   I2. A slot is handed out only while it is not in use; the caller keeps track of that and of the
//   free list.
#pragma once

#include <cstddef>
#include <cstdint>
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

  // Hands out a slot that has never been used. Fails when the system gives no more address space.
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
  Status add_slab();
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
};

}  // namespace weft
