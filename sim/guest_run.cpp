// SPDX-License-Identifier: Apache-2.0
#include "sim/guest_run.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "guest/computing_dump.h"
#include "guest/go/goroutine_list.h"
#include "os/wasip1/stable_files.h"
#include "sim/goroutines.h"
#include "sim/guest_hook.h"
#include "sim/links.h"
#include "sim/streams.h"
#include "sim/trace/live_trace.h"
#include "sim/virtual_time.h"

namespace weft::sim {
namespace {

std::shared_ptr<wasip1::Device> output(const std::shared_ptr<Capture>& to,
                                       const std::string& label) {
  if (label.empty()) return to;
  return std::make_shared<LabelledCapture>(to, label);
}

std::string describe_end(const Guest& guest) {
  const std::string who = "guest " + std::to_string(guest.number()) + " (" + guest.name() + ") ";
  if (!guest.end()) return who + "did not end";
  if (guest.end()->kind == GuestEnd::Kind::trapped) {
    // The first line is what a replay compares: no offset, no line of source.
    const TrapReport& trap = guest.end()->trap;
    std::string text = who + "trapped: " + name(trap.kind);
    if (const std::string place = describe_place(trap); !place.empty()) text += "\n    " + place;
    for (const std::string& frame : trap.frames) text += "\n    in " + frame;
    return text;
  }
  return who + "exited with " + std::to_string(guest.end()->exit_code);
}

// What Go's runtime says when it ends a program, of what the program wrote to stderr.
std::string why_go_ended(std::string_view err) {
  for (const std::string_view begin : {"panic: ", "fatal error: "}) {
    std::size_t at = err.starts_with(begin) ? 0 : err.find("\n" + std::string(begin));
    if (at == std::string_view::npos) continue;
    if (at != 0) ++at;
    return "\n    " + std::string(err.substr(at, err.find('\n', at) - at));
  }
  return {};
}

// What goroutines do is not known to depend on what: no run is redundant.
DirectorOptions options_of(const std::vector<GuestSetup>& setups, const RunSettings& settings) {
  DirectorOptions options = director_options(settings);
  for (const GuestSetup& setup : setups) {
    if (setup.module->go != nullptr) options.reduce = false;
  }
  return options;
}

// The world of one run. The order of the members is the order in which they must die.
class World {
 public:
  World(const std::vector<GuestSetup>& setups, const GuestRunSettings& settings)
      : setups_(setups),
        settings_(settings),
        folders_(settings.copy_folders),
        clock_(kMonotonicStart, settings.realtime_start),
        poller_(clock_, kMonotonicStart + settings.time_max),
        policy_(make_policy(settings.policy, settings.seed)),
        director_(options_of(setups, settings), *policy_, log_, clock_, &clock_),
        hook_(director_, settings.expected != nullptr),
        network_(settings.world != nullptr ? *settings.world : kNoWorld, director_),
        input_(settings.input_fd >= 0 ? std::make_shared<Input>(settings.input_fd)
                                      : std::make_shared<Input>(settings.input)),
        out_(std::make_shared<Capture>(
            CaptureSettings{.echo = settings.echo ? 1 : -1,
                            .guest_sees_errors = !settings.hides_echo_errors,
                            .expected = settings.expected,
                            .cut = {}})),
        err_(std::make_shared<Capture>(
            CaptureSettings{.echo = settings.echo ? 2 : -1,
                            .guest_sees_errors = !settings.hides_echo_errors,
                            .expected = nullptr,
                            .cut = [this](std::string_view text) { note_why_go_ended(text); }})),
        stable_files_(std::make_shared<wasip1::StableFiles>(settings.realtime_start)),
        watched_(settings.listener != nullptr || settings.schedtrace.period > Duration{}),
        runtime_({.clock = &clock_,
                  .poller = watched_ ? static_cast<Poller*>(&traced_poller_) : &poller_,
                  .seed = settings.seed}) {
    runtime_.limit_all(settings.all);
    if (settings.leaks && setups.size() == 1 && setups[0].go != nullptr) {
      leaks_.emplace(setups[0].go, [this] { main_ended(); });
      hook_.watch(&*leaks_);
    }
    poller_.attach(&runtime_.reactor());
    if (settings.keep_events) log_.keep_events();
    log_.listen(settings.listener);
    traced_poller_.attach(poller_);
    traced_poller_.look_at(runtime_, [this](const Guest& guest) { return go_memory(guest); });
    if (settings.listener != nullptr) {
      live_.emplace(clock_, *settings.listener, false, LiveTrace::Behind{&director_, &director_});
      traced_poller_.tell(&*live_);
    }
    Scheduler& scheduler = runtime_.scheduler();
    scheduler.set_chooser(live_ ? static_cast<Chooser*>(&*live_) : &director_);
    scheduler.set_event_sink(live_ ? static_cast<EventSink*>(&*live_) : &director_);
    if (settings.stop != nullptr) scheduler.on_interrupt(&stop_waiting, this);
  }

