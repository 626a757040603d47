#include "tools/virtual_stop.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "scheduler/scheduler.h"

namespace weft::tools {

StopOnSignal::StopOnSignal(sim::EventListener* behind)
    : behind_(behind), null_file_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  noted_ = 0;
  null_ = null_file_.get();
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction taken {};
    taken.sa_handler = &on_signal;
    if (kSignals[i] != SIGALRM) taken.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_DFL) ::sigaction(kSignals[i], &taken, nullptr);
  }
}

StopOnSignal::~StopOnSignal() {
  ::alarm(0);
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

// A guest that starts to compute just now has not heard of it: hence the alarm, which asks again.
void StopOnSignal::on_signal(int sig) {
  if (sig == SIGALRM && noted_ == 0) return;
  const int saved_errno = errno;
  if (sig != SIGALRM) noted_ = sig;
  (void)::dup2(null_, STDIN_FILENO);
  if (scheduler_of_thread != nullptr) {
    scheduler_of_thread->interrupt();
    Scheduler::preempt_m(scheduler_of_thread->current_m());
  }
  ::alarm(1);
  errno = saved_errno;
}

void StopOnSignal::on_interrupt(void* self) {
  const Scheduler& scheduler = *scheduler_of_thread;
  const bool waits_outside =
      scheduler.runnable() == 0 && scheduler.next_deadline() == Instant::far_future();
  if (noted_ != 0 && waits_outside) static_cast<StopOnSignal*>(self)->stop();
}

void StopOnSignal::stop() noexcept {
  stopped_ = true;
  scheduler_of_thread->stop();
}

void StopOnSignal::on_g(std::uint64_t g, std::string_view name) noexcept {
  if (behind_ != nullptr) behind_->on_g(g, name);
}

void StopOnSignal::on_event(const sim::Event& event) noexcept {
  if (behind_ != nullptr) behind_->on_event(event);
  if (scheduler_of_thread == nullptr) return;  // Guests are still being made.
  if (!attached_) scheduler_of_thread->on_interrupt(&on_interrupt, this);
  attached_ = true;
  if (noted_ == 0 || stopped_ || event.kind != sim::Event::Kind::state) return;
  const bool gives_way = event.from == GState::running && event.to == GState::runnable;
  if (gives_way || event.to == GState::running) stop();
}

}  // namespace weft::tools
