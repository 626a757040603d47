// SPDX-License-Identifier: Apache-2.0
// DataImage: what a module's data segments put into its memory, as one piece that can be read at an
// address. Go's linker leaves out runs of zeros, so a table lies in thousands of segments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/wasm/module_view.h"

namespace weft::guest::go {

class DataImage {
 public:
  // From the first to the last byte that a segment has. Zeros take memory here and none in the
  // file, so a module that wants much more than its own size is refused.
  static Result<DataImage> of(const wasm::ModuleView& module);

  DataImage() = default;
  // For tests: the bytes from `base` on.
  DataImage(std::uint32_t base, std::vector<std::byte> bytes)
      : base_(base), bytes_(std::move(bytes)) {}

  [[nodiscard]] std::uint32_t base() const { return base_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::byte* data() const { return bytes_.data(); }

  // Little endian. Nothing outside of the image.
  [[nodiscard]] std::optional<std::uint8_t> u8(std::uint64_t address) const;
  [[nodiscard]] std::optional<std::uint32_t> u32(std::uint64_t address) const;
  [[nodiscard]] std::optional<std::uint64_t> u64(std::uint64_t address) const;
  [[nodiscard]] std::optional<std::string_view> text(std::uint64_t address,
                                                     std::uint64_t bytes) const;
  // Up to a zero, which has to come within `max` bytes.
  [[nodiscard]] std::optional<std::string_view> c_text(std::uint64_t address,
                                                       std::size_t max) const;

 private:
  [[nodiscard]] const std::byte* at(std::uint64_t address, std::uint64_t bytes) const;

  std::uint32_t base_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace weft::guest::go
