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
//
// From: the thread of the Runtime, on a G, in a handler of its loop, or before it runs. What waits
// needs a G, and says so.
#pragma once

#include <algorithm>
#include <any>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest/engine.h"
#include "guest/host_function.h"
#include "guest/invocation.h"
#include "guest/streams.h"
#include "os/clocks.h"
#include "os/reactor.h"
#include "os/turns.h"
#include "os/wasip1/memory_files.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/wait_list.h"

namespace weft {

using wasip1::MemoryFile;
using wasip1::MemoryFiles;
class Guest;
class Runtime;
namespace guest::go {
class Preemption;
}

// What one guest may use up or hold, or all guests of a Runtime together. A guest that goes over a
// limit gets an error where WebAssembly or WASI has one: memory.grow and table.grow fail, opening a
// file is EMFILE (the guest's limit) or ENFILE (that of all). Elsewhere it ends with a trap:
// out_of_time, out_of_output, out_of_fuel, or out_of_memory when it can't even start. A limit of
// fuel is for modules that are loaded with GuestLimits::fuel: spawn() refuses it for others.
struct UseLimits {
  BudgetSizes sizes = {};  // How much of each thing.
  Duration time = {};  // From the (first) guest's spawning, on the Runtime's clock. 0: no limit.
};

// What a guest is given.
struct GuestOptions {
  std::string name = {};                       // For reports and traces; empty: the module's.
  std::vector<std::string> args = {};          // args[0] included; empty: the module's name alone.
  std::vector<std::string> env = {};           // "K=V".
  std::vector<wasip1::Preopen> preopens = {};  // Its directories.
  std::vector<int> listeners = {};     // Listening sockets, duplicated; they become non-blocking.
  Stdio stdin_from = 0;                // Descriptors of this process, or streams (guest/streams.h).
  Stdio stdout_to = 1;                 // May be the same as stderr_to.
  Stdio stderr_to = 2;                 // The guest's descriptor 2.
  wasip1::TraceSink* trace = nullptr;  // Must outlive the guest.
  Invocation invoke = {};              // What is called in place of _start.
  // Runs _initialize, if the module exports that, and then what Guest::call asks for, until
  // Guest::finish; in place of all that it would run by itself. For modules of Role::library too.
  bool serves = false;
  UseLimits use = {.sizes = {.descriptors = 4096}};  // What it may use up or hold.
  std::any data = {};  // The embedder's own, for its host functions: Caller::data.
  // Called when this guest has ended, however it did, before the Runtime's. As that.
  std::function<void(Guest&)> on_end = {};

  // What a simulation puts in place of the world: see wasip1::ProcessConfig.
  std::array<wasip1::DeviceFile, 3> stdio = {};
  std::vector<wasip1::DeviceFile> links = {};              // Descriptors behind the listeners.
  wasip1::CallHook* hook = nullptr;                        // Is asked at each call of WASI.
  std::shared_ptr<wasip1::StableFiles> stable_files = {};  // What files seem to be.
  std::function<void(std::span<std::byte>)> random = {};   // random_get.
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

// A guest: one instance on one G. Owned by its Runtime, readable after it has ended, until it is
// forgotten.
class Guest {
 public:
  // For Runtime::spawn, which makes guests.
  Guest(Runtime& runtime, std::size_t number, std::string name, std::shared_ptr<Module> module,
        std::unique_ptr<wasip1::Process> process, const EntryPoint& entry, Invocation&& invoke);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  [[nodiscard]] std::size_t number() const { return number_; }  // From 1, in the order of spawning.
  [[nodiscard]] const std::string& name() const { return name_; }  // As GuestOptions::name.
  [[nodiscard]] const char* engine() const { return engine_; }     // By which it runs.
  // How long its module took to load; the same for all its guests.
  [[nodiscard]] Duration loading() const { return loading_; }

