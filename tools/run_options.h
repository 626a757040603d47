// SPDX-License-Identifier: Apache-2.0
// The command line of `weft run`, taken apart:
//
//   weft run [options] guest.wasm [args] [::: [options] guest.wasm [args]]...
//
// Everything up to the module is weft's, everything behind it the guest's, up to the next ":::".
// Each guest has its own options; --total-..., --stats, --trace-wasi and those of the engine hold
// for the whole run, wherever they stand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "guest/engines.h"
#include "guest/runtime.h"
#include "tools/limit_options.h"
#include "tools/sim_options.h"

namespace CLI {
class App;
}

namespace weft::tools {

// One module with its arguments, between two ":::".
struct GuestSpec {
  std::string module_path;
  int copies = 1;
  GuestLimits limits;
  GuestOptions options;
  std::vector<std::string> listen;  // Addresses, as tools/listener.h reads them.
};

struct RunOptions {
  std::vector<GuestSpec> guests;
  bool stats = false;
  bool trace_wasi = false;
  std::string engine = kDefaultEngine;  // Of a row of guest/engines.cpp.
  EngineOptions engine_options;
  UseLimits all;  // What all guests may use together.
  SimOptions sim;
  sim::WorldSpec world;    // Of --world, which then has given the guests.
  std::string world_file;  // Its path; empty: none.
  std::string world_text;

  // What the run is called: the world, or the first module.
  [[nodiscard]] const std::string& program() const {
    return world_file.empty() ? guests.front().module_path : world_file;
  }
  std::string record_file;  // Empty: none.
  std::string trace_file;   // Empty: none.
  int grace_s = 0;          // Between SIGINT or SIGTERM and the end of the guests.
};

// What to print, and the code to exit with, instead of running: --help or wrong use.
struct ExitNow {
  int code;
  std::string text;
};

// What CLI11 fills in for the whole run.
struct RawOptions {
  RawSimOptions sim;
  RawLimits all;
  // The first limit given that a recording does not keep, in virtual and in real time; empty: none.
  std::string unrecorded;
  std::string unrecorded_real;
};

// What differs between the subcommands that take a guest.
struct GuestCommand {
  const char* name;
  const char* description;
  int memory_mib;  // The limit when there is no --memory.
  bool one_run;    // Or many: then there is no one run to record, to trace or to measure.
};

// The options that say how a module is compiled: --cc, --bounds.
void add_aot_options(CLI::App& app, AotOptions& options);

// One guest with its options; ":::" is an argument like any other.
std::variant<RunOptions, ExitNow> parse_one_guest(const GuestCommand& command,
                                                  const std::vector<std::string>& words);

// The guests and options of a command with ":::", into run. `more` adds the command's own options.
std::optional<ExitNow> parse_guests(const GuestCommand& command,
                                    const std::vector<std::string>& args, RunOptions& run,
                                    RawOptions& raw, const std::function<void(CLI::App&)>& more);

// The text for wrong use of a command.
ExitNow wrong_use(const GuestCommand& command, const std::string& what);

// `args` is what follows "run".
std::variant<RunOptions, ExitNow> parse_run(const std::vector<std::string>& args);

}  // namespace weft::tools
