// SPDX-License-Identifier: Apache-2.0
// `weft test --merge FILES`: one verdict of the parts of a search.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace weft::tools {

// Prints what one process would have printed, and writes its replay file. The exit code; nothing:
// the words behind "test" are no merge.
std::optional<int> test_merge(const std::vector<std::string>& args);

}  // namespace weft::tools