  // Nothing while it runs.
  [[nodiscard]] const std::optional<GuestEnd>& end() const { return end_; }
  // What the function has returned that GuestOptions::invoke named, as Instance::call tells; empty
  // when it returned nothing, or did not return.
  [[nodiscard]] const std::vector<std::uint64_t>& results() const { return results_; }
  // Calls a function that it exports, of a guest that `serves`, with values of std::int32_t,
  // uint32_t, int64_t, uint64_t, float and double: guest.call<int>("handle", 7). It runs on the
  // guest's G, one call after the other in the order of these calls; the calling G is parked until
  // it has returned. The error says that there is no such function, that it has another type, or
  // how the guest ended: a trap, proc_exit or a kill ends the guest, as always. On a G, not its
  // own. A call that is under way goes on when the calling G is killed.
  template <class R = void, class... Args>
  Result<std::conditional_t<std::is_void_v<R>, Nothing, R>> call(std::string_view function,
                                                                 Args... args);
  // The same with a type that is known only when the program runs: the arguments are bits, in the
  // low ones where there are 32, and the results take their place.
  Status call_values(std::string_view function, const FuncTypeInfo& type,
                     std::vector<std::uint64_t>& values);
  // It ends when the call under way has returned, with exit code 0; those that still wait for their
  // turn get an error. On a G or not.
  void finish();
  // How it ends: parks the calling G until then. It may be forgotten meanwhile. On a G, not its
  // own; throws Killed.
  GuestEnd wait();
  // The same as an operation of Asio's, with the signature void(weft::GuestEnd), for any completion
  // token: co_await guest.async_wait(asio::use_awaitable). While it is under way the loop's run()
  // does not return. Needs <weft/asio.hpp>. On the Runtime's thread.
  template <class Token>
  auto async_wait(Token&& token);
  // Calls f(end) when it ends, before the end handlers, or at once when it has. f as they are.
  void when_ended(std::function<void(const GuestEnd&)> f);
  // What GuestOptions::data held.
  [[nodiscard]] std::any& data() { return data_; }
  // Whose guest it is.
  [[nodiscard]] Runtime& runtime() const { return runtime_; }
  // Its G while it runs, else nullptr.
  [[nodiscard]] G* g() const { return g_; }
  // How much fuel it has been given; up to one quantum of it may not be used yet. 0 when it counts
  // none (guest/wabt/meter.cpp), or has ended.
  [[nodiscard]] std::uint64_t fuel_given() const {
    return process_ != nullptr ? process_->budgets().fuel.used() : 0;
  }
  // What it uses and holds. nullptr when it has ended.
  [[nodiscard]] const Budgets* budgets() const {
    return process_ != nullptr ? &process_->budgets() : nullptr;
  }
  // Of a Go guest in real time: how its goroutines are preempted. nullptr: they are not.
  [[nodiscard]] const guest::go::Preemption* preemption() const { return preemption_; }
  // As Instance::computing().
  [[nodiscard]] std::optional<Computing> computing() const {
    return instance_ != nullptr ? instance_->computing() : std::nullopt;
  }
  // A function of its module, in words: `frames` has its name; `offset` and `source` tell where its
  // code is. Nothing when the guest has ended. Without `source` where its lines of source have not
  // been read (lines_not_read()) and `reads_lines` is false.
  [[nodiscard]] std::optional<TrapReport> place_of(std::uint32_t function,
                                                   bool reads_lines = true) const;
  // How many bytes place_of() would have to read first for the lines of source.
  [[nodiscard]] std::size_t lines_not_read() const;

 private:
  friend class Runtime;
  // Ends the guest when its time is over.
  struct Deadline : Timer {
    explicit Deadline(Guest& guest) : Timer(&fire), guest(guest) {}
    static void fire(Timer& timer);
    Guest& guest;
  };

  // A call on its way. The caller may be gone when it returns.
  struct Call {
    const ExportInfo* function;
    std::vector<std::uint64_t> values;
    std::string error;
    chan<Nothing> done = make_chan<Nothing>();
  };
  using Calls = chan<std::shared_ptr<Call>>;

  GuestEnd serve(Instance& instance);
  void watch_goroutines();
  void leave_goroutines();

  // On the G that waits.
  struct EndWait : Waiter {
    using Waiter::Waiter;
    std::optional<GuestEnd> end;
  };

  void run();
  GuestEnd run_module(Instance& instance);
  void make_steering();
  void ended();

