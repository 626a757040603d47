// SPDX-License-Identifier: Apache-2.0
// ExceptionIndex: is a word the address of one of these exceptions?
//
// A hash table in blocks, none of which takes long to make or to free. A guest may know how malloc
// places its exceptions, and choose by that which ones it keeps. So all bits of an address decide
// where it is looked for first; from there on all blocks together are one ring, of which more than
// half is free.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace weft::jit {

class ExceptionIndex {
 public:
  static constexpr std::size_t kBlockPlaces = std::size_t{1} << 16;

  // Empty, with room for `count`. False when there is no memory.
  bool make(std::size_t count) noexcept {
    places_ = std::bit_ceil(2 * count + 1);
    const std::size_t of_block = std::min(places_, kBlockPlaces);
    blocks_.clear();
    try {
      blocks_.resize(places_ / of_block);
    } catch (const std::bad_alloc&) {
      return false;
    }
    for (Block& block : blocks_) {
      block.reset(static_cast<std::uint64_t**>(std::calloc(of_block, sizeof(std::uint64_t*))));
      if (block == nullptr) return false;
    }
    return true;
  }

  // Where it is, or null where it would be. Requires make() with room for all.
  [[nodiscard]] std::uint64_t*& place(const std::uint64_t* exception) const {
    for (std::size_t at = first_place(exception);; at = (at + 1) & (places_ - 1)) {
      std::uint64_t*& found = blocks_[at / kBlockPlaces][at % kBlockPlaces];
      if (found == nullptr || found == exception) return found;
    }
  }

  // Where it is looked for first.
  [[nodiscard]] std::size_t first_place(const std::uint64_t* exception) const {
    std::uint64_t hash = reinterpret_cast<std::uintptr_t>(exception);
    hash = (hash ^ (hash >> 33)) * 0xff51'afd7'ed55'8ccd;
    hash = (hash ^ (hash >> 33)) * 0xc4ce'b9fe'1a85'ec53;
    return (hash ^ (hash >> 33)) & (places_ - 1);
  }

  // Frees its memory. step() is called after each block, and may leave by a jump.
  template <class Step>
  void release(Step step) {
    for (Block& block : blocks_) {
      block.reset();
      step();
    }
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  using Block = std::unique_ptr<std::uint64_t*[], Free>;

  std::vector<Block> blocks_;
  std::size_t places_ = 0;  // Of all blocks: a power of two.
};

}  // namespace weft::jit
