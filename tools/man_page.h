// SPDX-License-Identifier: Apache-2.0
// Man pages from the same help as --help: weft(1), and one for each command.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

// Text for man(1). all: every command, for SEE ALSO.
std::string man_page(const CommandHelp& help, const std::vector<CommandHelp>& all);

}  // namespace weft::tools
