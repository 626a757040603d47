// SPDX-License-Identifier: Apache-2.0
#include "tools/guest_options.h"

#include <algorithm>
#include <bit>
#include <limits>

#include <CLI/CLI.hpp>
#include <optional>

#include "tools/command_line.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/listener.h"
#include "tools/world_file.h"

namespace weft::tools {
namespace {

constexpr const char* kSeparator = ":::";
constexpr int kCopiesMax = 1'000'000;
constexpr int kGraceMax = 3'600;
constexpr int kMemoryMibMax = 4'096;
constexpr int kSchedTraceMsMax = 3'600'000;
constexpr int kStackKibMin = 128;
constexpr int kStackKibMax = 1'048'576;

// What CLI11 fills in for one guest.
struct RawGuest {
  int copies = 1;
  int memory_mib = 0;
  std::vector<std::string> env;
  std::vector<std::string> dirs;
  std::vector<std::string> listen;
  std::int64_t fuel = 0;
  RawLimits limits;
  int stack_kib = static_cast<int>(GuestLimits{}.stack_bytes / 1024);
};

void add_engine_options(CLI::App& app, RawGuest& guest, RunOptions& run) {
  app.add_option("--engine", run.engine,
                 "How guests are executed; 'weft engines' tells what each is")
      ->check(CLI::IsMember(engine_names()))
      ->capture_default_str();
  app.add_option("--fuel", guest.fuel,
                 "End this guest at this many checks, which it passes in loops and calls")
      ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()))
      ->type_name("CHECKS");
  app.add_option("--stack", guest.stack_kib,
                 "Limit of this guest's call stack; interp has room for 32 calls a KiB")
      ->check(CLI::Range(kStackKibMin, kStackKibMax))
      ->type_name("KIB")
      ->capture_default_str();
  add_aot_options(app, run.engine_options.aot);
}

