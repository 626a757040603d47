// SPDX-License-Identifier: Apache-2.0
// Port: one scheduler's operating system in the image of Go's wasm port, behind the functions of
// namespace weft::port, which have Go's own names.
//
//   a runtime ─ port::osyield() ─▶ this_port() ─▶ emulated: the Scheduler's M or G does it
//                                              └▶ strict:   what a real wasm target does
//   the Scheduler, making an M ─ MHooks ─▶ Port ─▶ port::mpreinit, minit, unminit, mdestroy
//
// Emulated, threads exist (they are Ms), a sleep lets others run and preemptM reaches its target.
// Strict, nothing works that a wasm target lacks: osyield and exitThread trap, newosproc throws,
// preemptM does nothing, usleep blocks the whole thread. Both count the calls that a wasm target
// lacks (lacking()), so a porter sees them without running into each.
//
// What the port does not do: decide who runs (the Scheduler) or implement WASI (os/wasip1). It is
// the bottom of this folder: the functions with Go's names stand above it and use it.
//
// Invariants:
//   I1. An M of this scheduler that has been through mpreinit has a Gsignal, and keeps it, dead or
//       alive, until the port dies: preemptM may look at it from anywhere.
//   I2. Every FutexWaiter in a bucket of futexes_ belongs to an M that sleeps, or is about to run.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "os/port/types.h"
#if defined(__wasm__)
#include "os/wasm/process.h"
#else
#include "os/wasip1/process.h"
#endif
#include "scheduler/scheduler.h"

namespace weft {

class Port;

namespace port {

struct Waiter;

// A part of the process's own memory that 32-bit addresses point into.
struct Window {
  std::byte* base = nullptr;
  std::uint64_t bytes = 0;

  [[nodiscard]] bool contains(uintptr32 at, std::uint64_t length) const {
    return length <= bytes && at <= bytes - length;
  }
  // The address of [p, p + length), or nothing when that lies outside.
  [[nodiscard]] std::optional<uintptr32> address(const void* p, std::uint64_t length) const;
};

inline constexpr std::size_t kGsignalBytes = std::size_t{32} * 1024;
inline constexpr std::size_t kPhysPageSize = 65536;  // A page of wasm.

// An M's signal stack, as in Go, and what else the port keeps for each M. The stack is there for
// its size alone: signals run on the thread's alternate stack (signals/fault.h).
struct Gsignal {
  M* m = nullptr;
  Port* port = nullptr;
  std::uint64_t procid = 0;
  std::unique_ptr<std::byte[]> stack;
  std::uint32_t wakeups = 0;  // Of semawakeup, not yet consumed.
  Waiter* sema_waiter = nullptr;
};

// What a wasm target lacks: each of these traps, throws or does nothing there.
enum class Lacking : std::uint8_t {
  osyield,
  osyield_no_g,
  exitThread,
  newosproc,
  preemptM,
  notesleep,
  notetsleep,
  semasleep,
  semawakeup,
  futexsleep,
  futexwakeup,
};
inline constexpr const char* kLackingNames[] = {
    "osyield",    "osyield_no_g", "exitThread", "newosproc",  "preemptM",    "notesleep",
    "notetsleep", "semasleep",    "semawakeup", "futexsleep", "futexwakeup",
};
inline constexpr std::size_t kLackingCalls = std::size(kLackingNames);
static_assert(kLackingCalls == static_cast<std::size_t>(Lacking::futexwakeup) + 1);

// The M waiters of futexes, by address.
struct FutexBucket {
  Waiter* head = nullptr;
  Waiter* tail = nullptr;
};
inline constexpr std::size_t kFutexBuckets = 64;

}  // namespace port

class Port final : public MHooks {
 public:
  struct Config {
    bool strict = false;
    // What 32-bit addresses point into. Empty: a page (64 KiB) of the port's own.
    std::span<std::byte> window = {};
    // How a strict port sleeps. Empty: the whole thread does, by the system's clock.
    std::function<void(Duration)> host_sleep = {};
  };
  static Config emulated() { return {}; }
  static Config strict() { return {.strict = true}; }

  // Makes itself the scheduler's port. Not while the scheduler runs. Both must outlive the port.
  // When the port dies, what is left in the scheduler is killed and runs to its end first.
  Port(Scheduler& scheduler, wasip1::Process& process) : Port(scheduler, process, emulated()) {}
  Port(Scheduler& scheduler, wasip1::Process& process, Config config);
  ~Port() override;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] bool is_strict() const { return config_.strict; }
  [[nodiscard]] Scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] wasip1::Process& process() const { return process_; }
  [[nodiscard]] port::Window window() const { return window_; }
  void host_sleep(Duration d) const;

  // From now on the import of that name only answers e; without e it works again. To
  // see what a runtime does on a host that lacks something.
  void answer(std::string_view import, std::optional<port::errno_> e);
  [[nodiscard]] std::optional<port::errno_> answer_for(std::string_view import) const;

  // Counts a call that a wasm target lacks. From anywhere.
  void count(port::Lacking call) noexcept {
    lacking_[static_cast<std::size_t>(call)].fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t count_of(port::Lacking call) const {
    return lacking_[static_cast<std::size_t>(call)].load(std::memory_order_relaxed);
  }
  // "newosproc 3, osyield 120": those that were called, in the order of the enum.
  [[nodiscard]] std::string lacking() const;

  [[nodiscard]] port::FutexBucket& futex_bucket(const void* address);
  port::Gsignal& gsignal_of(M& m);  // Made now if there is none (I1).

  // What Go keeps in globals. Written by osinit and goenvs.
  std::size_t physPageSize = 0;
  std::int32_t ncpu = 0;
  std::vector<std::string> argslice;
  std::vector<std::string> envs;

  // --- MHooks ---
  void mpreinit(M& m) override;
  void minit(M& m) override;
  void unminit(M& m) override;
  void mdestroy(M& m) override;
  void newosproc(M& m) override;
  bool has_threads() override { return !is_strict(); }

 private:
  friend Port& this_port();

  Scheduler& scheduler_;
  wasip1::Process& process_;
  const Config config_;
  std::unique_ptr<std::byte[]> own_memory_;
  port::Window window_;
  std::vector<std::pair<std::string, port::errno_>> answers_;
  std::array<std::atomic<std::uint64_t>, port::kLackingCalls> lacking_{};
  std::array<port::FutexBucket, port::kFutexBuckets> futexes_{};
  std::vector<std::unique_ptr<port::Gsignal>> gsignals_;
  Port* next_of_thread_ = nullptr;
};

// The port of the scheduler that runs on this thread; outside of any run, the port that was made on
// this thread last. Throws port::Throw when there is none.
Port& this_port();

namespace port {

// Where a call comes from.
enum class Place : std::uint8_t {
  g,        // A G is current.
  thread,   // A thread made by newosproc, without a G.
  outside,  // Neither: the loop, an event's handler, or outside of run().
};
[[nodiscard]] Place place(const Port& port);

// Throws Throw("CALL: called outside of a G and of a thread") there.
void require_inside(const Port& port, const char* call);

// The M sleeps with its G, for microseconds, and the other Ms run; 0: they run once. `call` names
// the caller in the Throw and in dumps; a string that lives for ever. Throws as require_inside.
void sleep_with_g(const Port& port, const char* call, std::uint32_t usec);

}  // namespace port
}  // namespace weft
