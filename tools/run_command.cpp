// SPDX-License-Identifier: Apache-2.0
#include "tools/run_command.h"

#include "sim/quantities.h"
#include "tools/guest_options.h"
#include "tools/messages.h"
#include "tools/one_run.h"

namespace weft::tools {
namespace {

constexpr GuestCommand kRun = {
    "run",
    "Runs WebAssembly guests (WASI preview 1) side by side on one thread. A guest is a file, as a\n"
    "binary or as text (.wat), or '-': stdin.\n"
    "weft run [options] guest.wasm [args] [::: [options] guest.wasm [args]]...\n"
    "weft [options] guest.wasm [args]",
    kGib, true};

}  // namespace

CommandHelp run_help() {
  return help_of(kRun, {});
}

int run_command(const std::vector<std::string>& args) {
  RunOptions run;
  RawOptions raw;
  if (const auto exit = parse_guests(kRun, args, run, raw, {})) return print(*exit);
  return one_run(run);
}

}  // namespace weft::tools
