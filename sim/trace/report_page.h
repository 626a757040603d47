// SPDX-License-Identifier: Apache-2.0
// The page that `weft report` writes: a trace inside one HTML file that needs nothing else.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::sim {

// The page for a JSON trace of sim/trace/trace_file.h; one whose end was cut off is taken as far as
// it goes. The error says what is wrong with the text.
Result<std::string> report_page(std::string_view title, std::string_view trace);

}  // namespace weft::sim
