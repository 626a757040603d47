// SPDX-License-Identifier: Apache-2.0
// The implementation of weft_scheduler, and the two ways across the border to C.
//
//   C ─ weft_x() ─▶ guarded(f): f's exceptions become error codes ─▶ os/port
//   scheduler ─▶ trampoline ─ start(argument) ─▶ C
//
// A G or thread that must end (Killed) in the middle of C code can't be unwound through it: C has
// no destructors and may have no tables for it. So Killed ends in guarded(), and from there a
// longjmp, or what the target has instead (capi/way_back.h), leads back to the trampoline that
// called start. Between the two stand C frames only.
//
// Invariants:
//   I1. What runs inside of C code has its Entry where entry_of_runner() finds it: a G in G::owner,
//       a thread in M::start_argument.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unwinding.h"
#include "capi/host.h"
#include "capi/way_back.h"
#include "capi/weft.h"
#include "os/port/all.h"
#include "scheduler/scheduler.h"
#if !WEFT_UNWINDS
#include "scheduler/no_unwinding.h"
#endif

// A call from C to start(): a part of what its G calls, or kept by the scheduler's handle until
// that is destroyed (thread).
struct weft_entry {
  weft_start start = nullptr;
  union {
    void* argument = nullptr;
    weft::capi::WayBack* back;  // From the call on: where it ends, on the stack that it runs on.
  };
  void* user = nullptr;  // Of a G.
};

struct weft_scheduler {
  weft_scheduler(bool strict, std::uint64_t seed);

  const weft::capi::ThreadId owner = weft::capi::this_thread();
  bool running = false;
  std::string message;
  std::vector<std::unique_ptr<weft_entry>> threads;  // Outlive the scheduler, which ends them.
  weft::capi::HostClock clock;
  weft::capi::HostPoller poller;
  weft::Random random;           // When there is a seed.
  std::shared_ptr<void> faults;  // weft_handle_faults.
  weft::Scheduler scheduler;
  std::unique_ptr<weft::wasip1::Process> process;
  std::optional<weft::Port> port;
};

namespace weft::capi {

// The scheduler that runs on this thread, or nullptr.
weft_scheduler* current();

// Of the M that runs: then it may neither park nor give way.
inline bool holds_locks() {
  return current()->scheduler.current_m().locks != 0;
}
// Sets it, for as long as weft_run runs; returns the one before.
weft_scheduler* exchange_current(weft_scheduler* scheduler);

// What fail() kept last on this thread.
const char* last_error_text();

// Keeps the text for weft_last_error() and returns the code.
int fail(int code, const char* text);

#if WEFT_UNWINDS
// The code for an exception that is being handled; keeps its text.
int code_of_current_exception(int misuse = WEFT_EINTERNAL);
#else
// The same for what was thrown there.
int code_of_thrown(const CatchPoint& point, int misuse);
#endif

// Back to the trampoline: ends the running G or thread.
[[noreturn]] void leave();

// Where a call must come from.
enum class From : std::uint8_t { inside, g };
int check_from(From from);
// That handle is not null and this is its thread.
int check_thread(const weft_scheduler* scheduler);

// Calls f, whose exceptions become codes: `misuse` for those by which a primitive says that it was
// misused.
template <class F>
int guarded(F&& f, int misuse = WEFT_EINTERNAL) noexcept(!kLeavesByThrow) {
  bool killed = false;
  int code = WEFT_OK;
#if WEFT_UNWINDS
  try {
    code = f();
  } catch (const Killed&) {
    killed = true;
  } catch (...) {
    code = code_of_current_exception(misuse);
  }
#else
  {
    CatchPoint point;
    const bool returned = call_catching(point, [&] { code = f(); });
    killed = point.get<Killed>() != nullptr;
    if (!returned && !killed) code = code_of_thrown(point, misuse);
  }
#endif
  if (killed) leave();  // Outside of the handler: nothing of the exception is left behind.
  return code;
}

template <class F>
int guarded_from(From from, F&& f, int misuse = WEFT_EINTERNAL) noexcept(!kLeavesByThrow) {
  const int code = check_from(from);
  return code != WEFT_OK ? code : guarded(static_cast<F&&>(f), misuse);
}

// What a G and a thread run: start(argument) of the weft_entry.
#if WEFT_UNWINDS
void run_entry(void* entry);
#else
// Inline: a frame more would save itself and come back at each switch.
inline void run_entry(void* given) {
  auto& entry = *static_cast<weft_entry*>(given);
  void* const argument = entry.argument;
  WayBack way;
  entry.back = &way;
  CatchPoint point;
  (void)call_catching(point, entry.start, argument);  // leave() lands here.
}
#endif

// The stack of the running G, when it is its maker's: [*low, *high). False: it is weft's.
bool is_on_own_stack(const G& g, void** low, void** high);

inline weft_g* handle(G* g) {
  return reinterpret_cast<weft_g*>(g);
}
inline G* from_handle(weft_g* g) {
  return reinterpret_cast<G*>(g);
}
inline weft_m* handle(M* m) {
  return reinterpret_cast<weft_m*>(m);
}
inline M* from_handle(weft_m* m) {
  return reinterpret_cast<M*>(m);
}

}  // namespace weft::capi
