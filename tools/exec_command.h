// SPDX-License-Identifier: Apache-2.0
// `weft exec`, to be used in place of Go's own runner of wasip1 programs:
//
//   GOOS=wasip1 GOARCH=wasm go test -exec "weft exec" ./...
//   weft exec [options] prog.wasm [args]
//
// The contract of that runner: the whole file system under its own names, the variables PWD and
// PATH, and room for deep recursions. Go resolves relative paths against PWD, so a program finds
// itself in the directory it was started in. Options are those of `weft run`; there is one guest.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp exec_help();

// `args` is what follows "exec". Returns the exit code.
int exec_command(const std::vector<std::string>& args);

}  // namespace weft::tools
