// SPDX-License-Identifier: Apache-2.0
// WasmReader: a cursor over the bytes of a WebAssembly binary. Every read checks the bounds and
// throws MalformedWasm, which never leaves guest/wasm/module_scan.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weft {

// The module can't be read. `what` says what is wrong at which byte.
struct MalformedWasm {
  std::string what;
};

// The module needs a proposal that weft does not support.
struct UnsupportedWasm {
  std::string_view proposal;
};

class WasmReader {
 public:
  explicit WasmReader(std::span<const std::byte> bytes, std::size_t offset_in_file = 0)
      : bytes_(bytes), offset_in_file_(offset_in_file) {}

  [[nodiscard]] std::size_t left() const { return bytes_.size() - position_; }
  [[nodiscard]] bool at_end() const { return left() == 0; }
  [[nodiscard]] std::size_t offset() const { return offset_in_file_ + position_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw MalformedWasm{what + " at byte " + std::to_string(offset())};
  }

  std::uint8_t u8() {
    if (at_end()) fail("unexpected end");
    return std::to_integer<std::uint8_t>(bytes_[position_++]);
  }
  [[nodiscard]] std::uint8_t peek() const {
    if (at_end()) fail("unexpected end");
    return std::to_integer<std::uint8_t>(bytes_[position_]);
  }

  void skip(std::size_t count) {
    if (count > left()) fail("unexpected end");
    position_ += count;
  }

  // An unsigned LEB128 number of at most 32 bits.
  std::uint32_t u32() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t byte = u8();
      if (shift == 28 && (byte & 0x70) != 0) fail("a number of more than 32 bits");
      value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail("a number that is longer than 5 bytes");
  }

  // Passes over a LEB128 number of at most `bytes_max` bytes, signed or not.
  void skip_leb(int bytes_max) {
    for (int i = 0; i < bytes_max; ++i) {
      if ((u8() & 0x80) == 0) return;
    }
    fail("a number that is too long");
  }

  // The length of a vector whose elements take at least one byte each: a length that can't fit is
  // an error here, before anybody makes room for it.
  std::uint32_t count(const char* of_what) {
    const std::uint32_t n = u32();
    if (n > left()) fail(std::string("more ") + of_what + " than bytes");
    return n;
  }

  std::string_view name() {
    const std::uint32_t length = count("bytes in a name");
    const auto* text = reinterpret_cast<const char*>(bytes_.data() + position_);
    position_ += length;
    return {text, length};
  }

  // What has not been read yet.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_.subspan(position_); }

  // The next `length` bytes as a reader of their own; this one goes on behind them.
  WasmReader sub(std::uint32_t length) {
    if (length > left()) fail("a part that is longer than what is left of the file");
    WasmReader part(bytes_.subspan(position_, length), offset());
    position_ += length;
    return part;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t offset_in_file_;
  std::size_t position_ = 0;
};

}  // namespace weft
