// SPDX-License-Identifier: Apache-2.0
// Runtime: everything that it takes to run guests, in one object: the clock, the reactor, the
// scheduler, an engine.
//
//   weft::Runtime runtime;
//   auto module = runtime.load("guest.wasm");
//   auto guest = runtime.spawn(*module, {.args = {"guest", "-v"}});
//   auto result = runtime.run();
//   (*guest)->end()->exit_code ...
//
// In an Asio program: Runtime runtime{io}; then either runtime.run(), which runs the handlers of io
// as well, or io.run(), in which the guests take bounded turns (os/turns.h). A guest that computes
// without a pause gives way when a timer is due, or when it has had the thread for 10 ms, at its
// next look at the host (docs/engines.md says how often). A native G that computes needs a
// signals::Tick for that.
//
// One Runtime belongs to one thread; several may live in one process, one a thread each.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest/engine.h"
#include "guest/invocation.h"
#include "os/clocks.h"
#include "os/reactor.h"
#include "os/turns.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"

namespace weft {

namespace guest::go {
class Preemption;
}

// What one guest may use up or hold, or all guests of a Runtime together. A guest that goes over a
// limit gets an error where WebAssembly or WASI has one: memory.grow and table.grow fail, opening a
// file is EMFILE (the guest's limit) or ENFILE (that of all). Elsewhere it ends with a trap:
// out_of_time, out_of_output, out_of_fuel, or out_of_memory when it can't even start. A limit of
// fuel is for modules that are loaded with GuestLimits::fuel: spawn() refuses it for others.
struct UseLimits {
  BudgetSizes sizes = {};
  Duration time = {};  // From the (first) guest's spawning, on the Runtime's clock. 0: no limit.
};

// What a guest is given.
struct GuestOptions {
  std::string name = {};               // For reports and traces; empty: the module's.
  std::vector<std::string> args = {};  // args[0] included; empty: the module's name alone.
  std::vector<std::string> env = {};   // "K=V".
  std::vector<wasip1::Preopen> preopens = {};
  std::vector<int> listeners = {};  // Listening sockets, duplicated; they become non-blocking.
  int stdin_from = 0;               // Descriptors of this process; duplicated. -1: closed.
  int stdout_to = 1;
  int stderr_to = 2;
  wasip1::TraceSink* trace = nullptr;  // Must outlive the guest.
  Invocation invoke = {};              // What is called in place of _start.
  UseLimits use = {.sizes = {.descriptors = 4096}};

  // What a simulation puts in place of the world: see wasip1::ProcessConfig.
  std::array<wasip1::DeviceFile, 3> stdio = {};
  std::vector<wasip1::DeviceFile> links = {};
  wasip1::CallHook* hook = nullptr;
  std::shared_ptr<wasip1::StableFiles> stable_files = {};
  std::function<void(std::span<std::byte>)> random = {};
  // Of a Go guest: who has a say in which of its goroutines runs.
  std::function<std::unique_ptr<guest::go::Steering>(const guest::go::GoModule&)> steer = {};
};

// What a Runtime does not make itself. All must outlive it.
struct RuntimeOptions {
  GuestClock* clock = nullptr;  // nullptr: the system's.
  Poller* poller = nullptr;     // Where the scheduler waits; nullptr: the Runtime's own reactor.
  std::uint64_t seed = 1;       // Of the scheduler's random().
  GuardKind guard = GuardKind::automatic;  // Of the guests' stacks.
};

class Runtime;

// A guest: one instance on one G. Owned by its Runtime, readable after it has ended, until it is
// forgotten.
class Guest {
 public:
  Guest(Runtime& runtime, std::size_t number, std::string name, std::shared_ptr<Module> module,
        std::unique_ptr<wasip1::Process> process, const EntryPoint& entry, Invocation&& invoke);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  [[nodiscard]] std::size_t number() const { return number_; }  // From 1, in the order of spawning.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const char* engine() const { return engine_; }  // By which it runs.
  // How long its module took to load; the same for all its guests.
  [[nodiscard]] Duration loading() const { return loading_; }

  // Nothing while it runs.
  [[nodiscard]] const std::optional<GuestEnd>& end() const { return end_; }
  // What the function has returned that GuestOptions::invoke named, as Instance::call tells; empty
  // when it returned nothing, or did not return.
  [[nodiscard]] const std::vector<std::uint64_t>& results() const { return results_; }
  // Its G while it runs, else nullptr.
  [[nodiscard]] G* g() const { return g_; }
  // How much fuel it has been given; up to one quantum of it may not be used yet. 0 when it counts
  // none (guest/wabt/meter.cpp), or has ended.
  [[nodiscard]] std::uint64_t fuel_given() const {
    return process_ != nullptr ? process_->budgets().fuel.used() : 0;
  }
  // Of a Go guest in real time: how its goroutines are preempted. nullptr: they are not.
  [[nodiscard]] const guest::go::Preemption* preemption() const { return preemption_; }

