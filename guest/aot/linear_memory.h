// SPDX-License-Identifier: Apache-2.0
// Linear memories of compiled guests: where they lie, how they grow, and how they are reused.
//
//   guard   a reservation of 8 GiB each, of which the guest's pages are accessible: whatever a
//           32-bit address and a 32-bit offset can reach beyond them faults
//   check   a place in a slab, many to a mapping; the guest's code checks each access itself
//
// A memory that was given back keeps its place for the next one, but not its pages: the kernel
// gives zeroes when they are touched again. A place may begin with an image of what an instance
// starts with (guest/aot/memory_image.h); a place that is reset has the image again. One pool a
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "guest/aot/memory_image.h"

namespace weft {

// A place for one memory. Empty when data is null.
struct MemoryPlace {
  std::uint8_t* data = nullptr;
  std::size_t usable_bytes = 0;    // Accessible, or in a slab: what it may grow to in place.
  std::size_t reserved_bytes = 0;  // guard: with what faults.
  std::size_t image_begin = 0;     // Where an image is mapped; both 0: nowhere.
  std::size_t image_end = 0;
};

class MemoryPool {
 public:
  MemoryPool() = default;
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // Can the process have a reservation at all?
  static bool can_guard();

  // A zeroed memory of so many bytes. False when the system gives no more.
  bool take(std::size_t bytes, bool guard, MemoryPlace& place);

  // Makes it `bytes` long, of which the first `old_bytes` keep what they hold and the others are
  // zero. It may move, unless it is guarded; `turn` is then called between steps of a MiB, and
  // returns false to stop it. False, and nothing changed, when there is no room or it was stopped.
  bool grow(MemoryPlace& place, std::size_t old_bytes, std::size_t bytes,
            const std::function<bool()>& turn = {});

  // Puts a module's image into a memory that holds only zeroes, or that image already.
  static void lay(MemoryImage& image, MemoryPlace& place);

  // Resets a memory of which `used_bytes` were in use: it is `bytes` long again, all zeroes except
  // where an image is mapped. False when the system refuses.
  static bool reset(MemoryPlace& place, std::size_t used_bytes, std::size_t bytes);

  // Gives the pages of a guest that has ended back to the system, in steps of 32 MiB between which
  // others run: a GiB that was touched takes 70 ms. Before reset() or give_back(), for the same
  // `bytes`. On the guest's G, or where there is none. Every engine does it for an instance that
  // could be made, and for no other: the turns are a part of the schedule.
  static void release(const MemoryPlace& place, std::size_t bytes) noexcept;

  // `bytes` of it were in use.
  void give_back(MemoryPlace& place, std::size_t bytes);

  // For tests: mappings made and not unmapped, places handed out and not given back.
  [[nodiscard]] std::size_t mappings() const { return mappings_; }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }

 private:
  bool take_guarded(std::size_t bytes, MemoryPlace& place);
  bool take_from_slab(std::size_t bytes, MemoryPlace& place);
  bool move(MemoryPlace& place, std::size_t old_bytes, std::size_t bytes,
            const std::function<bool()>& turn);
  std::uint8_t* map(std::size_t bytes, int protection);

  struct Slab {
    std::uint8_t* data;
    std::size_t bytes;
  };

  std::vector<MemoryPlace> free_guarded_;
  std::map<std::size_t, std::vector<std::uint8_t*>> free_in_slabs_;  // By the size of the place.
  std::vector<Slab> slabs_;
  std::size_t slab_used_ = 0;  // Of the last one.
  std::size_t mappings_ = 0;
  std::size_t in_use_ = 0;
};

}  // namespace weft
