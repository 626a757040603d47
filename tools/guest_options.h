// SPDX-License-Identifier: Apache-2.0
// The command line of the commands that take guests, taken apart:
//
//   weft run [options] guest.wasm [args] [::: [options] guest.wasm [args]]...
//
// Words before the module are for weft; words after it are for the guest, up to the next ":::".
// Each guest has its own options; --total-..., --stats, --trace-wasi and those of the engine hold
// for the whole run, wherever they stand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tools/help.h"
#include "tools/limit_options.h"
#include "tools/messages.h"
#include "tools/run_options.h"

namespace CLI {
class App;
}

namespace weft::tools {

// Stands between two guests.
inline constexpr const char* kGuestSeparator = ":::";

// What CLI11 fills in for the whole run.
struct RawOptions {
  RawSimOptions sim;
  RawLimits all;
  std::string grace;
  // The first limit given that a recording does not keep, in virtual and in real time; empty: none.
  std::string unrecorded;
  std::string unrecorded_real;
};

// What differs between the subcommands that take a guest.
struct GuestCommand {
  const char* name;
  const char* description;
  std::uint64_t memory_bytes;  // The limit when there is no --memory.
  bool one_run;  // Or many: then there is no one run to record, to trace or to measure.
};

// The options that say how a module is compiled: --cc, --bounds.
void add_aot_options(CLI::App& app, AotOptions& options);

// `more` adds the command's own options.
CommandHelp help_of(const GuestCommand& command, const std::function<void(CLI::App&)>& more);

// One guest with its options; ":::" is an argument like any other.
std::variant<RunOptions, ExitNow> parse_one_guest(const GuestCommand& command,
                                                  const std::vector<std::string>& words);

// The guests and options of a command with ":::", into run. `more` adds the command's own options.
std::optional<ExitNow> parse_guests(const GuestCommand& command,
                                    const std::vector<std::string>& args, RunOptions& run,
                                    RawOptions& raw, const std::function<void(CLI::App&)>& more);

}  // namespace weft::tools