void add_guest_options(CLI::App& app, RawGuest& guest) {
  app.add_option("-n", guest.copies, "How many copies of this guest to run (1 to 1000000)")
      ->check(CLI::Range(1, kCopiesMax))
      ->type_name("COUNT");
  app.add_option("--env", guest.env, "Set an environment variable of this guest; repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.add_option("--dir", guest.dirs, "Give this guest a host directory under a name; repeatable")
      ->type_name("HOST[::GUEST]")
      ->allow_extra_args(false);
  app.add_option("--listen", guest.listen,
                 "Give this guest a listening socket, as fd 3 and on; repeatable. With port 0 the\n"
                 "system chooses one, and weft says which")
      ->type_name("HOST:PORT|unix:PATH")
      ->allow_extra_args(false);
  app.add_option("--memory", guest.memory_mib, "Limit of this guest's linear memory")
      ->check(CLI::Range(1, kMemoryMibMax))
      ->type_name("MIB")
      ->capture_default_str();
}

// What is said and written of a run, and how it is ended: of a command that does one.
void add_watch_options(CLI::App& app, RunOptions& run, RawOptions& raw) {
  app.add_option("--grace", run.grace_s, "How long guests may go on after SIGINT or SIGTERM")
      ->check(CLI::Range(0, kGraceMax))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_flag("--stats", run.stats, "Print a table with a row a guest when all have ended");
  app.add_flag("--trace-wasi", run.trace_wasi, "Print each WASI call of every guest to stderr");
  app.add_option("--record", run.record_file, "Write the run as a replay file, for weft replay")
      ->type_name("FILE");
  app.add_option("--trace", run.trace_file, "Write all events: FILE.json (Perfetto) or FILE.csv")
      ->type_name("FILE");
  app.add_flag("--trace-hash", raw.sim.trace_hash,
               "Print a hash of all events to stderr at the end");
}

void add_options(CLI::App& app, const GuestCommand& command, RawGuest& guest, RunOptions& run,
                 RawOptions& raw) {
  RawSimOptions& sim = raw.sim;
  app.prefix_command();
  add_guest_options(app, guest);
  add_engine_options(app, guest, run);
  add_limit_options(app, guest.limits, raw.all);
  if (command.one_run) add_watch_options(app, run, raw);
  app.add_flag("--virtual-time", sim.virtual_time,
               "Time jumps to the next deadline when nothing can run; with --seed, a run repeats\n"
               "exactly (docs/simulation.md)");
  app.add_option("--schedtrace", sim.schedtrace_ms,
                 "Print the scheduler's state to stderr at every so many milliseconds, as Go does\n"
                 "under GODEBUG=schedtrace")
      ->check(CLI::Range(1, kSchedTraceMsMax))
      ->type_name("MS");
  app.add_flag("--scheddetail", sim.scheddetail, "--schedtrace: a line for each M and G, too");
  add_sim_options(app, sim);
  app.footer(
      command.one_run
          ? "A guest's own exit code is weft's: of several, that of the first one listed that did\n"
            "not exit with 0. Else 134: a guest trapped; 137: one was killed; 130, 143: SIGINT or\n"
            "SIGTERM ended the run; 66: a module can't be loaded; 64: wrong use; 71: the system\n"
            "refuses; 74: a file can't be written; 2: all guests wait for what can never come, "
            "and\n"
            "in virtual time --max-steps or --max-time was reached, or a guest could not be\n"
            "started again."
          : "Exit code 0: all pass; 1: a schedule fails; 2: weft can't go on; 64: wrong use;\n"
            "66: a file can't be read; 71: the system refuses; 74: a result can't be written;\n"
            "130, 143: SIGINT or SIGTERM ended the search.");
}

std::variant<GuestSpec, ExitNow> finish(const GuestCommand& command, const RawGuest& raw,
                                        std::vector<std::string> rest) {
  if (rest.empty()) return wrong_use(command.name, "no module given");
  if (rest.front() == "--") rest.erase(rest.begin());
  if (rest.empty()) return wrong_use(command.name, "no module given");
  if (rest.front().starts_with("-"))
    return wrong_use(command.name, "unknown option " + rest.front());
  GuestSpec spec;
  spec.module_path = rest.front();
  spec.copies = raw.copies;
  spec.limits.memory_pages_max = static_cast<std::uint32_t>(raw.memory_mib) * 16;
  spec.limits.fuel = static_cast<std::uint64_t>(raw.fuel);
  spec.limits.stack_bytes = std::bit_ceil(static_cast<std::size_t>(raw.stack_kib) * 1024);
  auto use = read_limits("--", raw.limits, spec.options.use);
  if (!use) return wrong_use(command.name, use.error().message);
  spec.options.use = *use;
  if (use->sizes.table_elements != Budget::kUnlimited) {
    spec.limits.table_elements_max =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(UINT32_MAX, use->sizes.table_elements));
  }
  spec.options.args = std::move(rest);
  for (const std::string& variable : raw.env) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) {
      return wrong_use(command.name, "--env wants NAME=VALUE, not '" + variable + "'");
    }
    spec.options.env.push_back(variable);
  }
  for (const std::string& dir : raw.dirs) {
    const std::size_t colons = dir.find("::");
    const std::string host = dir.substr(0, colons);
    const std::string guest = colons == std::string::npos ? host : dir.substr(colons + 2);
    if (host.empty() || guest.empty()) {
      return wrong_use(command.name, "--dir wants HOST::GUEST, not '" + dir + "'");
    }
    spec.options.preopens.push_back({host, guest});
  }
  for (const std::string& address : raw.listen) {
    if (Status valid = check_address(address); !valid) {
      return wrong_use(command.name, "--listen: " + valid.error().message);
    }
  }
  spec.listen = raw.listen;
  return spec;
}

