// SPDX-License-Identifier: Apache-2.0
#include "tools/run_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>

#include "base/printable.h"
#include "signals/fault.h"
#include "signals/shutdown.h"
#include "signals/tick.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/listener.h"
#include "tools/output_files.h"
#include "tools/run_watch.h"
#include "tools/virtual_run.h"

namespace weft::tools {
namespace {

void print_error(const std::string& text) {
  std::fputs(text.c_str(), stderr);
}

// Prints the WASI calls of one guest.
class StderrTrace final : public wasip1::TraceSink {
 public:
  explicit StderrTrace(std::string prefix) : prefix_(std::move(prefix)) {}
  void line(std::string_view text) override { print_error(fmt::format("{}{}\n", prefix_, text)); }

 private:
  const std::string prefix_;
};

int exit_code_of(const Guest& guest) {
  if (!guest.end()) return kExitFatal;
  switch (guest.end()->kind) {
    case GuestEnd::Kind::exited:
      // A process has eight bits for it: what does not fit must still not look like success.
      if (guest.end()->exit_code != 0 && (guest.end()->exit_code & 0xff) == 0) return 0xff;
      return static_cast<int>(guest.end()->exit_code & 0xff);
    case GuestEnd::Kind::trapped:
      return kExitTrap;
    case GuestEnd::Kind::killed:
      return kExitKilled;
  }
  return kExitFatal;
}

// Loads all modules, and then spawns the copies of each: a module may have to be compiled, and a
// guest's deadline counts from its spawning. Returns the exit code when something can't be had.
class Starter {
 public:
  Starter(Runtime& runtime, const RunOptions& options, RunWatch& watch)
      : runtime_(runtime), options_(options), watch_(watch) {}

  std::optional<int> start_all() {
    std::vector<std::shared_ptr<Module>> modules;
    for (const GuestSpec& spec : options_.guests) {
      auto module = load(spec);
      if (!module) {
        print_error("weft: " + printable_lines(module.error().message) + "\n");
        return kExitNoModule;
      }
      modules.push_back(*module);
    }
    for (std::size_t i = 0; i < modules.size(); ++i) {
      const GuestSpec& spec = options_.guests[i];
      auto listeners = listen(spec);
      if (!listeners) {
        print_error("weft: --listen: " + listeners.error().message + "\n");
        return kExitUsage;
      }
      for (int copy = 0; copy < spec.copies; ++copy) {
        if (Status started = start(spec, modules[i], *listeners); !started) {
          print_error("weft: " + started.error().message + "\n");
          return kExitUsage;
        }
      }
    }
    return std::nullopt;
  }

 private:
  // A file that is named twice with the same limits is loaded once.
  Result<std::shared_ptr<Module>> load(const GuestSpec& spec) {
    auto& loaded = modules_[{spec.module_path, spec.limits}];
    if (loaded != nullptr) return loaded;
    auto module = runtime_.load(spec.module_path, spec.limits);
    if (module) loaded = *module;
    return module;
  }

  // Copies share the sockets: each connection goes to one of them.
  Result<std::vector<int>> listen(const GuestSpec& spec) {
    std::vector<int> fds;
    for (const std::string& address : spec.listen) {
      auto opened = Listener::open(address);
      if (!opened) return opened.error();
      if (opened->address() != address) {
        print_error(fmt::format("weft: {} listens on {}\n", printable(spec.module_path),
                                opened->address()));
      }
      fds.push_back(opened->fd());
      listeners_.push_back(std::move(*opened));
    }
    return fds;
  }

  Status start(const GuestSpec& spec, const std::shared_ptr<Module>& module,
               const std::vector<int>& listeners) {
    GuestOptions options = spec.options;
    options.listeners = listeners;
    if (options_.sim.seed) {
      options.random = sim::seeded_random(*options_.sim.seed, runtime_.guests().size());
    }
    if (options_.trace_wasi) {
      const std::string prefix =
          fmt::format("[{} {}] ", runtime_.guests().size() + 1, printable(module->name));
      traces_.push_back(std::make_unique<StderrTrace>(prefix));
      options.trace = traces_.back().get();
    }
    options.hook = watch_.next_hook();
    auto guest = runtime_.spawn(module, std::move(options));
    if (!guest) return guest.error();
    return Nothing{};
  }

