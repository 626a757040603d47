// SPDX-License-Identifier: Apache-2.0
// Gs: how they are made, what is kept with each, and how they are parked, readied and killed.
//
// What a G calls is a Body, which begins with its weft_entry; G::owner points to that from the
// start. The Body of a plain G fits into the G itself.
#include <algorithm>
#include <bit>
#include <cstring>

#include "capi/boundary.h"
#include "capi/own_stack.h"
#include "os/port/failure.h"
#include "scheduler/api.h"

using namespace weft;
using namespace weft::capi;

namespace {

constexpr std::size_t kOwnStackMin = 16 * 1024;
constexpr std::size_t kStackMax = std::size_t{1} << 30;

struct Body : weft_entry {
  void operator()() { run_entry(static_cast<weft_entry*>(this)); }
};
static_assert(GCallable<Body>::kIsInG);

// Of a G with a stack that is the caller's, or an end handler.
struct FullBody : weft_entry {
  // A G that is killed before it first runs is not called, and ends.
  ~FullBody() {
    if (on_end == nullptr) return;
    // The frame of run_entry() is gone, or never was: from here on nothing may leave() to it.
    if (G* self = current()->scheduler.current()) self->ending = true;
    on_end(user);
  }

  void operator()() {
    weft_entry* const entry = this;
    if (stack == nullptr) return run_entry(entry);
    if constexpr (kHasOwnStacks) call_on_stack(stack, stack_bytes, &run_entry, entry);
  }

  void* stack;
  std::size_t stack_bytes;
  void (*on_end)(void* user) = nullptr;  // Set when the G is made.
};

int refuse_locks() {
  return holds_locks() ? fail(WEFT_EHOLDSLOCKS, "schedule: holding locks") : WEFT_OK;
}

int null_g() {
  return fail(WEFT_EINVAL, "the G is null");
}

// Of another G than the running one.
#if WEFT_UNWINDS
int kill_another(Scheduler& scheduler, G& g) {
  // What it holds is its thread's, and would stay held.
  if (g.stack != nullptr && g.stack->m != nullptr && g.stack->m->locks != 0) {
    return fail(WEFT_EHOLDSLOCKS, "the G's thread holds locks");
  }
  scheduler.kill(g);
  return WEFT_OK;
}
#else
int kill_another(Scheduler& /*scheduler*/, G& /*g*/) {
  return fail(WEFT_ELACKS, "this target can't unwind: a G can only end itself");
}
#endif

weft_entry* entry_of(const weft_g* g) {
  return static_cast<weft_entry*>(reinterpret_cast<const G*>(g)->owner);
}

// Of one that has not ended.
int check_g(const weft_g* g) {
  if (g == nullptr) return null_g();
  const GState state = reinterpret_cast<const G*>(g)->state();
  const bool lives = state != GState::dead && state != GState::idle;
  return lives ? WEFT_OK : fail(WEFT_EINVAL, "the G has ended");
}

// A G that weft_park or weft_park_for parked.
int check_parked(const weft_g* g) {
  if (g == nullptr) return null_g();
  const G& sleeper = *reinterpret_cast<const G*>(g);
  if (sleeper.is_waiting() && sleeper.wait_reason == WaitReason::semacquire) return WEFT_OK;
  return fail(WEFT_ENOTPARKED, "bad g->status in ready");
}

// nullptr: there is no memory for it.
template <class AnyBody>
AnyBody* spawn(weft_scheduler& s, const AnyBody& body, const SpawnOptions& options, weft_g** g) {
  Result<G*> made = s.scheduler.spawn(AnyBody(body), options);
  if (!made) {
    (void)fail(WEFT_ENOMEM, made.error().message.c_str());
    return nullptr;
  }
  AnyBody* const placed = GCallable<AnyBody>::of(**made);
  (*made)->owner = static_cast<weft_entry*>(placed);
  if (g != nullptr) *g = handle(*made);
  return placed;
}

int check_options(const weft_g_options& options) {
  if (options.stack_bytes > kStackMax) return fail(WEFT_EINVAL, "a stack of more than 1 GiB");
  if (options.stack != nullptr && !kHasOwnStacks) {
    return fail(WEFT_ELACKS, "this target has no stack but its own");
  }
  if (options.stack != nullptr && options.stack_bytes < kOwnStackMin) {
    return fail(WEFT_EINVAL, "a stack of your own needs 16 KiB or more");
  }
  return WEFT_OK;
}

// Beside a stack of the caller's stands a small one, on which the G begins and ends.
std::size_t stack_bytes(const weft_g_options& options) {
  constexpr std::size_t kSmallest = kStackBytes / 4;
  if (options.stack != nullptr) return kSmallest;
  if (options.stack_bytes == 0) return kStackBytes;
  return std::bit_ceil(std::max(options.stack_bytes, kSmallest));
}

// The sleep of the running G, by f, which returns whether it was readied.
template <class F>
int sleep_as_parked(F&& f) {
  return guarded_from(From::g, [&]() -> int {
    if (const int code = refuse_locks(); code != WEFT_OK) return code;
    return f() ? WEFT_OK : fail(WEFT_ETIMEDOUT, "the time was over first");
  });
}

}  // namespace

