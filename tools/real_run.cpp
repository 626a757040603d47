// SPDX-License-Identifier: Apache-2.0
#include "tools/real_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "control/control_server.h"
#include "guest/computing_dump.h"
#include "guest/goroutine_dump.h"
#include "signals/fault.h"
#include "signals/shutdown.h"
#include "signals/tick.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/hints.h"
#include "tools/how_it_ended.h"
#include "tools/messages.h"
#include "tools/modules.h"
#include "tools/run_watch.h"
#include "tools/spawner.h"

namespace weft::tools {
namespace {

// Loads all modules, and then spawns the copies of each: a module may have to be compiled, and a
// guest's deadline counts from its spawning. Returns the exit code when one can't be made.
std::optional<int> start_all(Runtime& runtime, Spawner& spawner, const RunOptions& options,
                             RunWatch& watch) {
  Modules modules(runtime);
  std::vector<std::shared_ptr<Module>> loaded;
  std::vector<Invocation> calls;
  for (const GuestSpec& spec : options.guests) {
    auto module = modules.load(spec.module_path, spec.limits, spec.role());
    if (!module) return complain("", module.error(), kExitNoModule);
    auto call = read_invocation((*module)->info, spec.invoke, spec.words());
    if (!call) return complain(spec.module_path, call.error(), kExitUsage);
    loaded.push_back(*module);
    calls.push_back(std::move(*call));
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const auto hook = [&watch] { return watch.next_hook(); };
    Status spawned = spawner.spawn_copies(options.guests[i], loaded[i], calls[i], hook);
    if (!spawned) return complain("", spawned.error(), kExitUsage);
  }
  return std::nullopt;
}

// The first guest that failed, and whose command line may be why.
void hint_at_failure(const Runtime& runtime, const RunOptions& options) {
  std::size_t at = 0;
  for (const GuestSpec& spec : options.guests) {
    for (int copy = 0; copy < spec.copies; ++copy, ++at) {
      if (at >= runtime.guests().size()) return;
      if (!has_failed(*runtime.guests()[at])) continue;
      const std::string hint = hint_for(spec, options.known_options);
      if (!hint.empty()) return say("hint: " + hint);
    }
  }
}

Result<std::unique_ptr<control::ControlServer>> open_control(Runtime& runtime,
                                                             const RunOptions& options) {
  std::string path = options.control;
  if (path == kDefaultControl) {
    auto folder = control::control_folder();
    if (!folder) return Error{folder.error().message + "; name the socket: --control=PATH"};
    path = *folder + "/" + std::to_string(::getpid()) + ".sock";
  }
  return control::ControlServer::open(runtime, {path, options.program(), WEFT_VERSION});
}

}  // namespace

int run_in_real_time(const RunOptions& options) {
  RunWatch watch(options);  // Both outlive the runtime, which uses them to its end.
  std::optional<Spawner> spawner;
  if (const auto code = watch.open()) return *code;
  Runtime runtime(watch.runtime_options(), make_engine(options.engine, options.engine_options));
  watch.install(runtime);
  runtime.limit_all(options.all);
  runtime.on_guest_end([&watch](const Guest& guest) {
    if (guest.end()->kind == GuestEnd::Kind::trapped) report_trap(guest);
    watch.guest_ended(guest);
  });
  spawner.emplace(
      runtime, Spawner::Settings{options.sim.seed, options.trace_wasi,
                                 options.label ? label_width(options.guests) : 0, watch.steer()});
  if (const auto code = start_all(runtime, *spawner, options, watch)) return *code;
  std::unique_ptr<control::ControlServer> control;
  if (!options.control.empty()) {
    auto server = open_control(runtime, options);
    if (!server) return complain("--control", server.error(), kExitNoOutput);
    control = std::move(*server);
  }
  watch.begin();

  // A guest that computes gives the others a turn every 10 ms.
  signals::Tick tick(runtime.scheduler());
  if (Status started = tick.start(); !started) return complain("", started.error(), kExitFatal);
  signals::FaultHandler faults;
  signals::Shutdown shutdown(runtime.scheduler(),
                             {.grace = options.grace, .on_request = {}, .on_kill = {}});
  shutdown.add_to_dump([&runtime] { return dump_goroutines(runtime) + dump_computing(runtime); });
  const RunResult result = runtime.run();
  tick.stop();
  control.reset();
  print_report(result.report);
  const int code = exit_code_of(runtime, result, shutdown.signal());
  if (shutdown.signal() == 0) hint_at_failure(runtime, options);
  const char* ending = shutdown.signal() != 0 ? "a signal" : "its last guest";
  return watch.close(runtime, result.report.empty() ? ending : "deadlock", code);
}

}  // namespace weft::tools
