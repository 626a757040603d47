// SPDX-License-Identifier: Apache-2.0
// `weft worker`: runs parts of the searches of `weft test --nats` on this machine.
//
//   take ─▶ the search's files, once ─▶ weft test --shard I/N (a child) ─▶ send, with its verdict
//                                          └─ nobody needs it any more: killed
//
// SIGINT and SIGTERM give the part back and end the worker. A worker that is killed leaves its
// folder to the next one.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

// `args` is what follows "worker". Returns the exit code.
int worker_command(const std::vector<std::string>& args);

CommandHelp worker_help();

}  // namespace weft::tools