// A recording keeps --memory and --fuel. In real time it keeps what some others did, too: a
// deadline and a limit of output are ends of guests, a limit of descriptors is the errno of a call.
void note_unrecorded(const RawGuest& raw, RawOptions& options) {
  const RawLimits& one = raw.limits;
  const RawLimits& all = options.all;
  const bool has_stack = raw.stack_kib != RawGuest{}.stack_kib;
  const struct {
    const char* option;
    bool given;
    bool kept_in_real_time;
  } limits[] = {
      {"--stack", has_stack, false},
      {"--tables", !one.tables.empty(), false},
      {"--total-memory", !all.memory_mib.empty(), false},
      {"--total-stack", !all.stack_kib.empty(), false},
      {"--total-fuel", !all.fuel.empty(), false},
      {"--total-tables", !all.tables.empty(), false},
      {"--deadline", !one.deadline.empty(), true},
      {"--output", !one.output.empty(), true},
      {"--fds", !one.fds.empty(), true},
      {"--total-fds", !all.fds.empty(), true},
      {"--total-output", !all.output.empty(), true},
      {"--total-deadline", !all.deadline.empty(), true},
  };
  for (const auto& limit : limits) {
    if (!limit.given) continue;
    if (options.unrecorded.empty()) options.unrecorded = limit.option;
    if (options.unrecorded_real.empty() && !limit.kept_in_real_time) {
      options.unrecorded_real = limit.option;
    }
  }
}

std::variant<GuestSpec, ExitNow> parse_guest(const GuestCommand& command,
                                             std::vector<std::string> words, RunOptions& run,
                                             RawOptions& raw_options,
                                             const std::function<void(CLI::App&)>& more) {
  RawGuest raw;
  raw.memory_mib = command.memory_mib;
  CLI::App app(command.description, std::string("weft ") + command.name);
  add_options(app, command, raw, run, raw_options);
  if (more) more(app);
  if (const auto exit = parse_words(app, std::move(words))) return *exit;
  note_unrecorded(raw, raw_options);
  std::vector<std::string> rest = app.remaining();
  if (!raw_options.sim.world.empty()) {
    for (const char* option : {"-n", "--env", "--dir", "--listen", "--memory", "--stack", "--fuel",
                               "--deadline", "--output", "--fds", "--tables"}) {
      if (app.count(option) == 0) continue;
      return wrong_use(command.name,
                       std::string("--world has the guests, and their options are there: "
                                   "not ") +
                           option);
    }
    if (rest.empty()) return GuestSpec{};
    return wrong_use(command.name,
                     "--world has the guests; '" + rest.front() + "' is one too many");
  }
  return finish(command, raw, std::move(rest));
}

// What makes sense in virtual time only, what does not, and what does not make sense at all.
std::string misfit(const RawOptions& raw, const RunOptions& run) {
  const RawSimOptions& sim = raw.sim;
  const std::string& trace = run.trace_file;
  if (!trace.empty() && !trace.ends_with(".json") && !trace.ends_with(".csv")) {
    return "--trace: " + trace + ": a trace is a .json (for Perfetto) or a .csv";
  }
  const std::string& unrecorded = sim.virtual_time ? raw.unrecorded : raw.unrecorded_real;
  if (!run.record_file.empty() && !unrecorded.empty()) {
    return "--record does not keep " + unrecorded + ", so a replay would be another run";
  }
  if (!sim.virtual_time) {
    const std::pair<const char*, bool> only_virtual[] = {
        {"--cost", !sim.cost.empty()},     {"--jitter", !sim.jitter.empty()},
        {"--start", !sim.start.empty()},   {"--max-time", !sim.time_max.empty()},
        {"--faults", !sim.faults.empty()}, {"--max-steps", !sim.steps_max.empty()},
        {"--trace-hash", sim.trace_hash},  {"--world", !sim.world.empty()},
    };
    for (const auto& [option, given] : only_virtual) {
      if (given) return std::string(option) + " needs --virtual-time";
    }
    return {};
  }
  if (!find_engine(run.engine)->is_fixed) {
    return "--engine " + run.engine +
           " does not go with --virtual-time: which engine it is would depend on what "
           "was compiled before";
  }
  if (run.grace_s != 0) return "--grace is real time; it has no meaning with --virtual-time";
  if (run.stats) return "--stats measures real time; it has no meaning with --virtual-time";
  for (const GuestSpec& guest : run.guests) {
    if (!sim.world.empty() && !guest.module_path.empty()) {
      return "--world has the guests; '" + guest.module_path + "' is one too many";
    }
    if (!guest.listen.empty()) {
      return "--listen does not go with --virtual-time: connections come at times that can't be "
             "repeated";
    }
  }
  return {};
}

