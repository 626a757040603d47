// SPDX-License-Identifier: Apache-2.0
// A value in a guest's memory, which may be anywhere: a guest's own words say where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace weft::guest::go {

// Nothing when it does not lie in the memory as a whole.
template <class T>
std::optional<T> read(std::span<const std::byte> memory, std::uint64_t address) {
  if (address > memory.size() || memory.size() - address < sizeof(T)) return {};
  T value;
  std::memcpy(&value, memory.data() + address, sizeof value);
  return value;
}

}  // namespace weft::guest::go
