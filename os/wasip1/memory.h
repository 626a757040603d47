// SPDX-License-Identifier: Apache-2.0
// Memory: a checked view of a guest's linear memory, and the only way by which weft touches it.
//
// Addresses are 32-bit offsets from the start of the view; every access is checked with 64-bit
// arithmetic, so that neither a wild pointer nor one near the end wraps around, and answers EFAULT
// when any byte of it lies outside. Values are copied with memcpy: a guest's pointers need no
// alignment. Works as well on a window of the process's own memory.
//
// A view is two words: pass it by value, and do not keep it over a call that lets the guest run,
// which may grow and so move its memory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "os/wasip1/abi.h"

namespace weft::wasip1 {

static_assert(std::endian::native == std::endian::little, "guests are little-endian");

class Memory {
 public:
  Memory() = default;
  explicit Memory(std::span<std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }

  // Does [at, at + length) lie inside? An empty range does when at <= size().
  [[nodiscard]] bool contains(Size at, std::uint64_t length) const {
    return length <= bytes_.size() && at <= bytes_.size() - length;
  }

  // EFAULT unless `count` elements of T from `at` lie inside.
  template <class T>
  [[nodiscard]] Errno check(Size at, std::uint64_t count = 1) const {
    if (count > bytes_.size()) return Errno::fault;  // Keeps the product below from overflowing.
    return contains(at, count * sizeof(T)) ? Errno::success : Errno::fault;
  }

  // Copies a T from `at` to value.
  template <class T>
  [[nodiscard]] Errno load(Size at, T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!contains(at, sizeof(T))) return Errno::fault;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return Errno::success;
  }

  // Copies value to `at`.
  template <class T>
  [[nodiscard]] Errno store(Size at, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!contains(at, sizeof(T))) return Errno::fault;
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
    return Errno::success;
  }

  // Makes `out` the bytes [at, at + length) themselves.
  [[nodiscard]] Errno bytes(Size at, Size length, std::span<std::byte>& out) const {
    if (!contains(at, length)) return Errno::fault;
    out = bytes_.subspan(at, length);
    return Errno::success;
  }

  // The same as characters. The caller must check their encoding.
  [[nodiscard]] Errno text(Size at, Size length, std::string_view& out) const {
    std::span<std::byte> chars;
    if (const Errno e = bytes(at, length, chars); e != Errno::success) return e;
    out = {reinterpret_cast<const char*>(chars.data()), chars.size()};
    return Errno::success;
  }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace weft::wasip1