// The guests of a manifest, in place of those of the command line.
std::optional<ExitNow> take_world(const GuestCommand& command, const std::string& path,
                                  RunOptions& run) {
  auto file = read_world(path);
  if (!file) {
    return ExitNow{kExitNoModule, std::string("weft: ") + command.name +
                                      ": --world: " + file.error().message + "\n"};
  }
  run.world_file = path;
  run.guests = std::move(file->guests);
  run.world = std::move(file->world);
  run.world_text = std::move(file->text);
  return std::nullopt;
}

std::optional<ExitNow> finish_run(const GuestCommand& command, const RawOptions& raw,
                                  RunOptions& run) {
  if (const std::string wrong = misfit(raw, run); !wrong.empty())
    return wrong_use(command.name, wrong);
  auto all = read_limits("--total-", raw.all, {});
  if (!all) return wrong_use(command.name, all.error().message);
  run.all = *all;
  auto options = read_sim_options(raw.sim);
  if (!options) return wrong_use(command.name, options.error().message);
  run.sim = std::move(*options);
  return raw.sim.world.empty() ? std::nullopt : take_world(command, raw.sim.world, run);
}

}  // namespace

void add_aot_options(CLI::App& app, AotOptions& options) {
  app.add_option("--cc", options.cc,
                 "The C compiler of aot, with options; else $CC, cc, gcc, clang")
      ->type_name("COMMAND");
  app.add_flag_callback(
      "--no-checks", [&options] { options.checks = false; },
      "Compile without the checks of preemption and fuel, to measure what they cost: such a\n"
      "guest can't be preempted or stopped while it computes");
  app.add_option_function<std::string>(
         "--bounds",
         [&options](const std::string& word) {
           options.bounds = word == "guard" ? Bounds::guard : Bounds::check;
         },
         "How aot keeps a guest in its memory: guard pages (fast, 8 GiB of address space each)\n"
         "or a check at each access (many guests)")
      ->check(CLI::IsMember({"guard", "check"}));
}

std::variant<RunOptions, ExitNow> parse_one_guest(const GuestCommand& command,
                                                  const std::vector<std::string>& words) {
  RunOptions run;
  RawOptions raw;
  auto guest = parse_guest(command, words, run, raw, {});
  if (auto* exit = std::get_if<ExitNow>(&guest)) return *exit;
  run.guests.push_back(std::move(std::get<GuestSpec>(guest)));
  if (auto exit = finish_run(command, raw, run)) return *exit;
  return run;
}

std::optional<ExitNow> parse_guests(const GuestCommand& command,
                                    const std::vector<std::string>& args, RunOptions& run,
                                    RawOptions& raw, const std::function<void(CLI::App&)>& more) {
  for (auto from = args.begin();;) {
    const auto to = std::find(from, args.end(), kSeparator);
    auto guest = parse_guest(command, {from, to}, run, raw, more);
    if (auto* exit = std::get_if<ExitNow>(&guest)) return *exit;
    run.guests.push_back(std::move(std::get<GuestSpec>(guest)));
    if (to == args.end()) return finish_run(command, raw, run);
    from = to + 1;
  }
}

}  // namespace weft::tools