  Runtime& runtime_;
  const std::size_t number_;
  const std::string name_;
  std::any data_;
  std::function<void(Guest&)> on_end_;
  std::optional<Calls> calls_;  // While it serves.
  WaitList<EndWait> waits_;
  std::vector<std::function<void(const GuestEnd&)>> when_ended_;
  std::shared_ptr<Module> module_;
  const char* const engine_;
  const Duration loading_;
  std::unique_ptr<wasip1::Process> process_;
  Instance* instance_ = nullptr;  // While it runs.
  std::unique_ptr<guest::go::Steering> steering_;
  const guest::go::Preemption* preemption_ = nullptr;  // When it is that.
  G* g_ = nullptr;
  EntryPoint entry_;
  Invocation invoke_;
  std::vector<std::uint64_t> results_;
  std::optional<GuestEnd> end_;
  TrapReport killed_at_;
  std::function<std::unique_ptr<guest::go::Steering>(const guest::go::GoModule&)> steer_;
  bool is_watched_ = false;  // By what stands in front of its steering_.
  bool out_of_time_ = false;
  bool finished_ = false;   // calls_ is closed.
  bool ending_ = false;     // Its end handlers run.
  bool forgotten_ = false;  // By one of those.
  Deadline deadline_{*this};
};

// Loads modules, makes guests of them and runs those.
class Runtime {
 public:
  // With a loop of its own, and the engine given; nullptr: that of kDefaultEngine
  // (guest/engines.h), made when the first module is loaded.
  explicit Runtime(std::unique_ptr<Engine> engine = nullptr)
      : Runtime(RuntimeOptions{}, std::move(engine)) {}
  // The same with a clock, a poller or a seed of the embedder's.
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

  // Gives guests a function to import, beside those of WASI: guest/host_function.h tells of what
  // kind the callable may be. In the place of an earlier one of these names, for modules that are
  // loaded from now on.
  template <class F>
  void define(std::string module, std::string name, F&& f) {
    define(make_host_function(std::move(module), std::move(name), std::forward<F>(f)));
  }
  // The same without the types of C++.
  void define(HostFunction function) { host_functions_.define(std::move(function)); }

  // As load, from bytes. `name` is for messages.
  Result<std::shared_ptr<Module>> load_bytes(const std::string& name,
                                             std::span<const std::byte> binary,
                                             const GuestLimits& limits = {},
                                             Role role = Role::command);

  // Has a hook told of the WASI calls of all guests, those that run and those to come, until the
  // next call of this; nullptr: none. It decides nothing. A guest's own hook is asked as before.
  void watch_calls(wasip1::CallHook* watcher);

  // Puts something in front of what steers the goroutines of each Go guest, of those that run and
  // of those to come, until the next call of this, which takes it out again; empty: nothing. What
  // f(guest, module, behind) makes passes everything on to `behind`, and gives it back by
  // Steering::take_behind(). Not from a Steering.
  using WatchGoroutines = std::function<std::unique_ptr<guest::go::Steering>(
      const Guest&, const guest::go::GoModule&, std::unique_ptr<guest::go::Steering> behind)>;
  void watch_goroutines(WatchGoroutines f);

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

  // Drops what is kept of a guest that has ended: for programs that spawn guests without end. In
  // its end handler the Guest stays good until that returns.
  void forget(Guest& guest);

  // Runs until every guest and every other G has ended, or all are deadlocked. Not inside a handler
  // of io.
  RunResult run();

  // Called when a guest has ended, however it did. It may spawn, kill and forget guests, this one
  // too; it must not park or throw.
  void on_guest_end(std::function<void(Guest&)> callback) { on_end_ = std::move(callback); }

  // What it is made of: the scheduler starts native Gs, the reactor has the loop.
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] GuestClock& clock() { return clock_; }
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  // In the order of spawning, without those that were forgotten.
  [[nodiscard]] const std::vector<std::unique_ptr<Guest>>& guests() const { return guests_; }

 private:
  friend class Guest;
  // The first guest of this number or a higher one.
  std::vector<std::unique_ptr<Guest>>::iterator from_number(std::size_t number);

  SystemClock system_clock_;
  GuestClock& clock_;
  Reactor reactor_;
  HostFunctions host_functions_;
  std::unique_ptr<Engine> engine_;
  std::function<void(Guest&)> on_end_;
  wasip1::CallHook* watcher_ = nullptr;  // Of all guests' calls.
  WatchGoroutines watch_goroutines_;
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
  std::vector<std::unique_ptr<Guest>> guests_;
  Scheduler scheduler_;         // It ends the guests that are left, which use all of the above.
  std::optional<Turns> turns_;  // In somebody else's loop.
};

template <class R, class... Args>
Result<std::conditional_t<std::is_void_v<R>, Nothing, R>> Guest::call(std::string_view function,
                                                                      Args... args) {
  FuncTypeInfo type;
  type.params = std::string{detail::letter_of<Args>()...};
  if constexpr (!std::is_void_v<R>) type.results = std::string{detail::letter_of<R>()};
  std::vector<std::uint64_t> values{detail::to_bits(args)...};
  values.resize(std::max(values.size(), type.results.size()));
  if (Status called = call_values(function, type, values); !called) return called.error();
  if constexpr (std::is_void_v<R>) {
    return Nothing{};
  } else {
    return detail::from_bits<R>(values[0]);
  }
}

}  // namespace weft