// It is on one of the two: this frame tells which.
bool weft::capi::is_on_own_stack(const G& g, void** low, void** high) {
  const void* const here = __builtin_frame_address(0);
  if (!kHasOwnStacks || (here >= g.stack->bottom && here < g.stack)) return false;
  const auto& body = *static_cast<const FullBody*>(static_cast<weft_entry*>(g.owner));
  *low = body.stack;
  *high = static_cast<std::byte*>(body.stack) + body.stack_bytes;
  return true;
}

int weft_go(weft_scheduler* scheduler, weft_start start, void* argument, weft_g** g) {
  return weft_go_with(scheduler, start, argument, nullptr, g);
}

int weft_go_with(weft_scheduler* scheduler, weft_start start, void* argument,
                 const weft_g_options* options, weft_g** g) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  if (start == nullptr) return fail(WEFT_EINVAL, "a G needs a function");
  const weft_g_options given = options != nullptr ? *options : weft_g_options{};
  if (const int code = check_options(given); code != WEFT_OK) return code;
  return guarded([&] {
    weft_entry entry;
    entry.start = start;
    entry.argument = argument;
    entry.user = given.user;
    const SpawnOptions spawn_options{.name = given.name != nullptr ? given.name : "",
                                     .stack_bytes = stack_bytes(given)};
    if (given.stack == nullptr && given.on_end == nullptr) {
      return spawn(*scheduler, Body{entry}, spawn_options, g) != nullptr ? WEFT_OK : WEFT_ENOMEM;
    }
    FullBody* const body =
        spawn(*scheduler, FullBody{entry, given.stack, given.stack_bytes}, spawn_options, g);
    if (body == nullptr) return WEFT_ENOMEM;
    body->on_end = given.on_end;
    return WEFT_OK;
  });
}

weft_g* weft_self_g(void) {
  return current() == nullptr ? nullptr : handle(current()->scheduler.current());
}

uint64_t weft_g_id(const weft_g* g) {
  return g != nullptr ? reinterpret_cast<const G*>(g)->id : 0;
}

const char* weft_g_name(const weft_g* g) {
  return g != nullptr ? reinterpret_cast<const G*>(g)->name : "";
}

int weft_g_set_name(weft_g* g, const char* name) {
  if (const int code = check_g(g); code != WEFT_OK) return code;
  const std::string_view given = name != nullptr ? name : "";
  G& named = *from_handle(g);
  named.name[given.copy(named.name, kGNameMax - 1)] = '\0';
  return WEFT_OK;
}

void* weft_g_user(const weft_g* g) {
  return g != nullptr && entry_of(g) != nullptr ? entry_of(g)->user : nullptr;
}

int weft_g_set_user(weft_g* g, void* user) {
  if (const int code = check_g(g); code != WEFT_OK) return code;
  if (entry_of(g) == nullptr) return fail(WEFT_EINVAL, "a G that weft_go did not make");
  entry_of(g)->user = user;
  return WEFT_OK;
}

int weft_park(void) {
  return sleep_as_parked([] {
    park(WaitReason::semacquire);
    return true;
  });
}

int weft_park_for(int64_t timeout) {
  if (timeout < 0) return weft_park();
  return sleep_as_parked([&] {
    Scheduler& scheduler = current()->scheduler;
    return scheduler.park_until(WaitReason::semacquire, scheduler.now() + nanoseconds(timeout));
  });
}

int weft_ready(weft_g* g) {
  return guarded_from(From::inside, [&]() -> int {
    if (const int code = check_parked(g); code != WEFT_OK) return code;
    ready(*from_handle(g));
    return WEFT_OK;
  });
}

int weft_ready_next(weft_g* g) {
  return guarded_from(From::inside, [&]() -> int {
    if (const int code = check_parked(g); code != WEFT_OK) return code;
    current()->scheduler.ready_next(*from_handle(g));
    return WEFT_OK;
  });
}

int weft_kill_g(weft_g* g) {
  return guarded_from(From::inside, [&]() -> int {
    if (const int code = check_g(g); code != WEFT_OK) return code;
    if (from_handle(g)->ending) return fail(WEFT_EINVAL, "the G has ended");
    Scheduler& scheduler = current()->scheduler;
    if (from_handle(g) != scheduler.current()) return kill_another(scheduler, *from_handle(g));
    if (const int code = refuse_locks(); code != WEFT_OK) return code;
    throw Killed{};
  });
}

int weft_lock_os_thread(void) {
  return guarded_from(From::g, [&] {
    current()->scheduler.lock_os_thread();
    return WEFT_OK;
  });
}

int weft_unlock_os_thread(void) {
  return guarded_from(From::g, [&] {
    current()->scheduler.unlock_os_thread();
    return WEFT_OK;
  });
}
