// SPDX-License-Identifier: Apache-2.0
#include "os/reactor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>

#include "base/check.h"
#include "base/unique_fd.h"
#include "scheduler/api.h"

namespace weft {
namespace {

namespace asio = boost::asio;

// How many handlers one poll runs: more wait for the next look, so that a flood of events can't
// keep the Gs from running.
constexpr std::size_t kEventsPerPoll = 256;

// asio::io_context with the hint that only one thread ever runs it; posting from other threads
// stays allowed.
constexpr int kOneThread = 1;

Error cannot_watch(int fd, int error) {
  return Error{"can't watch descriptor " + std::to_string(fd) + ": " + std::strerror(error)};
}

}  // namespace

// All of Asio's that a Reactor has.
struct Reactor::Loop {
  Loop() : own_io(std::in_place, kOneThread), io(*own_io) {}
  explicit Loop(asio::io_context& embedders) : io(embedders) {}

  std::optional<asio::io_context> own_io;
  asio::io_context& io;
  asio::steady_timer deadline_timer{io};
  // An eventfd: write(2) to it is async-signal-safe.
  asio::posix::stream_descriptor wakes{io, ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> kept;
};

// --- ReadyWait and Watch ---

// What a handler of Asio keeps alive: it may run after the Watch is gone.
struct Watch::State {
  struct Side {
    List<ReadyWait, ReadyListTag> waits;
    bool armed = false;
  };
  explicit State(Reactor& owner) : reactor(&owner), descriptor(owner.io()) {}

