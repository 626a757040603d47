// SPDX-License-Identifier: Apache-2.0
#include "capi/boundary.h"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include "os/port/failure.h"

namespace weft::capi {
namespace {

thread_local constinit weft_scheduler* current_of_thread = nullptr;
// Not a std::string: the text must exist even when no memory is left.
thread_local constinit char last_error[512] = {};

// Which code a text of Go's stands for.
struct Known {
  std::string_view text;
  int code;
};
constexpr Known kKnown[] = {
    {"self deadlock", WEFT_ESELFDEADLOCK},
    {"unlock of unlocked lock", WEFT_EUNLOCKED},
    {"unlock of a lock that another M holds", WEFT_EUNLOCKED},
    {"notewakeup - double wakeup", WEFT_EDOUBLEWAKE},
    {"notesleep - waitm out of sync", WEFT_EBUSYNOTE},
    {"newosproc: not implemented", WEFT_ELACKS},
    {"schedule: holding locks", WEFT_EHOLDSLOCKS},
    {"random_get failed", WEFT_EHOST},
    {kThreadExhaustion, WEFT_ETHREADS},
};

int code_of_throw(const port::Throw& e) {
  const std::string_view text = e.what();
  for (const Known& known : kKnown) {
    if (text == known.text) return fail(known.code, e.what());
  }
  if (text.ends_with(" not supported by wasi")) return fail(WEFT_ELACKS, e.what());
  if (text.starts_with("no address space")) return fail(WEFT_ENOMEM, e.what());
  return fail(WEFT_EINTERNAL, e.what());
}

weft_entry* entry_of_runner() {
  const Scheduler& scheduler = current_of_thread->scheduler;
  void* entry = scheduler.current() != nullptr ? scheduler.current()->owner
                                               : scheduler.current_m().start_argument;
  return static_cast<weft_entry*>(entry);
}

}  // namespace

weft_scheduler* current() {
  return current_of_thread;
}

weft_scheduler* exchange_current(weft_scheduler* scheduler) {
  weft_scheduler* const before = current_of_thread;
  current_of_thread = scheduler;
  return before;
}

const char* last_error_text() {
  return last_error;
}

int fail(int code, const char* text) {
  std::strncpy(last_error, text, sizeof last_error - 1);
  return code;
}

#if WEFT_UNWINDS
int code_of_current_exception(int misuse) {
  try {
    throw;
  } catch (const port::Throw& e) {
    return code_of_throw(e);
  } catch (const port::Trap& e) {
    return fail(WEFT_ELACKS, e.what());
  } catch (const std::bad_alloc&) {
    return fail(WEFT_ENOMEM, "out of memory");
  } catch (const Panic& e) {
    return fail(misuse, e.what());
  } catch (const FatalError& e) {
    return fail(misuse, e.what());
  } catch (const std::exception& e) {
    return fail(WEFT_EINTERNAL, e.what());
  } catch (...) {
    return fail(WEFT_EINTERNAL, "an exception of no known type");
  }
}
#else
int code_of_thrown(const CatchPoint& point, int misuse) {
  if (const auto* e = point.get<port::Throw>()) return code_of_throw(*e);
  if (const auto* e = point.get<port::Trap>()) return fail(WEFT_ELACKS, e->what());
  if (point.get<std::bad_alloc>() != nullptr) return fail(WEFT_ENOMEM, "out of memory");
  if (const auto* e = point.get<Panic>()) return fail(misuse, e->what());
  if (const auto* e = point.get<FatalError>()) return fail(misuse, e->what());
  return fail(WEFT_EINTERNAL, point.type->name());
}
#endif

int check_from(From from) {
  const weft_scheduler* const scheduler = current_of_thread;
  if (scheduler == nullptr) return fail(WEFT_EOFFTHREAD, "no scheduler runs on this thread");
  const port::Place place = port::place(*scheduler->port);
  if (place == port::Place::outside) return fail(WEFT_EOUTSIDE, "needs a G or a thread of weft");
  if (from == From::g && place != port::Place::g) return fail(WEFT_ENOG, "needs a G");
  return WEFT_OK;
}

int check_thread(const weft_scheduler* scheduler) {
  if (scheduler == nullptr) return fail(WEFT_EINVAL, "the scheduler is null");
  if (scheduler->owner != this_thread()) {
    return fail(WEFT_EOFFTHREAD, "this is not the thread that created the scheduler");
  }
  return WEFT_OK;
}

void leave() {
  weft_entry* const entry = entry_of_runner();  // I1
  WEFT_CHECK(entry != nullptr, "something was killed inside of weft that C did not start");
  leave_by(*entry->back);
}

#if WEFT_UNWINDS
// Nothing with a destructor may live here or above in this function's callees: leave() lands here.
void run_entry(void* given) {
  auto& entry = *static_cast<weft_entry*>(given);
  void* const argument = entry.argument;
  WayBack way;
  entry.back = &way;
#if !defined(__wasm__)
  if (setjmp(way.back) == 0) entry.start(argument);  // NOLINT: what this file is about
#else
  try {
    entry.start(argument);
  } catch (const Leaves&) {
    // To here: what was asked for.
  }
#endif
}
#endif

}  // namespace weft::capi
