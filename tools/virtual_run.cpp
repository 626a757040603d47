// SPDX-License-Identifier: Apache-2.0
#include "tools/virtual_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "signals/fault.h"
#include "sim/trace/trace_file.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/guest_setups.h"
#include "tools/how_it_ended.h"
#include "tools/label.h"
#include "tools/messages.h"
#include "tools/output_files.h"
#include "tools/recorded_guests.h"
#include "tools/virtual_stop.h"

namespace weft::tools {
namespace {

// The record holds what was read of stdin, so a replay needs no stdin.
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

// Writes both files, also when one fails. Returns `code`, or the exit code of a failure.
int close_files(const RunOptions& options, const sim::GuestRunSettings& settings,
                const sim::RunRecord& record, sim::TraceFile* trace, const char* ending, int code) {
  if (!options.record_file.empty()) {
    if (Status written = record_run(options, settings, record); !written) {
      code = complain("--record", written.error(), kExitNoOutput);
    }
  }
  if (trace != nullptr) {
    if (Status closed = trace->close(ending); !closed) {
      code = complain("--trace", closed.error(), kExitNoOutput);
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
  if (!record) return complain("", record.error(), kExitUsage);
  const int signal = record->stopped ? *stop->noted() : 0;
  int code = exit_code_of(*record);
  if (signal != 0) {
    end_at_its_steps(settings, *record);
    code = kExitSignal + signal;
  } else {
    report_end(*record);
    hint_at_failure(options, record->ending);
  }
  const char* ending = signal != 0 ? "a signal" : name(record->ending);
  code = close_files(options, settings, *record, trace, ending, code);
  if (options.sim.trace_hash) {
    print_report(fmt::format("trace hash {:016x}\n", record->hash));
  }
  return code;
}

void label(std::vector<sim::GuestSetup>& guests, std::size_t width) {
  for (std::size_t i = 0; i < guests.size(); ++i) {
    sim::GuestSetup& guest = guests[i];
    const std::string& name = guest.name.empty() ? guest.module->name : guest.name;
    guest.labels[0] = label_of(name, i + 1, width, is_coloured(STDOUT_FILENO));
    guest.labels[1] = label_of(name, i + 1, width, is_coloured(STDERR_FILENO));
  }
}

}  // namespace

int run_in_virtual_time(const RunOptions& options) {
  Runtime loader(make_engine(options.engine, options.engine_options));
  auto guests = load_guests(loader, options);
  if (!guests) return complain("", guests.error(), kExitNoModule);
  if (options.label) label(*guests, label_width(options.guests));
  std::vector<std::unique_ptr<StderrTrace>> traces;
  for (std::size_t i = 0; options.trace_wasi && i < guests->size(); ++i) {
    const std::string prefix = trace_prefix(i + 1, (*guests)[i].module->name);
    traces.push_back(std::make_unique<StderrTrace>(prefix));
    (*guests)[i].trace = traces.back().get();
  }
  if (!options.record_file.empty()) {
    if (Status writable = check_output_path(options.record_file); !writable) {
      return complain("--record", writable.error(), kExitNoOutput);
    }
  }
  std::unique_ptr<sim::TraceFile> trace;
  if (!options.trace_file.empty()) {
    auto opened = sim::TraceFile::open(options.trace_file);
    if (!opened) return complain("--trace", opened.error(), kExitNoOutput);
    trace = std::move(*opened);
  }
  return run_and_close(options, *guests, trace.get());
}

}  // namespace weft::tools
