// SPDX-License-Identifier: Apache-2.0
// weft_create to weft_destroy, and how threads are started. Gs: gs.cpp.
#include <algorithm>
#include <cstring>
#include <new>

#include "capi/boundary.h"
#include "os/port/failure.h"

using namespace weft;
using namespace weft::capi;

static_assert(sizeof(weft_lock) == sizeof(port::mutex) &&
              alignof(weft_lock) == alignof(port::mutex));
static_assert(sizeof(weft_note) == sizeof(port::note) && alignof(weft_note) == alignof(port::note));

namespace {

wasip1::ProcessConfig process_config(Random* random) {
  wasip1::ProcessConfig config;
  config.args = {"weft"};
#if !defined(__wasm__)
  config.stdin_fd = config.stdout_fd = config.stderr_fd = -1;  // C has its own.
#endif
  if (random != nullptr) {
    config.random = [random](std::span<std::byte> bytes) {
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random->next());
    };
  }
  return config;
}

const char* name_of(int error) {
  constexpr const char* names[] = {
      "WEFT_OK",          "WEFT_EINVAL",    "WEFT_EOFFTHREAD",    "WEFT_EOUTSIDE",
      "WEFT_ENOG",        "WEFT_ERUNNING",  "WEFT_ENOMEM",        "WEFT_ETHREADS",
      "WEFT_EDEADLOCK",   "WEFT_ESTOPPED",  "WEFT_ESELFDEADLOCK", "WEFT_EUNLOCKED",
      "WEFT_EDOUBLEWAKE", "WEFT_EBUSYNOTE", "WEFT_EHOLDSLOCKS",   "WEFT_ENOTPARKED",
      "WEFT_ETIMEDOUT",   "WEFT_ELACKS",    "WEFT_EHOST",         "WEFT_EINTERNAL",
      "WEFT_ECLOSED",     "WEFT_EAGAIN",    "WEFT_EINTR",
  };
  static_assert(std::size(names) == WEFT_EINTR + 1);
  return error >= 0 && error < static_cast<int>(std::size(names)) ? names[error] : "?";
}

int still_to_run(const weft_scheduler& s, RunEnd end, std::int64_t* wait) {
  if (wait != nullptr) {
    const Instant next = s.scheduler.next_deadline();
    const Duration left = next - s.scheduler.now();
    *wait = end == RunEnd::turn_over        ? 0
            : next == Instant::far_future() ? -1
                                            : std::max<std::int64_t>(left.ns, 0);
  }
  return fail(WEFT_EAGAIN, "there is more to run");
}

int code_of(weft_scheduler& s, const RunResult& result, std::int64_t* wait = nullptr) {
  s.message = result.report;
  switch (result.end) {
    case RunEnd::finished:
      return WEFT_OK;
    case RunEnd::stopped:
      return fail(WEFT_ESTOPPED, "weft_stop was called");
    case RunEnd::deadlock:
      return fail(WEFT_EDEADLOCK, "all goroutines are asleep - deadlock!");
    case RunEnd::fatal:
      return fail(WEFT_ETHREADS, kThreadExhaustion);
    case RunEnd::turn_over:
    case RunEnd::waiting:
      return still_to_run(s, result.end, wait);
  }
  return WEFT_EINTERNAL;
}

}  // namespace

weft_scheduler::weft_scheduler(bool strict, std::uint64_t seed)
    : random(seed), scheduler(clock, poller, {.seed = seed != 0 ? seed : 1}) {
  auto made = wasip1::Process::create(poller, clock, process_config(seed != 0 ? &random : nullptr));
  if (!made) throw port::Throw(made.error().message);
  process = std::move(*made);
  port.emplace(scheduler, *process, strict ? Port::strict() : Port::emulated());
}

uint32_t weft_abi_version(void) {
  return WEFT_ABI_VERSION;
}

const char* weft_error_name(int error) {
  return name_of(error);
}

