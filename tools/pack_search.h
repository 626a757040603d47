// SPDX-License-Identifier: Apache-2.0
// pack_search: a search of `weft test --nats` made ready to travel (tools/search_spec.h).
#pragma once

#include <string>
#include <vector>

#include "tools/search_spec.h"
#include "tools/test_options.h"

namespace weft::tools {

struct PackedSearch {
  SearchSpec spec;                 // Without id and parts.
  std::vector<std::string> paths;  // Where the bytes of its files are here.
};

// `words`: those behind "weft test", of which `options` were read. The error names an option that
// can't travel, or a file that can't be read.
Result<PackedSearch> pack_search(const std::vector<std::string>& words, const TestOptions& options);

}  // namespace weft::tools
