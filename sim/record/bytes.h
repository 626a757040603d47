// SPDX-License-Identifier: Apache-2.0
// The numbers and texts that replay files and recordings are made of: docs/replay.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::sim {

class ByteWriter {
 public:
  void bytes(std::string_view raw) { out_ += raw; }
  void number(std::uint64_t value) {  // LEB128: seven bits a byte, the low ones first.
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  // Small numbers of either sign stay small: 0, -1, 1, -2, ...
  void signed_number(std::int64_t value) {
    number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& value : values) text(value);
  }
  // `count` bytes, the low one first.
  void fixed(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) out_ += static_cast<char>(value >> (8 * i));
  }
  [[nodiscard]] const std::string& written() const { return out_; }
  std::string take() { return std::exchange(out_, {}); }

 private:
  std::string out_;
};

// Reads what a ByteWriter wrote; ok() is false from the first thing that can't be read on.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  // A number of things of at least one byte each: a count that can't be true is refused before
  // room is made for it.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  std::string raw(std::size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  std::string text() { return raw(count()); }
  std::vector<std::string> texts() {
    std::vector<std::string> values;
    for (std::size_t left = count(); left > 0 && ok_; --left) values.push_back(text());
    return values;
  }
  std::uint64_t fixed(int count) {
    std::uint64_t value = 0;
    const std::string bytes = raw(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace weft::sim
