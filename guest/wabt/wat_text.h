// SPDX-License-Identifier: Apache-2.0
// WebAssembly text (.wat) to a binary, by libwabt. C++17, as libwabt's headers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft {

// The binary, in `out`. Returns what is wrong, as "7:12: unexpected token", or "".
std::string wat_to_binary(const std::string& text, std::vector<std::uint8_t>& out);

}  // namespace weft
