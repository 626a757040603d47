// SPDX-License-Identifier: Apache-2.0
// RunWatch: everything that watches or directs a run in real time: the policy of --policy, the
// table of --stats, the compiler of --tier-up, the file of --record, that of --trace, the lines of
// --schedtrace. What is not asked for is not installed.
//
//   RunWatch watch(options);  watch.open() ─▶ Runtime(watch.runtime_options()) ─▶ watch.install
//   ─▶ guests are spawned ─▶ watch.begin ─▶ run ─▶ watch.close(code)
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "guest/guest_times.h"
#include "guest/runtime.h"
#include "sim/record/recorder.h"
#include "sim/trace/live_trace.h"
#include "sim/trace/trace_file.h"
#include "tools/run_options.h"
#include "tools/spawner.h"
#include "tools/tier_up.h"

namespace weft::tools {

// Events for one sink and then for another.
class BothSinks final : public EventSink {
 public:
  BothSinks(EventSink& first, EventSink& second) : first_(first), second_(second) {}
  void on_event(const GEvent& event) noexcept override {
    first_.on_event(event);
    second_.on_event(event);
  }
  void on_m_event(const MEvent& event) noexcept override {
    first_.on_m_event(event);
    second_.on_m_event(event);
  }

 private:
  EventSink& first_;
  EventSink& second_;
};

class RunWatch {
 public:
  // The options must outlive it; it must outlive the runtime.
  explicit RunWatch(const RunOptions& options) : options_(options) {}

  // Opens the files. The exit code when one can't be opened, which it has said.
  std::optional<int> open();
  RuntimeOptions runtime_options();
  void install(Runtime& runtime);
  // All guests are there and will run. Until then the files are what they were.
  void begin();

  // For the guest that is spawned next; nullptr: its calls are not watched.
  wasip1::CallHook* next_hook();
  // For GuestOptions::steer; empty: goroutines are not watched.
  Steer steer();
  void guest_ended(const Guest& guest);

  // After the run: takes everything out again and writes the ends of the files. Returns the exit
  // code: `code`, or that for a file that could not be written.
  int close(Runtime& runtime, std::string_view ending, int code);

 private:
  std::optional<int> open_recording();
  void add_sink(EventSink& sink);

  const RunOptions& options_;
  SystemClock clock_;
  std::unique_ptr<sim::Policy> policy_;
  std::optional<GuestTimes> times_;
  std::optional<TierUp> tier_up_;
  std::deque<BothSinks> both_;
  EventSink* sink_ = nullptr;  // Of policy, table and --tier-up; nullptr: none of them.
  sim::RecordingHead head_;
  std::unique_ptr<sim::Recorder> recorder_;
  std::unique_ptr<sim::TraceFile> file_;
  std::optional<sim::LiveTrace> trace_;
  std::optional<sim::TracedPoller> poller_;
};

}  // namespace weft::tools
