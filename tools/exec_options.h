// SPDX-License-Identifier: Apache-2.0
// The command line of `weft exec`, which stands where Go's own runner of wasip1 programs would:
//
//   GOOS=wasip1 GOARCH=wasm go test -exec "weft exec" ./...
//   weft exec [options] prog.wasm [args]
//
// The contract of that runner: the whole file system under its own names, the variables PWD and
// PATH, and room for deep recursions. Go resolves relative paths against PWD, so a program finds
// itself in the directory it was started in. Options are those of `weft run`; there is one guest.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

// `args` is what follows "exec".
std::variant<RunOptions, ExitNow> parse_exec(const std::vector<std::string>& args);

}  // namespace weft::tools
