// SPDX-License-Identifier: Apache-2.0
// The commands that look into a running weft: ps, top, kill, dump, trace, stats. Each asks over the
// control socket that weft run --control has made (tools/control_client.h).
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp ps_help();
CommandHelp top_help();
CommandHelp kill_help();
CommandHelp dump_help();
CommandHelp trace_help();
CommandHelp stats_help();

// `args` is what follows the command's name. Each returns the exit code.
int ps_command(const std::vector<std::string>& args);
int top_command(const std::vector<std::string>& args);
int kill_command(const std::vector<std::string>& args);
int dump_command(const std::vector<std::string>& args);
int trace_command(const std::vector<std::string>& args);
int stats_command(const std::vector<std::string>& args);

}  // namespace weft::tools
