// SPDX-License-Identifier: Apache-2.0
// Completion for shells, from the same help as --help.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

inline constexpr const char* kShells[] = {"bash", "zsh", "fish"};

// A script for one of kShells. all: weft itself first, then every command.
std::string completion(const std::string& shell, const std::vector<CommandHelp>& all);

}  // namespace weft::tools
