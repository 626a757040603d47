// SPDX-License-Identifier: Apache-2.0
#include "signals/tick.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "scheduler/scheduler.h"
#include "signals/handlers.h"

namespace weft::signals {
namespace {

constexpr int kSignal = SIGURG;

// The thread's tick. The handler runs on this thread: a plain pointer does.
thread_local constinit Tick* tick_of_thread = nullptr;

}  // namespace

Status Tick::start() {
  if (started_) return Nothing{};
  WEFT_CHECK(tick_of_thread == nullptr, "this thread has a tick already");
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kSignal;
  event.sigev_value.sival_ptr = this;
#if defined(sigev_notify_thread_id)
  event.sigev_notify_thread_id = static_cast<pid_t>(::syscall(SYS_gettid));
#else
  event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
#endif
  if (::timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_) != 0) {
    return refused_by_host(std::string("no timer for the tick: ") + std::strerror(errno));
  }
  tick_of_thread = this;
  take_signal(kSignal, &Tick::on_signal, SA_RESTART);
  seen_switches_ = scheduler_.switches();
  itimerspec every{};
  every.it_value = {.tv_sec = period_.ns / 1'000'000'000, .tv_nsec = period_.ns % 1'000'000'000};
  every.it_interval = every.it_value;
  WEFT_CHECK(::timer_settime(timer_, 0, &every, nullptr) == 0, "a timer refused its period");
  started_ = true;
  return Nothing{};
}

void Tick::stop() {
  if (!started_) return;
  WEFT_CHECK(tick_of_thread == this, "a tick was stopped on another thread than it was started on");
  ::timer_delete(timer_);
  tick_of_thread = nullptr;  // A signal that is still under way finds no tick.
  give_back_signal(kSignal);
  started_ = false;
}

void Tick::on_signal(int sig, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  Tick* const tick = tick_of_thread;
  if (info->si_code != SI_TIMER) {
    chain_signal(sig, info, context);
  } else if (tick != nullptr && info->si_value.sival_ptr == tick) {
    tick->tick();
  }
  errno = saved_errno;
}

// On the scheduler's thread, in the middle of anything: reads and writes a few words of the
// scheduler's own.
void Tick::tick() noexcept {
  ticks_.fetch_add(1, std::memory_order_relaxed);
  G* const g = scheduler_.current();
  if (g != nullptr && g->stack != nullptr) g->stack->sampled_cpu.ns += period_.ns;
  const std::uint64_t switches = scheduler_.switches();
  if (switches == seen_switches_) {
    Scheduler::preempt_m(scheduler_.current_m());
    preempts_.fetch_add(1, std::memory_order_relaxed);
  } else {
    scheduler_.look_soon();
  }
  seen_switches_ = switches;
}

}  // namespace weft::signals
