// SPDX-License-Identifier: Apache-2.0
// MemoryImage: what the memory of every new instance of a module holds before its code runs.
//
// That is the module's active segments of data. They are noted when the first instance is made,
// which copies them; from then on lay() puts them into a memory that is all zeroes:
//
//   few bytes    copied from the object's constants: a page that is written costs a page either way
//   many bytes   written to a file without a name when a second instance is made; the file is
//                mapped over the memory, copy-on-write: pages that are only read are shared by all
//
// A mapping of its own splits a slab, so there is a budget of them for the process, an eighth of
// what vm.max_map_count allows; beyond it the bytes are copied. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/unique_fd.h"

namespace weft {

class MemoryImage {
 public:
  MemoryImage() = default;
  ~MemoryImage() = default;
  MemoryImage(const MemoryImage&) = delete;
  MemoryImage& operator=(const MemoryImage&) = delete;

  // From here on it is mapped instead of copied.
  static constexpr std::size_t kMappedBytesMin = 32 * 1024;

  // While the first instance is made. `bytes` must stay where they are. When the heap has no room
  // for the note, this image never becomes complete.
  void add(std::uint32_t at, const std::uint8_t* bytes, std::uint32_t count) noexcept;
  // Forgets what was added: the instance could not be made.
  void clear() noexcept;
  // The first instance has all its segments.
  void complete() noexcept;
  [[nodiscard]] bool is_complete() const { return complete_; }

  // Where it is mapped: page-aligned offsets in a memory; both 0 before map() has succeeded.
  [[nodiscard]] std::size_t mapped_begin() const { return begin_; }
  [[nodiscard]] std::size_t mapped_end() const { return end_; }

  // Maps it to its place in the memory at `data`. False, and nothing changed, when the budget is
  // spent or the system refuses.
  bool map(std::uint8_t* data) noexcept;
  // Puts zeroes where one was mapped, and gives the budget back. False when the system refuses: the
  // range is still mapped.
  static bool unmap(std::uint8_t* data, std::size_t begin, std::size_t end) noexcept;
  // As unmap, for a mapping that is gone already.
  static void forget_mapping() noexcept;

  // Into a memory whose byte `from` is at `data`.
  void copy(std::uint8_t* data, std::size_t from = 0) const noexcept;

 private:
  struct Segment {
    std::uint32_t at;
    std::uint32_t count;
    const std::uint8_t* bytes;
  };
  void make_file() noexcept;

  std::vector<Segment> segments_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  UniqueFd file_;
  bool complete_ = false;
  bool lost_ = false;        // A segment could not be noted.
  bool file_tried_ = false;  // It was made, or can't be.
};

}  // namespace weft
