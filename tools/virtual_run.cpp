// SPDX-License-Identifier: Apache-2.0
#include "tools/virtual_run.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <optional>

#include "base/printable.h"
#include "signals/fault.h"
#include "sim/trace/trace_file.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/output_files.h"
#include "tools/replay_command.h"
#include "tools/virtual_stop.h"

namespace weft::tools {
namespace {

// Prints the WASI calls of one guest.
class StderrTrace final : public wasip1::TraceSink {
 public:
  explicit StderrTrace(std::string prefix) : prefix_(std::move(prefix)) {}
  void line(std::string_view text) override {
    std::fprintf(stderr, "%s%.*s\n", prefix_.c_str(), static_cast<int>(text.size()), text.data());
  }

 private:
  const std::string prefix_;
};

}  // namespace

int exit_code_of(const sim::RunRecord& record) {
  switch (record.ending) {
    case sim::Ending::passed:
      return 0;
    case sim::Ending::exit_code:
      // A process has eight bits for it: what does not fit must still not look like success.
      return (record.exit_code & 0xff) == 0 ? 0xff : record.exit_code & 0xff;
    case sim::Ending::trapped:
      return kExitTrap;
    default:
      return kExitFatal;
  }
}

void report_end(const sim::RunRecord& record) {
  switch (record.ending) {
    case sim::Ending::passed:
    case sim::Ending::exit_code:
      break;
    case sim::Ending::deadlock:
      std::fputs(printable_lines(record.message).c_str(), stderr);
      break;
    default:
      std::fprintf(stderr, "weft: %s: %s\n", sim::name(record.ending),
                   printable_lines(record.message).c_str());
      break;
  }
  if (record.waited_outside) {
    std::fputs("weft: a guest waited for a descriptor of the host: this run need not repeat\n",
               stderr);
  }
}

Result<std::vector<sim::GuestSetup>> load_guests(Runtime& loader, const RunOptions& options) {
  loader.limit_all(options.all);  // Fuel of all is counted by each.
  std::map<std::pair<std::string, GuestLimits>, std::shared_ptr<Module>> modules;
  std::vector<sim::GuestSetup> guests;
  for (const GuestSpec& spec : options.guests) {
    GuestLimits limits = spec.limits;
    limits.quantum = sim::kCheckQuantum;
    auto& module = modules[{spec.module_path, limits}];
    if (module == nullptr) {
      auto loaded = loader.load(spec.module_path, limits);
      if (!loaded) return loaded.error();
      module = *loaded;
    }
    sim::GuestSetup setup;
    setup.module = module;
    setup.name = spec.options.name;
    setup.args = spec.options.args;
    setup.env = spec.options.env;
    setup.use = spec.options.use;
    for (const wasip1::Preopen& preopen : spec.options.preopens) {
      setup.folders.push_back({preopen.host_path, preopen.guest_path});
    }
    for (int copy = 0; copy < spec.copies; ++copy) guests.push_back(setup);
  }
  return guests;
}

namespace {

void complain(const char* option, const Error& error) {
  std::fprintf(stderr, "weft: %s%s\n", option, printable_lines(error.message).c_str());
}

// What was read of stdin is in the record, so that a replay needs none.
Status record_run(const RunOptions& options, const sim::GuestRunSettings& settings,
                  const sim::RunRecord& record) {
  sim::ReplayFile file = describe_run(settings, record);
  file.input = record.input;
  file.world = options.world_text;
  file.engine = options.engine;
  auto guests = describe_guests(options, {});
  if (!guests) return guests.error();
  file.guests = std::move(*guests);
  return sim::write_replay(options.record_file, file);
}

// A run that a signal has stopped: its replay stops by itself, at the same step.
void end_at_its_steps(sim::GuestRunSettings& settings, sim::RunRecord& record) {
  settings.steps_max = record.steps_max;
  if (record.ending == sim::Ending::livelock) return;
  // It waited for the host: there is no next step, so the last one must do.
  settings.steps_max = record.steps > 0 ? record.steps - 1 : 0;
  record.ending = sim::Ending::livelock;
  record.message = "more than " + std::to_string(settings.steps_max) + " steps";
}

sim::GuestRunSettings settings_of(const RunOptions& options) {
  sim::GuestRunSettings settings;
  static_cast<sim::RunSettings&>(settings) = options.sim.settings;
  settings.all = options.all;
  settings.echo = true;
  settings.input_fd = STDIN_FILENO;
  settings.world = &options.world;
  return settings;
}

// Both files are written, whatever becomes of the other: the exit code, or `code`.
int close_files(const RunOptions& options, const sim::GuestRunSettings& settings,
                const sim::RunRecord& record, sim::TraceFile* trace, const char* ending, int code) {
  if (!options.record_file.empty()) {
    if (Status written = record_run(options, settings, record); !written) {
      complain("--record: ", written.error());
      code = kExitNoOutput;
    }
  }
  if (trace != nullptr) {
    if (Status closed = trace->close(ending); !closed) {
      complain("--trace: ", closed.error());
      code = kExitNoOutput;
    }
  }
  return code;
}

int run_and_close(const RunOptions& options, const std::vector<sim::GuestSetup>& guests,
                  sim::TraceFile* trace) {
  sim::GuestRunSettings settings = settings_of(options);
  settings.listener = trace;
  std::optional<StopOnSignal> stop;  // Without a file to write, a signal simply ends the process.
  if (trace != nullptr || !options.record_file.empty()) settings.stop = stop.emplace().noted();
  if (trace != nullptr) settings.begun = [trace] { trace->begin(); };
  signals::FaultHandler faults;
  auto record = sim::run_guests(guests, settings);
  if (!record) {
    complain("", record.error());
    return kExitUsage;
  }
  const int signal = record->stopped ? *stop->noted() : 0;
  int code = exit_code_of(*record);
  if (signal != 0) {
    end_at_its_steps(settings, *record);
    code = kExitSignal + signal;
  } else {
    report_end(*record);
  }
  const char* ending = signal != 0 ? "a signal" : name(record->ending);
  code = close_files(options, settings, *record, trace, ending, code);
  if (options.sim.trace_hash) {
    std::fprintf(stderr, "trace hash %016llx\n", static_cast<unsigned long long>(record->hash));
  }
  return code;
}

}  // namespace

int run_virtual(const RunOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // An error of the write, for the guest to see.
  Runtime loader(make_engine(options.engine, options.engine_options));
  auto guests = load_guests(loader, options);
  if (!guests) {
    complain("", guests.error());
    return kExitNoModule;
  }
  std::vector<std::unique_ptr<StderrTrace>> traces;
  for (std::size_t i = 0; options.trace_wasi && i < guests->size(); ++i) {
    const std::string prefix =
        "[" + std::to_string(i + 1) + " " + printable((*guests)[i].module->name) + "] ";
    traces.push_back(std::make_unique<StderrTrace>(prefix));
    (*guests)[i].trace = traces.back().get();
  }
  if (!options.record_file.empty()) {
    if (Status writable = check_replay_path(options.record_file); !writable) {
      complain("--record: ", writable.error());
      return kExitNoOutput;
    }
  }
  std::unique_ptr<sim::TraceFile> trace;
  if (!options.trace_file.empty()) {
    auto opened = sim::TraceFile::open(options.trace_file);
    if (!opened) {
      complain("--trace: ", opened.error());
      return kExitNoOutput;
    }
    trace = std::move(*opened);
  }
  return run_and_close(options, *guests, trace.get());
}

}  // namespace weft::tools