  ~World() { network_.stop(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Starts the guest with this number, which may have run before.
  Status start(std::size_t number) {
    const GuestSetup& setup = setups_[number];
    GuestOptions options;
    options.name = setup.name;
    options.args = setup.args;
    options.env = setup.env;
    options.invoke = setup.invoke;
    options.use = setup.use;
    for (const Folder& folder : setup.folders) {
      auto place = folders_.place(folder);
      if (!place) return place.error();
      options.preopens.push_back({*place, folder.guest_path});
    }
    options.stdio[0] = {input_, wasip1::FileType::unknown};
    options.stdio[1] = {output(out_, setup.labels[0]), wasip1::FileType::unknown};
    options.stdio[2] = {output(err_, setup.labels[1]), wasip1::FileType::unknown};
    options.trace = setup.trace;
    options.hook = &hook_;
    options.stable_files = stable_files_;
    options.links = network_.plug_in(number);
    options.random = seeded_random(settings_.seed, runtime_.guests().size());
    options.steer = [this, guest = runtime_.guests().size()](
                        const guest::go::GoModule& module) -> std::unique_ptr<guest::go::Steering> {
      auto steering = std::make_unique<GoroutineSteering>(
          module, director_, settings_.policy,
          GoroutineSteering::Settings{.seed = settings_.seed + guest,
                                      .keeps_operations = settings_.keep_events});
      steerings_[guest + 1] = steering.get();
      return live_ ? live_->watch(module, std::move(steering)) : std::move(steering);
    };
    auto guest = runtime_.spawn(setup.module, std::move(options));
    if (!guest) return guest.error();
    running_[number] = *guest;
    return Nothing{};
  }

  Status start_all() {
    running_.resize(setups_.size());
    for (std::size_t number = 0; number < setups_.size(); ++number) {
      if (Status started = start(number); !started) return started;
    }
    network_.start(runtime_.scheduler(), [this](const WorldEvent& event) { happens(event); });
    return network_.restarts_left() > 0 ? wait_for_restarts() : Nothing{};
  }

  RunRecord run() {
    const RunResult result = runtime_.run();
    network_.stop();
    director_.finish();
    runtime_.scheduler().set_chooser(nullptr);
    runtime_.scheduler().set_event_sink(nullptr);
    RunRecord record;
    judge(record, result);
    take_record(record, director_);
    if (settings_.expected == nullptr) {  // Without an expected output its order does not matter.
      record.shared_objects &= ~(std::uint64_t{1} << kStdout | std::uint64_t{1} << kStderr);
    }
    if (record.failed() && settings_.keep_events) add_operations(record);
    record.virtual_time = clock_.now() - kMonotonicStart;
    record.stopped =
        stopped_waiting_ || (record.steps_max < settings_.steps_max && !record.out_of_patience);
    record.waited_outside = poller_.waited_outside();
    record.input = input_->text();
    record.out = out_->text();
    record.out_cut = out_->is_cut();
    record.out_error = out_->error();
    const bool before_end = err_of_main_ && record.ending != Ending::leak;
    record.err = before_end ? *err_of_main_ : err_->text();
    record.err_cut = err_->is_cut();
    return record;
  }

 private:
  // Where there is no next step, as all wait for a descriptor of the host.
  static void stop_waiting(void* self) {
    auto& world = *static_cast<World*>(self);
    Scheduler& scheduler = world.runtime_.scheduler();
    const bool waits_outside =
        scheduler.runnable() == 0 && scheduler.next_deadline() == Instant::far_future();
    if (*world.settings_.stop == 0 || !waits_outside) return;
    world.stopped_waiting_ = true;
    scheduler.stop();
  }

  // A run is over when no G is left: this one is there until the last restart.
  Status wait_for_restarts() {
    auto g = runtime_.scheduler().spawn(
        [this] {
          while (network_.restarts_left() > 0) park(WaitReason::none);
        },
        {.name = "world"});
    if (!g) return g.error();
    waits_for_restarts_ = *g;
    return Nothing{};
  }

  // A kill or a restart, on g0.
  void happens(const WorldEvent& event) {
    Guest*& guest = running_[event.guest];
    if (guest->g() != nullptr) runtime_.scheduler().kill(*guest->g());
    if (event.kind == WorldEvent::Kind::kill) return;
    if (Status started = start(event.guest); !started) {
      restart_failure_ = started.error().message;
      runtime_.scheduler().stop();
    }
    if (network_.restarts_left() == 0) runtime_.scheduler().ready(*waits_for_restarts_);
  }

  // What comes of a program when its main has ended does not count, unless it leaks: then stderr
  // tells of it.
  void main_ended() {
    poller_.lift_limit();
    director_.lift_limit();
    out_->seal();
    err_of_main_ = err_->text();
    err_->keep();
  }

  void note_why_go_ended(std::string_view err) {
    if (why_go_ended_.empty() && setups_[0].go != nullptr) why_go_ended_ = why_go_ended(err);
  }

  void judge(RunRecord& record, const RunResult& result) {
    if (director_.redundant()) return;
    if (leaks_ && leaks_->main_ended()) {
      if (!leaks_->leaks().empty()) {
        record.ending = Ending::leak;
        record.message = leaks_->text();
      }
      record.leaks_undecided = !leaks_->decided();
    } else {
      judge_end(record, result);
    }
    if (!record.failed() && !out_->is_as_expected()) {
      record.ending = Ending::output;
      record.message = "stdout is not what was expected";
    }
  }

  void judge_end(RunRecord& record, const RunResult& result) {
    if (director_.livelocked()) {
      record.ending = Ending::livelock;
      record.message = "more than " + std::to_string(director_.steps_max()) + " steps";
      add_computing(record);
      add_waiting(record);
    } else if (poller_.timed_out() || director_.timed_out()) {
      record.ending = Ending::timed_out;
      record.message = "more virtual time than allowed";
      add_computing(record);
      add_waiting(record);
    } else if (!result.report.empty()) {
      record.ending = Ending::deadlock;
      record.message = result.report;
    } else if (!restart_failure_.empty()) {
      record.ending = Ending::failed;
      record.message = restart_failure_;
    }
    for (const auto& guest : runtime_.guests()) {
      if (record.failed() || !guest->end()) break;
      const GuestEnd& end = *guest->end();
      if (end.kind == GuestEnd::Kind::exited && end.exit_code == 0) continue;
      if (end.kind == GuestEnd::Kind::killed) continue;  // As the world has it.
      record.ending = end.kind == GuestEnd::Kind::trapped ? Ending::trapped : Ending::exit_code;
      record.exit_code = static_cast<int>(end.exit_code);
      record.message = describe_end(*guest);
      note_why_go_ended(err_->text());
      record.message += why_go_ended_;
    }
  }

  [[nodiscard]] GoMemory go_memory(const Guest& guest) const {
    const auto steering = steerings_.find(guest.number());
    return steering != steerings_.end() ? steering->second->go_memory() : GoMemory();
  }

  // Which guests compute, and in which function: the loop that does not end may be there.
  void add_computing(RunRecord& record) const {
    constexpr std::size_t kMax = 8;
    const auto of = [this](const Guest& guest) { return go_memory(guest); };
    for (const std::string& line : computing_in_short(runtime_, of, kMax)) {
      record.message += "\n" + line;
    }
  }

  // Which goroutines of guests that have not ended wait: some of them may do so for ever.
  void add_waiting(RunRecord& record) const {
    constexpr std::size_t kMax = 10;
    for (const auto& guest : runtime_.guests()) {
      const GoMemory memory = go_memory(*guest);
      if (guest->end() || memory.runtime == nullptr) continue;
      auto all = guest::go::list_goroutines(*memory.runtime, memory.bytes);
      std::erase_if(all, [](const auto& one) { return one.is_system || !waits(one); });
      if (all.empty()) continue;
      record.message += "\ngoroutines of guest " + std::to_string(guest->number()) + " that wait:";
      for (std::size_t n = 0; n < std::min(all.size(), kMax); ++n) {
        record.message += "\n    " + describe(all[n]);
      }
      if (all.size() > kMax) record.message += "\n    ...";
    }
  }

  // What goroutines did last.
  void add_operations(RunRecord& record) const {
    for (const auto& [guest, steering] : steerings_) {
      const std::vector<std::string> operations = steering->last_operations();
      if (operations.empty()) continue;
      record.message += "\nlast operations of goroutines of guest " + std::to_string(guest) + ":";
      for (const std::string& operation : operations) record.message += "\n    " + operation;
    }
  }

  static inline const WorldSpec kNoWorld;
  const std::vector<GuestSetup>& setups_;
  const GuestRunSettings& settings_;
  RunFolders folders_;
  ManualClock clock_;
  VirtualPoller poller_;
  std::unique_ptr<Policy> policy_;
  EventLog log_;
  Director director_;
  GuestHook hook_;
  Network network_;
  std::shared_ptr<Input> input_;
  std::shared_ptr<Capture> out_;
  std::shared_ptr<Capture> err_;
  std::shared_ptr<wasip1::StableFiles> stable_files_;
  const bool watched_;
  TracedPoller traced_poller_{clock_, settings_.schedtrace.period, settings_.schedtrace.detail};
  std::optional<LiveTrace> live_;
  Runtime runtime_;
  std::map<std::size_t, const GoroutineSteering*> steerings_;  // Of guests, by their numbers.
  std::vector<Guest*> running_;  // Of each number: the one that was started last.
  G* waits_for_restarts_ = nullptr;
  std::optional<LeakWatch> leaks_;
  std::optional<std::string> err_of_main_;  // What the program had written when its main ended.
  std::string why_go_ended_;                // Of what err_ keeps no longer.
  std::string restart_failure_;
  bool stopped_waiting_ = false;
};

}  // namespace

std::function<void(std::span<std::byte>)> seeded_random(std::uint64_t seed, std::size_t guest) {
  return [random = Random(seed * 1'000'003 + guest)](std::span<std::byte> bytes) mutable {
    while (!bytes.empty()) {
      const std::uint64_t value = random.next();
      const std::size_t n = std::min(bytes.size(), sizeof value);
      std::memcpy(bytes.data(), &value, n);
      bytes = bytes.subspan(n);
    }
  };
}

Result<RunRecord> run_guests(const std::vector<GuestSetup>& guests,
                             const GuestRunSettings& settings) {
  std::vector<std::string> names;
  names.reserve(guests.size());
  for (const GuestSetup& guest : guests) {
    names.push_back(guest.name.empty() ? guest.module->name : guest.name);
  }
  if (Status known = check_names(settings.policy, names); !known) return known.error();
  World world(guests, settings);
  if (Status started = world.start_all(); !started) return started.error();
  if (settings.begun) settings.begun();
  return world.run();
}

}  // namespace weft::sim