  Reactor* reactor;
  asio::posix::stream_descriptor descriptor;
  Side sides[2];
};

ReadyWait::ReadyWait(Watch& watch, Direction direction, G& g)
    : reactor_(*watch.state_->reactor), scheduler_(this_scheduler()), g_(g) {
  Watch::State::Side& side = watch.state_->sides[static_cast<int>(direction)];
  side.waits.push_back(*this);
  ++reactor_.waits_;  // I1
  if (!side.armed) Watch::arm(watch.state_, direction);
}

ReadyWait::~ReadyWait() {
  if (!linked()) return;
  unlink();
  --reactor_.waits_;  // I1
}

Result<std::unique_ptr<Watch>> Watch::open(Reactor& reactor, int fd) {
  UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!duplicate.valid()) return cannot_watch(fd, errno);
  auto watch = open_itself(reactor, duplicate.get());
  if (!watch) return watch;
  (*watch)->owns_ = true;
  (void)duplicate.release();
  return watch;
}

Result<std::unique_ptr<Watch>> Watch::open_itself(Reactor& reactor, int fd) {
  auto state = std::make_shared<State>(reactor);
  boost::system::error_code error;
  state->descriptor.assign(fd, error);
  if (error) return cannot_watch(fd, error.value());
  return std::unique_ptr<Watch>(new Watch(std::move(state), false));
}

Watch::~Watch() {
  WEFT_CHECK(state_->sides[0].waits.empty() && state_->sides[1].waits.empty(),
             "a watch was closed while a G waited for it");
  // Not close(): Asio then leaves it to the kernel to take the descriptor out of epoll. The kernel
  // does so only when no duplicate is left, and there may be one: events would come for what is
  // freed.
  if (!state_->descriptor.is_open()) return;
  UniqueFd released(state_->descriptor.release());
  if (!owns_) (void)released.release();
}

void Watch::arm(const std::shared_ptr<State>& state, Direction direction) {
  const auto what = direction == Direction::read ? asio::posix::stream_descriptor::wait_read
                                                 : asio::posix::stream_descriptor::wait_write;
  state->sides[static_cast<int>(direction)].armed = true;
  state->descriptor.async_wait(what, [state, direction](const boost::system::error_code& error) {
    state->sides[static_cast<int>(direction)].armed = false;
    // Any other error means that epoll won't watch this descriptor: then it counts as ready, and
    // the call that the G was about to make will tell.
    if (error != asio::error::operation_aborted) fire(*state, direction);
  });
}

void Watch::fire(State& state, Direction direction) {
  while (ReadyWait* wait = state.sides[static_cast<int>(direction)].waits.pop_front()) {
    --state.reactor->waits_;  // I1
    if (wait->g_.is_waiting()) wait->scheduler_.ready(wait->g_);
  }
}

// --- Reactor ---

Reactor::Reactor(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {
  keep_loop(true);
}

Reactor::Reactor() : Reactor(std::make_unique<Loop>()) {}

Reactor::Reactor(asio::io_context& io) : Reactor(std::make_unique<Loop>(io)) {}

asio::io_context& Reactor::io() {
  return loop_->io;
}

Reactor::~Reactor() {
  WEFT_CHECK(waits_ == 0, "a reactor died while a G waited for it");
}

void Reactor::watch_wakes() {
  // A new one for each wait: a handler that was queued before its wait was taken back, or before
  // the Reactor died, finds it expired.
  wakes_wait_ = std::make_shared<char>();
  loop_->wakes.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [this, wait = std::weak_ptr(wakes_wait_)](const boost::system::error_code& error) {
        if (error || wait.expired()) return;
        std::uint64_t count = 0;
        (void)!::read(loop_->wakes.native_handle(), &count, sizeof count);
        watch_wakes();
        if (listener_ != nullptr) listener_(listener_context_);
      });
}

void Reactor::watch_wakes_if_needed() {
  const bool needed = loop_->kept.has_value() || listener_ != nullptr;
  if (needed && wakes_wait_ == nullptr) watch_wakes();
  if (!needed && wakes_wait_ != nullptr) {
    wakes_wait_ = nullptr;
    loop_->wakes.cancel();
  }
}

void Reactor::keep_loop(bool keep) {
  if (keep == loop_->kept.has_value()) return;
  WEFT_CHECK(keep || !loop_->own_io.has_value(), "a reactor's own loop has no other user");
  if (keep) {
    // It may have ended because it had no work. poll() would take that for a stop.
    if (loop_->io.stopped()) loop_->io.restart();
    loop_->kept.emplace(loop_->io.get_executor());
  } else {
    loop_->kept.reset();
  }
  watch_wakes_if_needed();
}

void Reactor::listen(void (*f)(void* context), void* context) {
  listener_ = f;
  listener_context_ = context;
  watch_wakes_if_needed();
}

void Reactor::wake() noexcept {
  const int saved_errno = errno;  // A signal handler must leave it as it was.
  const std::uint64_t one = 1;
  (void)!::write(loop_->wakes.native_handle(), &one, sizeof one);
  errno = saved_errno;
}

// No G waits and the loop is ours alone: there is nothing to ask the kernel.
bool Reactor::is_quiet() const {
  return waits_ == 0 && others_ == 0 && loop_->own_io.has_value();
}

void Reactor::poll(Instant deadline) {
  if (deadline == Instant::far_past()) {
    handle_ready_events(0);
    return;
  }
  const bool timed = deadline != Instant::far_future();
  if (timed) {
    const std::chrono::nanoseconds since_origin(deadline.ns);
    loop_->deadline_timer.expires_at(std::chrono::steady_clock::time_point(since_origin));
    loop_->deadline_timer.async_wait([](const boost::system::error_code&) {});
  }
  if (loop_->io.run_one() == 0 && loop_->io.stopped()) {
    // The embedder stopped its loop, and with it this run.
    loop_->io.restart();
    if (scheduler_of_thread != nullptr) scheduler_of_thread->stop();
  }
  // The cancelled wait's handler runs below, so that it does not end the next poll before its time.
  if (timed) loop_->deadline_timer.cancel();
  handle_ready_events(1);
}

void Reactor::handle_ready_events(std::size_t handled) {
  while (handled < kEventsPerPoll && loop_->io.poll_one() > 0) ++handled;
}

}  // namespace weft