const char* weft_last_error(void) {
  return last_error_text();
}

int weft_create(const weft_config* config, weft_scheduler** scheduler) {
  const weft_config given = config != nullptr ? *config : weft_config{WEFT_ABI_VERSION, 0, 0};
  if (scheduler == nullptr) return fail(WEFT_EINVAL, "there is nowhere to put the scheduler");
  if (given.abi_version != WEFT_ABI_VERSION) {
    return fail(WEFT_EINVAL, "abi_version is not that of this library");
  }
  if (given.behaviour != WEFT_EMULATED && given.behaviour != WEFT_STRICT) {
    return fail(WEFT_EINVAL, "no such behaviour");
  }
  return guarded([&] {
    *scheduler = new weft_scheduler(given.behaviour == WEFT_STRICT, given.seed);
    return WEFT_OK;
  });
}

int weft_destroy(weft_scheduler* scheduler) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  if (scheduler->running) return fail(WEFT_ERUNNING, "weft_destroy while the scheduler runs");
  // What is left is killed by the scheduler's destructor, and leaves through this handle.
  weft_scheduler* const before = exchange_current(scheduler);
  const int code = guarded([&] {
    delete scheduler;
    return WEFT_OK;
  });
  exchange_current(before);
  return code;
}

int weft_run(weft_scheduler* scheduler) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  if (scheduler->running) return fail(WEFT_ERUNNING, "weft_run while the scheduler runs");
  weft_scheduler* const before = exchange_current(scheduler);
  scheduler->running = true;
  scheduler->message.clear();
  const int code = guarded([&] { return code_of(*scheduler, scheduler->scheduler.run()); });
  scheduler->running = false;
  exchange_current(before);
  if (code != WEFT_OK && scheduler->message.empty()) {
    (void)guarded([&] {
      scheduler->message = weft_last_error();
      return WEFT_OK;
    });
  }
  return code;
}

int weft_turn(weft_scheduler* scheduler, int64_t* wait) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  if (scheduler->running) return fail(WEFT_ERUNNING, "weft_turn while the scheduler runs");
  weft_scheduler* const before = exchange_current(scheduler);
  scheduler->running = true;
  scheduler->message.clear();
  const int code = guarded([&] {
    if (!scheduler->poller.is_quiet()) scheduler->poller.poll(Instant::far_past());
    return code_of(*scheduler, scheduler->scheduler.run_turn(kSwitchesPerLook), wait);
  });
  scheduler->running = false;
  exchange_current(before);
  return code;
}

int weft_stop(weft_scheduler* scheduler) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  scheduler->scheduler.stop();
  return WEFT_OK;
}

const char* weft_message(const weft_scheduler* scheduler) {
  return check_thread(scheduler) == WEFT_OK ? scheduler->message.c_str() : "";
}

size_t weft_lacking(const weft_scheduler* scheduler, char* text, size_t bytes) {
  if (check_thread(scheduler) != WEFT_OK) return 0;
  std::size_t length = 0;
  (void)guarded([&] {
    const std::string lacking = scheduler->port->lacking();
    length = lacking.size();
    if (text != nullptr && bytes > 0) text[lacking.copy(text, bytes - 1)] = '\0';
    return WEFT_OK;
  });
  return length;
}

int weft_newosproc(weft_scheduler* scheduler, weft_start start, void* argument, weft_m** thread) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  if (start == nullptr) return fail(WEFT_EINVAL, "a thread needs a function");
  return guarded([&] {
    auto entry = std::make_unique<weft_entry>();
    entry->start = start;
    entry->argument = argument;
    Result<M*> made = scheduler->scheduler.new_m(&run_entry, entry.get());
    if (!made) throw port::Throw(made.error().message);
    scheduler->threads.push_back(std::move(entry));
    if (thread != nullptr) *thread = handle(*made);
    return WEFT_OK;
  });
}
