// SPDX-License-Identifier: Apache-2.0
// weft_poll, weft_poll_note on a wasm target: through its poller, which asks the host for all that
// Gs wait for.
//
// A negative descriptor is skipped, as by poll(2), and so is one without events. A thread without a
// G starts a G that does it, and sleeps.
#include <optional>
#include <vector>

#include "capi/boundary.h"
#include "scheduler/api.h"

using namespace weft;
using namespace weft::capi;

namespace {

bool is_asked(const weft_pollfd& fd) {
  return fd.fd >= 0 && fd.events != 0;
}

// One for each direction of each descriptor.
std::vector<target::Ask> asks_of(std::span<const weft_pollfd> fds) {
  std::vector<target::Ask> asks;
  for (const weft_pollfd& fd : fds) {
    if (!is_asked(fd)) continue;
    if ((fd.events & WEFT_POLL_READ) != 0) asks.push_back({fd.fd, false});
    if ((fd.events & WEFT_POLL_WRITE) != 0) asks.push_back({fd.fd, true});
  }
  return asks;
}

// Returns how many are ready, or -1 when one is not open.
int write_answers(std::span<weft_pollfd> fds, const std::vector<target::Ask>& asks) {
  int ready = 0;
  std::size_t at = 0;
  for (weft_pollfd& fd : fds) {
    fd.revents = 0;
    if (!is_asked(fd)) continue;
    for (const int direction : {WEFT_POLL_READ, WEFT_POLL_WRITE}) {
      if ((fd.events & direction) == 0) continue;
      const target::Ask& ask = asks[at++];
      if (ask.bad) return -1;
      if (ask.ready) fd.revents = static_cast<std::int16_t>(fd.revents | direction);
      // The waiter goes on: the call that it makes next reports the error.
      if (ask.hangup) fd.revents = static_cast<std::int16_t>(fd.revents | WEFT_POLL_HANGUP);
    }
    if (fd.revents != 0) ++ready;
  }
  return ready;
}

// The whole module waits. A strict port, and a first look.
int look(std::span<weft_pollfd> fds, std::int64_t timeout_ns) {
  std::vector<target::Ask> asks = asks_of(fds);
  if (!asks.empty() || timeout_ns != 0) target::wait(asks, timeout_ns);
  return write_answers(fds, asks);
}

int poll_on_a_g(weft_scheduler& s, std::span<weft_pollfd> fds, port::note* note, Instant deadline) {
  if (const int ready = look(fds, 0); ready != 0) return ready;
  if (note != nullptr && port::is_awake(*note)) return 0;
  std::optional<port::NoteWait> note_wait;
  if (note != nullptr) note_wait.emplace(*note, this_g());
  std::vector<target::Ask> asks = asks_of(fds);
  if (!wasm::wait_for(s.poller, asks, deadline)) return look(fds, 0);
  return write_answers(fds, asks);
}

}  // namespace

int weft_poll(weft_pollfd* fds, size_t count, int64_t timeout, size_t* ready) {
  return weft_poll_note(fds, count, timeout, nullptr, ready);
}

int weft_poll_note(weft_pollfd* fds, size_t count, int64_t timeout, weft_note* given,
                   size_t* ready) {
  return guarded_from(From::inside, [&]() -> int {
    if (fds == nullptr && count > 0) return fail(WEFT_EINVAL, "an argument is null");
    weft_scheduler& s = *current();
    const std::span all(fds, count);
    for (const weft_pollfd& fd : all) {
      if ((fd.events & ~(WEFT_POLL_READ | WEFT_POLL_WRITE)) != 0) {
        return fail(WEFT_EINVAL, "an unknown bit in events");
      }
    }
    const Instant deadline =
        timeout < 0 ? Instant::far_future() : s.scheduler.now() + nanoseconds(timeout);
    auto* const note = reinterpret_cast<port::note*>(given);
    const auto is_interrupted = [&] { return note != nullptr && port::is_awake(*note); };
    int n = 0;
    if (s.port->is_strict()) {
      n = look(all, is_interrupted() ? 0 : timeout);
    } else {
      port::on_a_g(*s.port, [&] { n = poll_on_a_g(s, all, note, deadline); });
    }
    if (n < 0) return fail(WEFT_EHOST, "a descriptor is not open");
    if (ready != nullptr) *ready = static_cast<size_t>(n);
    if (n > 0) return WEFT_OK;
    if (is_interrupted()) return fail(WEFT_EINTR, "the note is awake");
    return fail(WEFT_ETIMEDOUT, "the time was over first");
  });
}