  Runtime& runtime_;
  const RunOptions& options_;
  RunWatch& watch_;
  std::map<std::pair<std::string, GuestLimits>, std::shared_ptr<Module>> modules_;
  std::vector<std::unique_ptr<StderrTrace>> traces_;
  std::vector<Listener> listeners_;
};

}  // namespace

void report_trap(const Guest& guest) {
  const TrapReport& trap = guest.end()->trap;
  std::string text = fmt::format("weft: guest {} ({}): trap: {}", guest.number(),
                                 printable(guest.name()), name(trap.kind));
  if (!trap.detail.empty() && trap.detail != name(trap.kind)) text += " (" + trap.detail + ")";
  if (const std::string place = describe_place(trap); !place.empty()) text += " " + place;
  text += '\n';
  // A recursion shows as one line.
  for (auto frame = trap.frames.begin(); frame != trap.frames.end();) {
    const auto next = std::find_if(frame, trap.frames.end(), [&](auto& f) { return f != *frame; });
    const auto times = next - frame;
    text +=
        "    in " + printable(*frame) + (times > 1 ? fmt::format(" ({} times)", times) : "") + "\n";
    frame = next;
  }
  print_error(text);
}

int exit_code_of(const Runtime& runtime, const RunResult& result, int signal) {
  if (!result.report.empty()) return kExitFatal;
  if (signal != 0) return kExitSignal + signal;
  for (const auto& guest : runtime.guests()) {
    if (const int code = exit_code_of(*guest); code != 0) return code;
  }
  return 0;
}

int run_command(const RunOptions& options) {
  const std::vector<NamedFile> outputs = {{"--record", options.record_file},
                                          {"--trace", options.trace_file}};
  if (Status distinct = check_distinct(outputs, inputs_of(options)); !distinct) {
    print_error("weft: " + printable_lines(distinct.error().message) + "\n");
    return kExitUsage;
  }
  if (options.sim.virtual_time) return run_virtual(options);
  // A reader of our output that goes away is an error of the write (EPIPE), for the guest to see;
  // not our death.
  std::signal(SIGPIPE, SIG_IGN);
  RunWatch watch(options);  // Both outlive the runtime, which uses them to its end.
  std::optional<Starter> starter;
  if (const auto code = watch.open()) return *code;
  Runtime runtime(watch.runtime_options(), make_engine(options.engine, options.engine_options));
  watch.install(runtime);
  runtime.limit_all(options.all);
  runtime.on_guest_end([&watch](const Guest& guest) {
    if (guest.end()->kind == GuestEnd::Kind::trapped) report_trap(guest);
    watch.guest_ended(guest);
  });
  starter.emplace(runtime, options, watch);
  if (const auto code = starter->start_all()) return *code;
  watch.begin();

  // A guest that computes gives the others a turn every 10 ms.
  signals::Tick tick(runtime.scheduler());
  if (Status started = tick.start(); !started) {
    print_error("weft: " + started.error().message + "\n");
    return kExitFatal;
  }
  signals::FaultHandler faults;
  signals::Shutdown shutdown(runtime.scheduler(),
                             {.grace = seconds(options.grace_s), .on_request = {}, .on_kill = {}});
  const RunResult result = runtime.run();
  tick.stop();
  print_error(printable_lines(result.report));
  const int code = exit_code_of(runtime, result, shutdown.signal());
  const char* ending = shutdown.signal() != 0 ? "a signal" : "its last guest";
  return watch.close(runtime, result.report.empty() ? ending : "deadlock", code);
}

}  // namespace weft::tools
