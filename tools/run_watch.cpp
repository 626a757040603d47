// SPDX-License-Identifier: Apache-2.0
#include "tools/run_watch.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "guest/go/preemption.h"
#include "tools/exit_codes.h"
#include "tools/how_it_ended.h"
#include "tools/messages.h"
#include "tools/recorded_guests.h"

namespace weft::tools {
namespace {

void print_stats(Runtime& runtime, const GuestTimes& times) {
  const auto ms = [](Duration d) { return static_cast<double>(d.ns) / 1e6; };
  std::string text =
      fmt::format("{:>5}  {:<20}  {:<6}  {:>12}  {:>6}  {:>9}  {:>12}  {:>12}\n", "guest", "module",
                  "engine", "loaded in", "exit", "switches", "on cpu", "asleep");
  for (const auto& guest : runtime.guests()) {
    const GuestTimes::Times spent = times.of(*guest);
    text += fmt::format(
        "{:>5}  {:<20}  {:<6}  {:>9.3f} ms  {:>6}  {:>9}  {:>9.3f} ms  {:>9.3f} ms\n",
        guest->number(), printable(guest->name()), guest->engine(), ms(guest->loading()),
        end_in_words(*guest), spent.switches, ms(spent.on_cpu), ms(spent.asleep));
  }
  print_report(text);
  for (const auto& guest : runtime.guests()) {
    const guest::go::Preemption* preemption = guest->preemption();
    if (preemption == nullptr || preemption->count() == 0) continue;
    say(fmt::format("guest {} ({}): goroutines were made to give way {} times", guest->number(),
                    printable(guest->name()), preemption->count()));
  }
}

}  // namespace

std::optional<int> RunWatch::open() {
  if (options_.sim.policy) {
    policy_ = sim::make_policy(*options_.sim.policy, options_.sim.settings.seed);
  }
  if (!options_.record_file.empty()) {
    if (const auto code = open_recording()) return code;
  }
  if (options_.trace_file.empty()) return std::nullopt;
  auto opened = sim::TraceFile::open(options_.trace_file);
  if (!opened) return complain("--trace", opened.error(), kExitNoOutput);
  file_ = std::move(*opened);
  return std::nullopt;
}

std::optional<int> RunWatch::open_recording() {
  head_.engine = options_.engine;
  head_.seed = options_.sim.settings.seed;
  head_.monotonic_ns = clock_.now().ns;
  head_.realtime_ns = clock_.realtime_ns();
  auto guests = describe_guests(options_, {});
  if (!guests) return complain("--record", guests.error(), kExitNoModule);
  head_.guests = std::move(*guests);
  auto recorder = sim::Recorder::open(options_.record_file, clock_);
  if (!recorder) return complain("--record", recorder.error(), kExitNoOutput);
  recorder_ = std::move(*recorder);
  return std::nullopt;
}

void RunWatch::add_sink(EventSink& sink) {
  sink_ = sink_ == nullptr ? &sink : &both_.emplace_back(*sink_, sink);
}

RuntimeOptions RunWatch::runtime_options() {
  sink_ = policy_.get();
  if (options_.stats) add_sink(times_.emplace(clock_));
  if (options_.tier_up) add_sink(tier_up_.emplace(options_, clock_));
  if (file_ != nullptr) {
    trace_.emplace(clock_, *file_, true, sim::LiveTrace::Behind{sink_, policy_.get()});
  }
  if (trace_ || options_.sim.settings.schedtrace.period > Duration{}) {
    poller_.emplace(clock_, options_.sim.settings.schedtrace.period,
                    options_.sim.settings.schedtrace.detail);
    poller_->tell(trace_ ? &*trace_ : nullptr);
  }
  RuntimeOptions runtime;
  runtime.clock = &clock_;
  runtime.seed = options_.sim.settings.seed;
  if (poller_) runtime.poller = &*poller_;
  return runtime;
}

void RunWatch::install(Runtime& runtime) {
  Scheduler& scheduler = runtime.scheduler();
  if (poller_) {
    poller_->attach(runtime.reactor());
    poller_->look_at(runtime, go_memory_of);
  }
  if (trace_) {
    scheduler.set_chooser(&*trace_);
  } else if (policy_ != nullptr) {
    scheduler.set_chooser(policy_.get());
  }
  scheduler.set_event_sink(trace_ ? &*trace_ : sink_);
}

void RunWatch::begin() {
  if (recorder_ != nullptr) recorder_->begin(head_);
  if (file_ != nullptr) file_->begin();
}

wasip1::CallHook* RunWatch::next_hook() {
  wasip1::CallHook* hook = recorder_ != nullptr ? &recorder_->next_hook() : nullptr;
  return trace_ ? &trace_->hook(hook) : hook;
}

Steer RunWatch::steer() {
  if (!trace_) return {};
  return [this](const guest::go::GoModule& module) {
    return trace_->watch(module, std::make_unique<guest::go::Preemption>(module));
  };
}

void RunWatch::guest_ended(const Guest& guest) {
  if (recorder_ != nullptr) recorder_->guest_ended(guest);
}

int RunWatch::close(Runtime& runtime, std::string_view ending, int code) {
  runtime.scheduler().set_event_sink(nullptr);
  runtime.scheduler().set_chooser(nullptr);
  if (times_) print_stats(runtime, *times_);
  if (recorder_ != nullptr) {
    if (Status closed = recorder_->close(code); !closed) {
      code = complain("--record", closed.error(), kExitNoOutput);
    }
  }
  if (file_ != nullptr) {
    if (Status closed = file_->close(ending); !closed) {
      code = complain("--trace", closed.error(), kExitNoOutput);
    }
  }
  return code;
}

}  // namespace weft::tools
