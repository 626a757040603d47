// SPDX-License-Identifier: Apache-2.0
// weft_poll: waiting for the host's descriptors through the reactor.
//
//   look: poll(2) without a timeout ─ some are ready ─▶ return
//            │ none
//            ▼
//   a ReadyWait for each descriptor and direction, park until the first or the deadline, look again
//
// A thread without a G has one do it for it, and sleeps.
#include <poll.h>

#include <deque>
#include <memory>
#include <vector>

#include "capi/boundary.h"
#include "scheduler/api.h"

using namespace weft;
using namespace weft::capi;

namespace {

short host_events(int events) {
  return static_cast<short>(((events & WEFT_POLL_READ) != 0 ? POLLIN | POLLRDHUP : 0) |
                            ((events & WEFT_POLL_WRITE) != 0 ? POLLOUT : 0));
}

std::int16_t weft_events(int asked, int revents) {
  int events = 0;
  if ((revents & (POLLIN | POLLRDHUP)) != 0) events |= WEFT_POLL_READ;
  if ((revents & POLLOUT) != 0) events |= WEFT_POLL_WRITE;
  // Whoever waited may go on: the call it was about to make tells.
  if ((revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0) events |= asked | WEFT_POLL_HANGUP;
  return static_cast<std::int16_t>(events);
}

// Returns how many are ready, or -1 when one is not open.
int look(std::span<weft_pollfd> fds, int timeout_ms) {
  std::vector<pollfd> polled;
  polled.reserve(fds.size());
  for (const weft_pollfd& fd : fds) polled.push_back({fd.fd, host_events(fd.events), 0});
  (void)::poll(polled.data(), polled.size(), timeout_ms);
  int ready = 0;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if ((polled[i].revents & POLLNVAL) != 0) return -1;
    fds[i].revents = weft_events(fds[i].events, polled[i].revents);
    if (fds[i].revents != 0) ++ready;
  }
  return ready;
}

// On a G. Returns false when it was the deadline.
bool wait(weft_scheduler& s, std::span<const weft_pollfd> fds, Instant deadline) {
  std::vector<std::unique_ptr<Watch>> watches;
  std::deque<ReadyWait> waits;  // Can't be moved. Taken back before the watches close.
  for (const weft_pollfd& fd : fds) {
    auto watch = Watch::open(s.reactor, fd.fd);
    if (!watch) throw port::Throw(watch.error().message);
    Watch& opened = *watches.emplace_back(std::move(*watch));
    if ((fd.events & WEFT_POLL_READ) != 0) waits.emplace_back(opened, Direction::read, this_g());
    if ((fd.events & WEFT_POLL_WRITE) != 0) waits.emplace_back(opened, Direction::write, this_g());
  }
  if (deadline == Instant::far_future()) {
    park(WaitReason::io_wait);
    return true;
  }
  return s.scheduler.park_until(WaitReason::io_wait, deadline);
}

// Strict: the whole thread waits, as on a real wasm target.
int host_poll(std::span<weft_pollfd> fds, std::int64_t timeout) {
  constexpr std::int64_t kNsPerMs = 1'000'000;
  const auto ms = timeout < 0 ? -1 : std::min<std::int64_t>(timeout / kNsPerMs, INT32_MAX);
  return look(fds, static_cast<int>(ms));
}

int poll_on_a_g(weft_scheduler& s, std::span<weft_pollfd> fds, Instant deadline) {
  for (;;) {
    const int ready = look(fds, 0);
    if (ready != 0) return ready;
    if (!wait(s, fds, deadline)) return look(fds, 0);
  }
}

}  // namespace

int weft_poll(weft_pollfd* fds, size_t count, int64_t timeout, size_t* ready) {
  return guarded_from(From::inside, [&]() -> int {
    if (fds == nullptr && count > 0) return fail(WEFT_EINVAL, "an argument is null");
    weft_scheduler& s = *current();
    const std::span all(fds, count);
    const Instant deadline =
        timeout < 0 ? Instant::far_future() : s.scheduler.now() + nanoseconds(timeout);
    int n = 0;
    if (s.port->is_strict()) {
      n = host_poll(all, timeout);
    } else {
      port::on_a_g(*s.port, [&] { n = poll_on_a_g(s, all, deadline); });
    }
    if (n < 0) return fail(WEFT_EHOST, "a descriptor is not open");
    if (ready != nullptr) *ready = static_cast<size_t>(n);
    return n > 0 ? WEFT_OK : fail(WEFT_ETIMEDOUT, "the time was over first");
  });
}
