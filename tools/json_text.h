// SPDX-License-Identifier: Apache-2.0
// Text on its way into JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

// In quotes. Invalid UTF-8 becomes U+FFFD.
std::string json_text(std::string_view text);

// "a", "b": without brackets.
std::string json_list(const std::vector<std::string>& texts);

}  // namespace weft::tools
