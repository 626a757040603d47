// SPDX-License-Identifier: Apache-2.0
// A PC of Go on wasm: which function, and which of its resume points.
//
//   PC = (0x1000 + index of the function less the imports) << 16 | PC_B
#pragma once

#include <cstdint>
#include <optional>

namespace weft::guest::go {

inline constexpr std::uint32_t kPcFunctionBase = 0x1000;
inline constexpr unsigned kPcBlockBits = 16;

// The entry of a defined function (an index less the imports).
constexpr std::uint64_t pc_of(std::uint32_t defined) {
  return (std::uint64_t{kPcFunctionBase} + defined) << kPcBlockBits;
}

// The defined function that a PC lies in.
constexpr std::optional<std::uint32_t> defined_at(std::uint64_t pc) {
  const std::uint64_t function = pc >> kPcBlockBits;
  if (function < kPcFunctionBase || function - kPcFunctionBase > UINT32_MAX) return {};
  return static_cast<std::uint32_t>(function - kPcFunctionBase);
}

}  // namespace weft::guest::go
