// SPDX-License-Identifier: Apache-2.0
// A module as libwabt is to see it: without what its custom sections say.
//
// What stands in a custom section never makes a module invalid. libwabt reads some of them
// (linking, reloc.*, dylink.0, target_features, others in other versions), and refuses a module
// when one has a mistake. weft needs nothing of what it reads there: so those behind the last other
// section are cut off, and the names of the others are overwritten, in a copy. All else stays at
// its offset, which reports name.
//
// C++17, as guest/wabt/interp_core.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft {

class WithoutCustoms {
 public:
  // Of a module that guest/wasm/module_view.h has read. The bytes must outlive it.
  WithoutCustoms(const void* module, std::size_t bytes);
  WithoutCustoms(const WithoutCustoms&) = delete;
  WithoutCustoms& operator=(const WithoutCustoms&) = delete;

  [[nodiscard]] const std::uint8_t* data() const { return copy_.empty() ? given_ : copy_.data(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  const std::uint8_t* const given_;
  std::size_t bytes_;
  std::vector<std::uint8_t> copy_;  // Empty: nothing had to be overwritten.
};

}  // namespace weft
