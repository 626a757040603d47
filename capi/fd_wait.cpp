// SPDX-License-Identifier: Apache-2.0
// weft_poll, weft_poll_note: waiting for the host's descriptors through the reactor.
//
//   look: poll(2) without a timeout ─ some are ready ─▶ return
//            │ none
//            ▼
//   a Watch for each descriptor, however often it is named, a ReadyWait for each entry and
//   direction, a NoteWait; park until the first or the deadline, look again
//
// A negative descriptor is skipped, as by poll(2), and so is one without events.
//
// A thread without a G starts a G that does it, and sleeps.
#include <poll.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "capi/boundary.h"
#include "os/poll_many.h"
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
  // The waiter goes on: the call that it makes next reports the error.
  if ((revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0) events |= asked | WEFT_POLL_HANGUP;
  return static_cast<std::int16_t>(events);
}

bool is_asked(const weft_pollfd& fd) {
  return fd.fd >= 0 && fd.events != 0;
}

// Returns how many are ready, or -1 when one is not open. timeout_ns: how long the whole thread
// waits for one; < 0: for ever.
int look(std::span<weft_pollfd> fds, std::int64_t timeout_ns) {
  std::vector<pollfd> polled;
  polled.reserve(fds.size());
  for (const weft_pollfd& fd : fds) {
    polled.push_back({is_asked(fd) ? fd.fd : -1, host_events(fd.events), 0});
  }
  if (timeout_ns == 0) {
    poll_now(polled);
  } else {
    poll_until(polled, timeout_ns);
  }
  int ready = 0;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if ((polled[i].revents & POLLNVAL) != 0) return -1;
    fds[i].revents = weft_events(fds[i].events, polled[i].revents);
    if (fds[i].revents != 0) ++ready;
  }
  return ready;
}

struct Poll {
  std::span<weft_pollfd> fds;
  port::note* note;  // nullptr: none.

  [[nodiscard]] bool is_interrupted() const { return note != nullptr && port::is_awake(*note); }
};

// On a G. Returns false when it was the deadline.
bool wait(weft_scheduler& s, const Poll& poll, Instant deadline) {
  std::map<int, std::unique_ptr<Watch>> watches;
  std::deque<ReadyWait> waits;  // Can't be moved. Taken back before the watches close.
  std::optional<port::NoteWait> note_wait;
  for (const weft_pollfd& fd : poll.fds) {
    if (!is_asked(fd)) continue;
    std::unique_ptr<Watch>& watch = watches[fd.fd];
    if (watch == nullptr) {
      auto opened = Watch::open(s.poller, fd.fd);
      if (!opened) throw port::Throw(opened.error().message);
      watch = std::move(*opened);
    }
    if ((fd.events & WEFT_POLL_READ) != 0) waits.emplace_back(*watch, Direction::read, this_g());
    if ((fd.events & WEFT_POLL_WRITE) != 0) waits.emplace_back(*watch, Direction::write, this_g());
  }
  if (poll.note != nullptr) note_wait.emplace(*poll.note, this_g());
  if (deadline == Instant::far_future()) {
    park(WaitReason::io_wait);
    return true;
  }
  return s.scheduler.park_until(WaitReason::io_wait, deadline);
}

int poll_on_a_g(weft_scheduler& s, const Poll& poll, Instant deadline) {
  for (;;) {
    const int ready = look(poll.fds, 0);
    if (ready != 0 || poll.is_interrupted()) return ready;
    if (!wait(s, poll, deadline)) return look(poll.fds, 0);
  }
}

int check(const Poll& poll) {
  if (poll.fds.data() == nullptr && !poll.fds.empty()) {
    return fail(WEFT_EINVAL, "an argument is null");
  }
  for (const weft_pollfd& fd : poll.fds) {
    if ((fd.events & ~(WEFT_POLL_READ | WEFT_POLL_WRITE)) != 0) {
      return fail(WEFT_EINVAL, "an unknown bit in events");
    }
  }
  return WEFT_OK;
}

}  // namespace

int weft_poll(weft_pollfd* fds, size_t count, int64_t timeout, size_t* ready) {
  return weft_poll_note(fds, count, timeout, nullptr, ready);
}

int weft_poll_note(weft_pollfd* fds, size_t count, int64_t timeout, weft_note* note,
                   size_t* ready) {
  return guarded_from(From::inside, [&]() -> int {
    const Poll poll{{fds, count}, reinterpret_cast<port::note*>(note)};
    if (const int code = check(poll); code != WEFT_OK) return code;
    weft_scheduler& s = *current();
    const Instant deadline =
        timeout < 0 ? Instant::far_future() : s.scheduler.now() + nanoseconds(timeout);
    int n = 0;
    if (s.port->is_strict()) {
      // The whole thread waits, as on a real wasm target, and nobody can wake the note meanwhile.
      n = look(poll.fds, poll.is_interrupted() ? 0 : timeout);
    } else {
      port::on_a_g(*s.port, [&] { n = poll_on_a_g(s, poll, deadline); });
    }
    if (n < 0) return fail(WEFT_EHOST, "a descriptor is not open");
    if (ready != nullptr) *ready = static_cast<size_t>(n);
    if (n > 0) return WEFT_OK;
    if (poll.is_interrupted()) return fail(WEFT_EINTR, "the note is awake");
    return fail(WEFT_ETIMEDOUT, "the time was over first");
  });
}
