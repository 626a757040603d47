// SPDX-License-Identifier: Apache-2.0
// Native programs under exploration.
#include <exception>
#include <string>

#include "scheduler/api.h"
#include "scheduler/sync/panic.h"
#include "sim/explore/explore.h"
#include "sim/virtual_time.h"

namespace weft::sim {
namespace {

thread_local Director* director_of_thread = nullptr;

// The failure of check() in the run of this thread.
thread_local std::string* failed_check = nullptr;

// For the end: all other Gs before main, whose frames hold what they all use.
class MainLast final : public Chooser {
 public:
  explicit MainLast(const G& main) : main_(main) {}
  std::size_t next_g(const RunQueue& queue) noexcept override {
    return queue.peek_unchecked(0) == &main_ && queue.size() > 1 ? 1 : 0;
  }

 private:
  const G& main_;
};

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

void access(unsigned object, Touch touch) {
  WEFT_CHECK(director_of_thread != nullptr, "access() was called outside of a simulated run");
  WEFT_CHECK(object > 0 && object < 64, "access() wants an object from 1 to 63");
  director_of_thread->before_visible_call(
      {.object = object, .writes = touch != Touch::reads, .wakes = touch == Touch::wakes});
}

void check(bool condition, const std::string& message) {
  if (condition) return;
  WEFT_CHECK(failed_check != nullptr, "check() was called outside of a simulated run");
  if (failed_check->empty()) *failed_check = message;
  // Not by an exception: that would destroy objects on which other Gs may be waiting.
  this_scheduler().stop();
  weft::park(WaitReason::none);
}

RunRecord run_native(const std::function<void()>& fn, const RunSettings& settings) {
  ManualClock clock(kMonotonicStart, settings.realtime_start);
  VirtualPoller poller(clock, kMonotonicStart + settings.time_max);
  const std::unique_ptr<Policy> policy = make_policy(settings.policy, settings.seed);
  EventLog log;
  if (settings.keep_events) log.keep_events();
  log.listen(settings.listener);
  DirectorOptions options = director_options(settings);
  // A run keeps its decisions: without a bound a loop of yields would end without memory.
  if (options.steps_max == UINT64_MAX) options.steps_max = kNativeStepsMax;
  options.decide_at_safe_points = true;
  options.reduce = options.reduce && settings.accesses_told;
  Director director(options, *policy, log, clock, &clock);
  Scheduler scheduler(clock, poller, {.guard = GuardKind::automatic, .seed = settings.seed});
  scheduler.set_chooser(&director);
  scheduler.set_event_sink(&director);
  RunRecord record;
  bool returned = false;
  std::string check_failure;
  failed_check = &check_failure;
  director_of_thread = &director;
  const auto fail = [&](Ending ending, std::string message) {
    record.ending = ending;
    record.message = std::move(message);
  };
  auto main = scheduler.spawn(
      [&] {
        fn();
        returned = true;
        this_scheduler().stop();
      },
      {.name = "main"});
  if (!main) {
    fail(Ending::failed, main.error().message);
    return record;
  }
  try {
    const RunResult result = scheduler.run();
    if (director.redundant()) {
      record.redundant = true;
    } else if (!check_failure.empty()) {
      fail(Ending::failed, check_failure);
    } else if (director.livelocked()) {
      fail(Ending::livelock, "more than " + std::to_string(director.steps_max()) + " steps");
    } else if (poller.timed_out() || director.timed_out()) {
      fail(Ending::timed_out, "more virtual time than allowed");
    } else if (!returned) {
      fail(Ending::deadlock, result.report);
    }
  } catch (...) {
    fail(Ending::failed, words_of(std::current_exception()));
  }
  director.finish();
  MainLast main_last(**main);
  scheduler.set_chooser(&main_last);
  scheduler.set_event_sink(nullptr);
  take_record(record, director);
  record.virtual_time = clock.now() - kMonotonicStart;
  scheduler.wind_up();
  scheduler.set_chooser(nullptr);
  failed_check = nullptr;
  director_of_thread = nullptr;
  return record;
}

ExploreReport explore(const std::function<void()>& fn, const ExploreOptions& options) {
  return explore([&fn](const RunSettings& settings) { return run_native(fn, settings); }, options);
}

}  // namespace weft::sim
