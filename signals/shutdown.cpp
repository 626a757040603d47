// SPDX-License-Identifier: Apache-2.0
#include "signals/shutdown.h"

#include <cerrno>
#include <cstdio>
#include <string>

#include "base/check.h"
#include "scheduler/report.h"
#include "scheduler/scheduler.h"
#include "signals/handlers.h"

namespace weft::signals {
namespace {

// The third request finds the default action.
constexpr int kRequestsServed = 2;

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGXCPU, SIGQUIT};

std::atomic<Shutdown*> shutdown_of_process = nullptr;

}  // namespace

Shutdown::Shutdown(Scheduler& scheduler, Config config)
    : scheduler_(scheduler), config_(std::move(config)), grace_timer_(*this) {
  WEFT_CHECK(shutdown_of_process.exchange(this) == nullptr, "the process has a Shutdown already");
  scheduler_.on_interrupt(&on_interrupt, this);
  for (const int sig : kSignals) take_signal(sig, &on_signal, SA_RESTART);
}

Shutdown::~Shutdown() {
  for (const int sig : kSignals) give_back_signal(sig);
  shutdown_of_process = nullptr;
  scheduler_.on_interrupt(nullptr, nullptr);
  scheduler_.cancel(grace_timer_);
}

void Shutdown::on_signal(int sig, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (Shutdown* const self = shutdown_of_process.load()) {
    if (sig == SIGQUIT) {
      self->dump_asked_ = true;
    } else {
      int none = 0;
      self->first_signal_.compare_exchange_strong(none, sig);
      if (++self->requests_ > kRequestsServed) chain_signal(sig, info, context);
    }
    self->scheduler_.interrupt();
  }
  errno = saved_errno;
}

void Shutdown::on_interrupt(void* self) {
  static_cast<Shutdown*>(self)->serve();
}

void Shutdown::serve() {
  if (dump_asked_.exchange(false)) dump();
  const int requests = requests_.load();
  if (requests > 0 && served_ == 0) {
    served_ = 1;
    signal_ = first_signal_.load();
    if (config_.on_request) config_.on_request(signal_);
    if (config_.grace <= Duration{}) {
      kill_all();
    } else {
      scheduler_.arm(grace_timer_, scheduler_.now() + config_.grace);
    }
  }
  if (requests > 1 && served_ == 1) {
    served_ = kRequestsServed;
    kill_all();
  }
}

void Shutdown::GraceTimer::fire(Timer& timer) {
  static_cast<GraceTimer&>(timer).owner.kill_all();
}

void Shutdown::kill_all() {
  scheduler_.cancel(grace_timer_);
  killed_ = true;
  if (config_.on_kill) return config_.on_kill();
  scheduler_.for_each_g([this](G& g) { scheduler_.kill(g); });
}

void Shutdown::dump() {
  std::string text = "SIGQUIT: quit\n\n" + dump_gs(scheduler_.census());
  if (const std::string ms = dump_ms(scheduler_.census()); !ms.empty()) text += "\n" + ms;
  if (more_) {
    if (const std::string more = more_(); !more.empty()) text += "\n" + more;
  }
  text += "\n" + schedtrace(scheduler_.census()) + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace weft::signals
