#include "tools/virtual_run.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>

#include "base/printable.h"
#include "signals/fault.h"
#include "sim/trace_file.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/replay_command.h"

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

int run_virtual(const RunOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // An error of the write, for the guest to see.
  Runtime loader(make_engine(options.engine, options.aot));
  auto guests = load_guests(loader, options);
  if (!guests) {
    std::fprintf(stderr, "weft: %s\n", printable_lines(guests.error().message).c_str());
    return kExitNoModule;
  }
  std::vector<std::unique_ptr<StderrTrace>> traces;
  for (std::size_t i = 0; options.trace_wasi && i < guests->size(); ++i) {
    const std::string prefix =
        "[" + std::to_string(i + 1) + " " + printable((*guests)[i].module->name) + "] ";
    traces.push_back(std::make_unique<StderrTrace>(prefix));
    (*guests)[i].trace = traces.back().get();
  }
  sim::GuestRunSettings settings;
  static_cast<sim::RunSettings&>(settings) = options.sim.settings;
  settings.all = options.all;
  settings.echo = true;
  settings.input_fd = STDIN_FILENO;
  settings.world = &options.world;
  std::unique_ptr<sim::TraceFile> trace;
  if (!options.trace_file.empty()) {
    auto opened = sim::TraceFile::open(options.trace_file);
    if (!opened) {
      std::fprintf(stderr, "weft: --trace: %s\n", opened.error().message.c_str());
      return kExitUsage;
    }
    trace = std::move(*opened);
    settings.listener = trace.get();
  }
  signals::FaultHandler faults;
  auto record = sim::run_guests(*guests, settings);
  if (!record) {
    std::fprintf(stderr, "weft: %s\n", record.error().message.c_str());
    return kExitUsage;
  }
  report_end(*record);
  if (!options.record_file.empty()) {
    if (Status written = record_run(options, settings, *record); !written) {
      std::fprintf(stderr, "weft: --record: %s\n", written.error().message.c_str());
      return kExitNoOutput;
    }
  }
  if (trace != nullptr) {
    if (Status closed = trace->close(name(record->ending)); !closed) {
      std::fprintf(stderr, "weft: --trace: %s\n", closed.error().message.c_str());
      return kExitNoOutput;
    }
  }
  if (options.sim.trace_hash) {
    std::fprintf(stderr, "trace hash %016llx\n", static_cast<unsigned long long>(record->hash));
  }
  return exit_code_of(*record);
}

}  // namespace weft::tools
