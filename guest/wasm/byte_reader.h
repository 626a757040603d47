// SPDX-License-Identifier: Apache-2.0
// ByteReader: a cursor over the bytes of a WebAssembly binary. Every read checks the bounds and
// throws Refused, which never leaves guest/wasm/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weft::wasm {

// The module can't be read, is not valid, or needs what weft lacks. `what` names it and the byte.
struct Refused {
  std::string what;
};

class ByteReader {
 public:
  ByteReader() = default;
  explicit ByteReader(std::span<const std::byte> bytes, std::uint32_t offset_in_file = 0)
      : begin_(reinterpret_cast<const std::uint8_t*>(bytes.data())),
        at_(begin_),
        end_(begin_ + bytes.size()),
        offset_in_file_(offset_in_file) {}

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] std::uint32_t offset() const {
    return offset_in_file_ + static_cast<std::uint32_t>(at_ - begin_);
  }
  [[nodiscard]] const std::uint8_t* position() const { return at_; }

  [[noreturn, gnu::cold, gnu::noinline]] void fail(const std::string& what) const {
    fail_at(what, offset());
  }
  [[noreturn, gnu::cold, gnu::noinline]] static void fail_at(const std::string& what,
                                                             std::uint32_t offset) {
    throw Refused{what + " at byte " + std::to_string(offset)};
  }

  std::uint8_t u8() {
    if (at_ == end_) fail("unexpected end");
    return *at_++;
  }
  [[nodiscard]] std::uint8_t peek() const {
    if (at_ == end_) fail("unexpected end");
    return *at_;
  }

  // Passes over `count` bytes and returns where they are.
  const std::uint8_t* take(std::size_t count) {
    if (count > left()) fail("unexpected end");
    const std::uint8_t* bytes = at_;
    at_ += count;
    return bytes;
  }

  // Was there a type in the long form, "(ref null func)", since the reader was made?
  [[nodiscard]] bool saw_long_type() const { return saw_long_type_; }
  void note_long_type() { saw_long_type_ = true; }

  // Numbers in LEB128, each with the bits that its type has and no more.
  std::uint32_t u32() {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return static_cast<std::uint32_t>(unsigned_leb<32>());
  }
  std::uint64_t u64() { return unsigned_leb<64>(); }
  std::int32_t s32() { return static_cast<std::int32_t>(signed_leb<32>()); }
  std::int64_t s33() { return signed_leb<33>(); }
  std::int64_t s64() { return signed_leb<64>(); }

  // The length of a vector whose elements take at least one byte each: a length that can't fit is
  // an error here, before anybody makes room for it.
  std::uint32_t count(const char* of_what, std::uint32_t max) {
    const std::uint32_t n = u32();
    if (n > left()) fail(std::string("more ") + of_what + " than bytes");
    if (n > max) fail("more than " + std::to_string(max) + " " + of_what);
    return n;
  }

  // The next `length` bytes as a reader of their own; this one goes on behind them.
  ByteReader sub(std::uint32_t length) {
    if (length > left()) fail("a part that is longer than what is left of the file");
    ByteReader part;
    part.offset_in_file_ = offset();
    part.begin_ = part.at_ = at_;
    part.end_ = at_ += length;
    return part;
  }

 private:
  template <int Bits>
  std::uint64_t unsigned_leb() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const std::uint8_t byte = u8();
      const int bits_left = Bits - shift;
      if (bits_left < 7 && (byte & 0x7f) >> bits_left != 0) fail_large(Bits);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
      if (bits_left <= 7) fail_long(Bits);
    }
  }

  template <int Bits>
  std::int64_t signed_leb() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const std::uint8_t byte = u8();
      const int bits_left = Bits - shift;
      if (bits_left < 7) {  // The bits above the number's have to repeat its sign.
        const int sign_and_above = (byte & 0x7f) >> (bits_left - 1);
        if (sign_and_above != 0 && sign_and_above != 0x7f >> (bits_left - 1)) fail_large(Bits);
      }
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) {
        if (shift + 7 < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << (shift + 7);
        return static_cast<std::int64_t>(value);
      }
      if (bits_left <= 7) fail_long(Bits);
    }
  }

  [[noreturn, gnu::cold, gnu::noinline]] void fail_large(int bits) const {
    fail("a number of more than " + std::to_string(bits) + " bits");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_long(int bits) const {
    fail("a number that is longer than " + std::to_string((bits + 6) / 7) + " bytes");
  }

  const std::uint8_t* begin_ = nullptr;
  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  std::uint32_t offset_in_file_ = 0;
  bool saw_long_type_ = false;
};

}  // namespace weft::wasm
