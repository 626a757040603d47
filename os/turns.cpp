// SPDX-License-Identifier: Apache-2.0
#include "os/turns.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace weft {

namespace asio = boost::asio;

struct Turns::Deadline {
  explicit Deadline(asio::io_context& io) : timer(io) {}
  asio::steady_timer timer;
};

Turns::Turns(Scheduler& scheduler, Reactor& reactor)
    : scheduler_(scheduler),
      reactor_(reactor),
      deadline_(std::make_unique<Deadline>(reactor.io())),
      life_(std::make_shared<char>()) {
  if (scheduler_of_thread == nullptr) scheduler_of_thread = &scheduler_;
  reactor_.keep_loop(false);
  scheduler_.on_runnable([](void* self) { static_cast<Turns*>(self)->soon(); }, this);
  if (scheduler_.runnable() > 0) soon();
}

Turns::~Turns() {
  if (scheduler_of_thread == &scheduler_) scheduler_of_thread = nullptr;
  scheduler_.on_runnable(nullptr, nullptr);
  reactor_.listen(nullptr, nullptr);
  reactor_.keep_loop(true);  // The scheduler's end may poll.
}

RunResult Turns::run() {
  struct Keep {
    Turns& turns;
    explicit Keep(Turns& t) : turns(t) { turns.reactor_.keep_loop(true); }
    ~Keep() {
      turns.reactor_.keep_loop(false);
      if (turns.scheduler_.live() > 0) turns.soon();
    }
  } keep{*this};
  return scheduler_.run();
}

void Turns::soon() {
  if (posted_) return;
  posted_ = true;
  asio::post(reactor_.io(), [this, life = std::weak_ptr(life_)] {
    if (!life.expired()) take();
  });
}

void Turns::take() {
  posted_ = false;
  if (scheduler_.running()) return;  // Inside a run() that polls this loop.
  struct AfterException {
    Turns* turns;
    ~AfterException() {
      if (turns != nullptr && turns->scheduler_.live() > 0) turns->soon();
    }
  } after_exception{this};
  last_ = scheduler_.run_turn(kSwitchesPerTurn);
  after_exception.turns = nullptr;
  const bool goes_on = last_.end == RunEnd::turn_over || last_.end == RunEnd::waiting;
  if (last_.end == RunEnd::turn_over) soon();
  if (goes_on) {
    reactor_.listen([](void* self) { static_cast<Turns*>(self)->soon(); }, this);
  } else {
    reactor_.listen(nullptr, nullptr);
  }
  wait_until(goes_on ? scheduler_.next_deadline() : Instant::far_future());
}

void Turns::wait_until(Instant deadline) {
  // A timer that is due earlier stays: it finds nothing to do once, and is set again then. To set
  // it each time that a guest with a deadline ends would take a system call for each.
  const bool earlier = timer_at_ < deadline && deadline != Instant::far_future();
  if (deadline == timer_at_ || earlier) return;
  timer_at_ = deadline;
  if (deadline == Instant::far_future()) {
    deadline_->timer.cancel();
    return;
  }
  const std::chrono::nanoseconds since_origin(deadline.ns);
  deadline_->timer.expires_at(std::chrono::steady_clock::time_point(since_origin));
  deadline_->timer.async_wait(
      [this, life = std::weak_ptr(life_)](const boost::system::error_code& error) {
        if (error || life.expired()) return;
        timer_at_ = Instant::far_future();
        take();
      });
}

}  // namespace weft
