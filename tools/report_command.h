// SPDX-License-Identifier: Apache-2.0
// `weft report TRACE.json -o PAGE.html`: one page that shows a trace.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp report_help();

// `args` is what follows "report". Returns the exit code.
int report_command(const std::vector<std::string>& args);

}  // namespace weft::tools