 private:
  friend class Runtime;
  // Ends the guest when its time is over.
  struct Deadline : Timer {
    explicit Deadline(Guest& guest) : Timer(&fire), guest(guest) {}
    static void fire(Timer& timer);
    Guest& guest;
  };

  void run();
  GuestEnd run_module(Instance& instance);
  void make_steering();
  void ended();

  Runtime& runtime_;
  const std::size_t number_;
  const std::string name_;
  std::shared_ptr<Module> module_;
  const char* const engine_;
  const Duration loading_;
  std::unique_ptr<wasip1::Process> process_;
  std::unique_ptr<guest::go::Steering> steering_;
  const guest::go::Preemption* preemption_ = nullptr;  // When it is that.
  G* g_ = nullptr;
  EntryPoint entry_;
  Invocation invoke_;
  std::vector<std::uint64_t> results_;
  std::optional<GuestEnd> end_;
  TrapReport killed_at_;
  std::function<std::unique_ptr<guest::go::Steering>(const guest::go::GoModule&)> steer_;
  bool out_of_time_ = false;
  Deadline deadline_{*this};
};

class Runtime {
 public:
  // With a loop of its own, and the engine given; nullptr: that of kDefaultEngine
  // (guest/engines.h), made when the first module is loaded.
  explicit Runtime(std::unique_ptr<Engine> engine = nullptr)
      : Runtime(RuntimeOptions{}, std::move(engine)) {}
  explicit Runtime(const RuntimeOptions& options, std::unique_ptr<Engine> engine = nullptr);
  // In the loop of an Asio program, which must outlive it.
  explicit Runtime(boost::asio::io_context& io, std::unique_ptr<Engine> engine = nullptr);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Reads and validates a module; the same path, limits and content need be loaded only once for
  // any number of guests. The error names the file. Role::command refuses a module with nothing to
  // run; Role::library takes it: its guests are spawned with GuestOptions::invoke. It may be called
  // on a G, with 256 KiB of stack: the engine aot then lets others run while it compiles, and stops
  // when that G is killed.
  Result<std::shared_ptr<Module>> load(const std::string& path, const GuestLimits& limits = {},
                                       Role role = Role::command);

  // As load, from bytes. `name` is for messages.
  Result<std::shared_ptr<Module>> load_bytes(const std::string& name,
                                             std::span<const std::byte> binary,
                                             const GuestLimits& limits = {},
                                             Role role = Role::command);

  // Makes a guest that runs when its turn comes. The Guest lives until it is forgotten, or as long
  // as the Runtime.
  Result<Guest*> spawn(std::shared_ptr<Module> module, GuestOptions options = {});

  // Before the first guest is spawned: what all guests may use together. A module's fuel is limited
  // by it, so before the modules are loaded.
  void limit_all(const UseLimits& limits);

  // Ends a guest, in whatever state it is: it runs, waits its turn, sleeps, waits in poll_oneoff,
  // reads, accepts, or has not begun. What it held is released when run() next gets to it. Nothing
  // happens to one that has ended. On the Runtime's thread, on a G or not.
  void kill(Guest& guest);

  // Drops what is kept of a guest that has ended: for programs that spawn guests without end. Not
  // inside of on_guest_end's callback.
  void forget(Guest& guest);

  // Runs until every guest and every other G has ended, or all are deadlocked. Not inside a handler
  // of io.
  RunResult run();

  // Called when a guest has ended, however it did. It may spawn guests; it must not park or throw.
  void on_guest_end(std::function<void(const Guest&)> callback) { on_end_ = std::move(callback); }

  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] GuestClock& clock() { return clock_; }
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  // In the order of spawning, without those that were forgotten.
  [[nodiscard]] const std::vector<std::unique_ptr<Guest>>& guests() const { return guests_; }

 private:
  friend class Guest;

  SystemClock system_clock_;
  GuestClock& clock_;
  Reactor reactor_;
  std::unique_ptr<Engine> engine_;
  std::function<void(const Guest&)> on_end_;
  struct AllDeadline : Timer {
    explicit AllDeadline(Runtime& runtime) : Timer(&fire), runtime(runtime) {}
    static void fire(Timer& timer);
    Runtime& runtime;
  };

  UseLimits all_limits_;
  std::optional<Budgets> all_budgets_;
  AllDeadline all_deadline_{*this};
  std::optional<Instant> all_end_;  // When the time of all is over, once it has begun.
  std::size_t live_guests_ = 0;
  std::size_t last_number_ = 0;
  bool in_callback_ = false;
  std::vector<std::unique_ptr<Guest>> guests_;
  Scheduler scheduler_;         // It ends the guests that are left, which use all of the above.
  std::optional<Turns> turns_;  // In somebody else's loop.
};

}  // namespace weft
