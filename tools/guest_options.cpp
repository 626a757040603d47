// SPDX-License-Identifier: Apache-2.0
#include "tools/guest_options.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <span>

#include <CLI/CLI.hpp>
#include <optional>

#include "base/printable.h"
#include "guest/go/each_prologue.h"
#include "sim/quantities.h"
#include "tools/command_line.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/go_guest.h"
#include "tools/listener.h"
#include "tools/modules.h"
#include "tools/suggest.h"
#include "tools/whole_file.h"
#include "tools/world_file.h"

namespace weft::tools {
namespace {

constexpr int kCopiesMax = 1'000'000;
constexpr Duration kGraceMax = seconds(3'600);

// What CLI11 fills in for one guest.
struct RawGuest {
  std::string copies;
  std::string argv0;
  std::string invoke;
  std::string memory;
  std::vector<std::string> env;
  std::vector<std::string> dirs;
  std::vector<std::string> listen;
  std::string fuel;
  RawLimits limits;
  std::string stack;
  std::string goroutine_preempt;
};

void add_engine_options(CLI::App& app, RunOptions& run) {
  std::string names;
  for (const std::string& name : engine_names()) names += (names.empty() ? "" : "|") + name;
  app.add_option(
         "--engine", run.engine,
         std::string("How guests are executed; 'weft engines' tells what each is (default ") +
             kDefaultEngine + ")")
      ->type_name(names)
      ->group(kEngineGroup);
  add_aot_options(app, run.engine_options.aot);
}

void add_guest_options(CLI::App& app, RawGuest& guest) {
  const auto add = [&app](const char* option, auto& to, const char* what, const char* type) {
    app.add_option(option, to, what)->type_name(type)->group(kGuestGroup)->allow_extra_args(false);
  };
  add("-n", guest.copies, "How many copies of this guest to run (1 to 1000000)", "COUNT");
  add("--invoke", guest.invoke,
      "Call this exported function in place of _start, with the words behind the module as "
      "numbers, "
      "and print what it returns",
      "NAME");
  add("--env", guest.env,
      "Set an environment variable of this guest, or hand on one of weft's own; repeatable",
      "NAME[=VALUE]");
  add("--dir", guest.dirs, "Give this guest a host directory under a name; repeatable",
      "HOST[::GUEST]");
  add("--listen", guest.listen,
      "Give this guest a listening socket, as fd 3 and on; repeatable. With port 0 the system "
      "chooses one, and weft says which",
      "HOST:PORT|unix:PATH");
}

void add_own_limits(CLI::App& app, RawGuest& guest, const GuestCommand& command) {
  const auto add = [&app](const char* option, auto& to, const std::string& what, const char* type) {
    app.add_option(option, to, what)->type_name(type)->group(kLimitsGroup);
  };
  add("--memory", guest.memory,
      "Limit of this guest's linear memory, as 64M; MiB without a unit (default " +
          size_in_words(command.memory_bytes) + ")",
      "SIZE");
  add("--stack", guest.stack,
      "Limit of this guest's call stack, as 512K; KiB without a unit (default " +
          size_in_words(GuestLimits{}.stack_bytes) + "); interp has room for 32 calls a KiB",
      "SIZE");
  add("--fuel", guest.fuel,
      "End this guest when it has used so much fuel, which functions, loops and calls take",
      "COUNT");
  app.add_option(
         "--goroutine-preempt", guest.goroutine_preempt,
         "Has a goroutine of a Go guest that computes for 10 ms give way to others, at its\n"
         "next call (default on; docs/goroutines.md). A number: goroutines of all Go guests give\n"
         "way at each so many-th function that they call, too; in real time, for tests")
      ->type_name("on|off|NUMBER")
      ->group(kGuestGroup);
}

// What is said and written of a run, and how it is ended: of a command that does one.
void add_watch_options(CLI::App& app, RunOptions& run, RawOptions& raw) {
  const auto in_group = [](CLI::Option* option) { option->group(kOutputGroup); };
  app.add_option("--grace", raw.grace, "How long guests may go on after SIGINT or SIGTERM (none)")
      ->type_name("TIME")
      ->group(kTimeGroup);
  app.add_flag("--perf-map", run.engine_options.perf_map,
               "Names of functions of jit for perf, in /tmp/perf-PID.map")
      ->group(kEngineGroup);
  app.add_option_function<std::string>(
         "--tier-up",
         [&run](const std::string& word) {
           if (word != "on" && word != "off") {
             throw CLI::ValidationError("--tier-up", "it is on or off, not '" + word + "'");
           }
           run.tier_up = word == "on";
         },
         "When a guest computes for 3 s on jit, compile its module in the background for aot, "
         "with\n"
         "the lowest priority: the next run takes that (default off)")
      ->type_name("on|off")
      ->group(kEngineGroup);
  in_group(app.add_flag("--stats", run.stats, "Print a table with a row a guest at the end"));
  in_group(app.add_flag("--control{default}", run.control,
                        "Answer weft ps, top, kill, dump, trace and stats, over a socket:\n"
                        "--control or --control=PATH"));
  in_group(app.add_flag("--label", run.label,
                        "Begin each line of a guest's output with its name, in colours on a "
                        "terminal"));
  in_group(app.add_flag("--trace-wasi", run.trace_wasi,
                        "Print each WASI call of every guest to stderr"));
  in_group(
      app.add_option("--record", run.record_file, "Write the run as a replay file, for weft replay")
          ->type_name("FILE"));
  in_group(app.add_option("--trace", run.trace_file,
                          "Write all events: FILE.json (Perfetto) or FILE.csv")
               ->type_name("FILE"));
  in_group(app.add_flag("--trace-hash", raw.sim.trace_hash,
                        "Print a hash of all events to stderr at the end"));
}

void add_options(CLI::App& app, const GuestCommand& command, RawGuest& guest, RunOptions& run,
                 RawOptions& raw) {
  RawSimOptions& sim = raw.sim;
  app.prefix_command();
  add_guest_options(app, guest);
  // Of workers alone (tools/search_spec.h): the module lies in another folder than where it was.
  if (!command.one_run) app.add_option("--argv0", guest.argv0)->group("");
  add_own_limits(app, guest, command);
  add_limit_options(app, guest.limits, raw.all);
  add_engine_options(app, run);
  app.add_flag("--virtual-time", sim.virtual_time,
               "Time jumps to the next deadline when nothing can run; with --seed, a run repeats\n"
               "exactly (docs/simulation.md)")
      ->group(kTimeGroup);
  add_sim_options(app, sim);
  if (command.one_run) add_watch_options(app, run, raw);
  app.add_option("--schedtrace", sim.schedtrace,
                 "Print the scheduler's state to stderr at every so long, as Go does under\n"
                 "GODEBUG=schedtrace")
      ->type_name("TIME")
      ->group(kOutputGroup);
  app.add_flag("--scheddetail", sim.scheddetail, "--schedtrace: a line for each M and G, too")
      ->group(kOutputGroup);
  app.footer(
      command.one_run
          ? "TIME is a number with a unit: 250us, 100ms, 1.5s, 3m, 2h. SIZE is in K, M, G or T:\n"
            "512K, 64M, 1.5G. COUNT may be in thousands and millions: 10K, 2M.\n\n"
            "Words behind the module are the guest's. A word of four colons or more gives it one\n"
            "of one colon less, so '::::' is its ':::'.\n\n"
            "A guest's own exit code is weft's: of several, that of the first one listed that\n"
            "did not exit with 0. Else 134: a guest trapped; 137: one was killed; 130, 143:\n"
            "SIGINT or SIGTERM ended the run; 66: a module can't be loaded; 64: wrong use;\n"
            "71: the system refuses; 74: a file can't be written; 2: all guests wait for what\n"
            "can never come, and in virtual time --max-steps or --max-time was reached, or a\n"
            "guest could not be started again."
          : "Exit code 0: all pass; 1: a schedule fails; 2: weft can't go on; 64: wrong use;\n"
            "66: a file can't be read; 71: the system refuses; 74: a result can't be written;\n"
            "130, 143: SIGINT or SIGTERM ended the search.");
}

// Of "NAME=VALUE" and "NAME".
Result<std::string> read_variable(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (word.empty() || equals == 0) return Error{"--env wants NAME=VALUE, not '" + word + "'"};
  if (equals != std::string::npos) return word;
  const char* value = std::getenv(word.c_str());
  if (value == nullptr) {
    return Error{"--env: there is no variable " + word + " here to hand on; write " + word +
                 "=VALUE"};
  }
  return word + "=" + value;
}

Result<wasip1::Preopen> read_dir(const std::string& word) {
  const std::size_t colons = word.find("::");
  const std::string host = word.substr(0, colons);
  const std::string guest = colons == std::string::npos ? host : word.substr(colons + 2);
  if (host.empty() || guest.empty()) return Error{"--dir wants HOST::GUEST, not '" + word + "'"};
  return wasip1::Preopen{host, guest};
}

// --memory, --stack, --fuel, -n: what is a limit of the module's instances.
// A number is "on", and a wish of a test for all guests.
Status read_preempt(const std::string& word, GuestLimits& limits) {
  limits.goroutines = word != "off";
  if (word == "on" || word == "off") return Nothing{};
  auto prologues = read_count("--goroutine-preempt", word, 1, UINT32_MAX);
  if (!prologues) {
    return Error{"--goroutine-preempt is on, off or a number of functions, not '" + word + "'"};
  }
  guest::go::give_way_at_each(static_cast<std::uint32_t>(*prologues));
  return Nothing{};
}

Status read_own_limits(const GuestCommand& command, const RawGuest& raw, GuestSpec& spec) {
  constexpr std::uint64_t kStackMin = 128 * kKib;
  std::uint64_t memory = command.memory_bytes;
  if (!raw.memory.empty()) {
    auto size = read_size("--memory", raw.memory, kMib, kWasmPageBytes, 4 * kGib);
    if (!size) return size.error();
    memory = *size;
  }
  spec.limits.memory_pages_max = static_cast<std::uint32_t>(memory / kWasmPageBytes);
  if (!raw.stack.empty()) {
    auto size = read_size("--stack", raw.stack, kKib, kStackMin, kGib);
    if (!size) return size.error();
    spec.limits.stack_bytes = std::bit_ceil(static_cast<std::size_t>(*size));
  }
  if (!raw.fuel.empty()) {
    auto fuel = read_count("--fuel", raw.fuel, 1, INT64_MAX);
    if (!fuel) return fuel.error();
    spec.limits.fuel = *fuel;
  }
  if (!raw.goroutine_preempt.empty()) {
    if (Status read = read_preempt(raw.goroutine_preempt, spec.limits); !read) return read.error();
  }
  if (!raw.copies.empty()) {
    auto copies = read_count("-n", raw.copies, 1, kCopiesMax);
    if (!copies) return copies.error();
    spec.copies = static_cast<int>(*copies);
  }
  return Nothing{};
}

// A guest's word can't be ":::" itself; one of four colons or more stands for one with one less.
std::string unescape(const std::string& word) {
  const bool only_colons = word.find_first_not_of(':') == std::string::npos;
  return only_colons && word.size() > 3 ? word.substr(1) : word;
}

// In place of the module stands an unknown option.
std::string unknown_option(const std::string& word, std::span<const std::string> known) {
  std::string text = "unknown option " + word;
  const std::string elsewhere = in_place_of(word);
  return text +
         (elsewhere.empty() ? did_you_mean(word.substr(0, word.find('=')), known) : elsewhere);
}

std::variant<GuestSpec, ExitNow> finish(const GuestCommand& command, const RawGuest& raw,
                                        std::vector<std::string> rest, RunOptions& run) {
  if (rest.empty()) return wrong_use(command.name, "no module given");
  const bool ended = rest.front() == "--";
  if (ended) rest.erase(rest.begin());
  if (rest.empty()) return wrong_use(command.name, "no module given");
  if (!ended && rest.front().starts_with("-") && rest.front() != kStdinModule) {
    return wrong_use(command.name, unknown_option(rest.front(), run.known_options));
  }
  GuestSpec spec;
  spec.module_path = rest.front();
  spec.invoke = raw.invoke;
  if (Status ok = read_own_limits(command, raw, spec); !ok) {
    return wrong_use(command.name, ok.error().message);
  }
  auto use = read_limits("--", raw.limits, spec.options.use);
  if (!use) return wrong_use(command.name, use.error().message);
  spec.options.use = *use;
  if (use->sizes.table_elements != Budget::kUnlimited) {
    spec.limits.table_elements_max =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(UINT32_MAX, use->sizes.table_elements));
  }
  spec.options.args = std::move(rest);
  if (!raw.argv0.empty()) spec.options.args.front() = raw.argv0;
  for (const std::string& word : raw.env) {
    auto variable = read_variable(word);
    if (!variable) return wrong_use(command.name, variable.error().message);
    spec.options.env.push_back(*variable);
  }
  for (const std::string& word : raw.dirs) {
    auto dir = read_dir(word);
    if (!dir) return wrong_use(command.name, dir.error().message);
    spec.options.preopens.push_back(*dir);
  }
  for (const std::string& address : raw.listen) {
    if (Status valid = check_address(address); !valid) {
      return wrong_use(command.name, "--listen: " + valid.error().message);
    }
  }
  spec.listen = raw.listen;
  give_go_its_root(spec);
  return spec;
}

// A recording keeps --memory and --fuel. In real time it keeps what some others did, too: a
// deadline and a limit of output are ends of guests, a limit of descriptors is the errno of a call.
void note_unrecorded(const RawGuest& raw, RawOptions& options) {
  const RawLimits& one = raw.limits;
  const RawLimits& all = options.all;
  const bool has_stack = !raw.stack.empty();
  const struct {
    const char* option;
    bool given;
    bool kept_in_real_time;
  } limits[] = {
      {"--stack", has_stack, false},
      {"--tables", !one.tables.empty(), false},
      {"--total-memory", !all.memory.empty(), false},
      {"--total-stack", !all.stack.empty(), false},
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
  CLI::App app(command.description, std::string("weft ") + command.name);
  add_options(app, command, raw, run, raw_options);
  if (more) more(app);
  run.known_options = option_names(describe(app));
  const bool has_value = words.size() > 1 && words[words.size() - 2].starts_with('-') &&
                         !words.back().starts_with('-');
  const std::string last = has_value ? printable(words.back()) : "";
  const std::string before_last = has_value ? words[words.size() - 2] : "";
  if (const auto exit = parse_words(app, std::move(words))) return *exit;
  note_unrecorded(raw, raw_options);
  std::vector<std::string> rest = app.remaining();
  if (rest.empty() && !last.empty() && raw_options.sim.world.empty()) {
    return wrong_use(command.name, "no module given; " + last + " is the value of " + before_last);
  }
  if (!raw_options.sim.world.empty()) {
    for (const char* option :
         {"-n", "--invoke", "--env", "--dir", "--listen", "--memory", "--stack", "--fuel",
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
  return finish(command, raw, std::move(rest), run);
}

// What makes sense in virtual time only, what does not, and what does not make sense at all.
std::string misfit(const RawOptions& raw, const RunOptions& run) {
  const RawSimOptions& sim = raw.sim;
  const EngineRow* engine = find_engine(run.engine);
  if (engine == nullptr) {
    const std::vector<std::string> known = engine_names();
    std::string text = "--engine: there is no engine '" + run.engine + "'; known are";
    for (const std::string& name : known) text += (name == known.front() ? " " : ", ") + name;
    return text;
  }
  const std::string& trace = run.trace_file;
  if (!trace.empty() && !trace.ends_with(".json") && !trace.ends_with(".csv")) {
    return "--trace: " + trace + ": a trace is a .json (for Perfetto) or a .csv";
  }
  const std::string& unrecorded = sim.virtual_time ? raw.unrecorded : raw.unrecorded_real;
  if (!run.record_file.empty() && !unrecorded.empty()) {
    return "--record does not keep " + unrecorded + ", so a replay would be another run";
  }
  const bool reads_stdin = std::any_of(run.guests.begin(), run.guests.end(), [](const auto& guest) {
    return guest.module_path == kStdinModule;
  });
  if (!run.record_file.empty() && reads_stdin) {
    return "--record needs modules in files, for the replay to find; not '-'";
  }
  if (run.tier_up && (sim.virtual_time || run.engine != kDefaultEngine)) {
    return "--tier-up compiles for later runs of --engine=auto in real time; it has no meaning "
           "here";
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
  if (!engine->is_fixed) {
    return "--engine " + run.engine +
           " does not go with --virtual-time: which engine it is would depend on what "
           "was compiled before";
  }
  if (!raw.grace.empty()) return "--grace is real time; it has no meaning with --virtual-time";
  if (!run.control.empty()) return "--control asks a run in real time";
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

// One engine for all guests of a run in virtual time, so that its name says how to repeat it.
std::string engine_in_virtual_time(const RunOptions& run) {
  std::string engine = default_fixed_engine({});
  for (const GuestSpec& guest : run.guests) {
    if (guest.module_path == kStdinModule) continue;  // It can be read only once.
    auto bytes = read_whole_file(guest.module_path);
    if (!bytes) continue;  // The loader says why.
    engine = default_fixed_engine(std::as_bytes(std::span(*bytes)));
    if (engine == kOracleEngine) break;
  }
  return engine;
}

std::optional<ExitNow> finish_run(const GuestCommand& command, const RawOptions& raw,
                                  RunOptions& run) {
  if (run.engine.empty()) {
    run.engine = raw.sim.virtual_time ? engine_in_virtual_time(run) : kDefaultEngine;
  }
  if (const std::string wrong = misfit(raw, run); !wrong.empty()) {
    return wrong_use(command.name, wrong);
  }
  if (!raw.grace.empty()) {
    auto grace = read_time("--grace", raw.grace);
    if (!grace) return wrong_use(command.name, grace.error().message);
    if (*grace > kGraceMax) return wrong_use(command.name, "--grace wants 1h at most");
    run.grace = *grace;
  }
  auto all = read_limits("--total-", raw.all, {});
  if (!all) return wrong_use(command.name, all.error().message);
  run.all = *all;
  auto options = read_sim_options(raw.sim);
  if (!options) return wrong_use(command.name, options.error().message);
  run.sim = std::move(*options);
  // A replay gives a guest what the host gave it, and goroutines give way by real time.
  const bool records_real_time = !run.record_file.empty() && !run.sim.virtual_time;
  for (GuestSpec& guest : run.guests) {
    if (records_real_time) guest.limits.goroutines = false;
  }
  return raw.sim.world.empty() ? std::nullopt : take_world(command, raw.sim.world, run);
}

}  // namespace

void add_aot_options(CLI::App& app, AotOptions& options) {
  app.add_option("--cc", options.cc,
                 "The C compiler of aot, with options; else $CC, cc, gcc, clang")
      ->check([](const std::string& word) {
        const bool blank = word.find_first_not_of(" \t\n") == std::string::npos;
        return blank ? "wants a command, not '" + word + "'" : std::string();
      })
      ->type_name("COMMAND")
      ->group(kEngineGroup);
  app.add_flag_callback(
         "--no-checks", [&options] { options.fuel_points = false; },
         "Compile without fuel points, to measure what they cost: such a guest can't be\n"
         "preempted or stopped while it computes")
      ->group(kEngineGroup);
  app.add_option_function<std::string>(
         "--bounds",
         [&options](const std::string& word) {
           if (word != "guard" && word != "check") {
             throw CLI::ValidationError("--bounds", "it is guard or check, not '" + word + "'");
           }
           options.bounds = word == "guard" ? Bounds::guard : Bounds::check;
         },
         "How aot keeps a guest in its memory: guard pages (fast, 8 GiB of address space each)\n"
         "or a check at each access (many guests)")
      ->type_name("guard|check")
      ->group(kEngineGroup);
}

CommandHelp help_of(const GuestCommand& command, const std::function<void(CLI::App&)>& more) {
  CLI::App app(command.description, std::string("weft ") + command.name);
  RawGuest guest;
  RunOptions run;
  RawOptions raw;
  add_options(app, command, guest, run, raw);
  if (more) more(app);
  return describe(app);
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
    const auto to = std::find(from, args.end(), kGuestSeparator);
    auto guest = parse_guest(command, {from, to}, run, raw, more);
    if (auto* spec = std::get_if<GuestSpec>(&guest)) {
      std::vector<std::string>& words = spec->options.args;
      std::transform(words.begin(), words.end(), words.begin(), unescape);
    }
    if (auto* exit = std::get_if<ExitNow>(&guest)) return *exit;
    run.guests.push_back(std::move(std::get<GuestSpec>(guest)));
    if (to == args.end()) return finish_run(command, raw, run);
    from = to + 1;
  }
}

}  // namespace weft::tools
