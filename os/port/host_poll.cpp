// SPDX-License-Identifier: Apache-2.0
#include "os/port/host_poll.h"

#include <poll.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "os/poll_many.h"

namespace weft::port {
namespace {

using wasip1::Errno;

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// What a subscription needs to be asked: an entry for poll(2), or a time to wait.
struct Asked {
  std::int64_t wait_ns = kForever;
  Errno error = Errno::success;
};

std::int64_t clamp(timestamp t) {
  return static_cast<std::int64_t>(std::min<timestamp>(t, kForever));
}

Asked ask_clock(Port& port, const subscriptionClock& clock) {
  if (clock.id > clockMonotonic) return {kForever, Errno::inval};
  if ((clock.flags & subscriptionClockAbstime) == 0) return {clamp(clock.timeout), Errno::success};
  GuestClock& now = port.process().clock();
  const std::int64_t ns = clock.id == clockRealtime ? now.realtime_ns() : now.now().ns;
  return {std::max<std::int64_t>(clamp(clock.timeout) - ns, 0), Errno::success};
}

Asked ask_fd(Port& port, eventtype type, const subscriptionFdReadwrite& readwrite, pollfd& entry) {
  wasip1::Descriptor* descriptor = nullptr;
  const Errno e = port.process().fds().find(static_cast<wasip1::Fd>(readwrite.fd), 0, descriptor);
  if (e != Errno::success) return {0, e};
  entry.fd = descriptor->file->fd();
  entry.events = type == eventtypeFdRead ? POLLIN : POLLOUT;
  return {};
}

// Waits until an entry is ready or the time is over.
void wait(Port& port, std::vector<pollfd>& entries, std::int64_t wait_ns) {
  const bool any = std::any_of(entries.begin(), entries.end(), [](auto& e) { return e.fd >= 0; });
  if (!any) {
    if (wait_ns > 0) port.host_sleep(nanoseconds(wait_ns));
    return;
  }
  poll_until(entries, wait_ns == kForever ? -1 : wait_ns);
}

}  // namespace

errno_ host_poll_oneoff(Port& port, std::span<const subscription> in, std::span<event> out,
                        size& nevents) {
  std::vector<Asked> asked;
  std::vector<pollfd> entries(in.size(), {.fd = -1, .events = 0, .revents = 0});
  std::int64_t wait_ns = kForever;
  for (std::size_t i = 0; i < in.size(); ++i) {
    subscriptionUnion u = in[i].u;
    const eventtype type = *u.eventtype();
    if (type > eventtypeFdWrite) return static_cast<errno_>(Errno::inval);
    asked.push_back(type == eventtypeClock
                        ? ask_clock(port, *u.subscriptionClock())
                        : ask_fd(port, type, *u.subscriptionFdReadwrite(), entries[i]));
    wait_ns = std::min(wait_ns, asked[i].error == Errno::success ? asked[i].wait_ns : 0);
  }
  wait(port, entries, wait_ns);
  const bool any_ready =
      std::any_of(entries.begin(), entries.end(), [](const pollfd& e) { return e.revents != 0; });
  nevents = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    subscriptionUnion u = in[i].u;
    // Without a ready descriptor it was the shortest time that ended the wait.
    const bool due =
        asked[i].error != Errno::success || entries[i].revents != 0 ||
        (!any_ready && *u.eventtype() == eventtypeClock && asked[i].wait_ns <= wait_ns);
    if (!due) continue;
    event& e = out[nevents++];
    e = {};
    e.userdata = in[i].userdata;
    e.error = static_cast<std::uint16_t>(asked[i].error);
    e.typ = *u.eventtype();
    if (e.typ != eventtypeClock) e.fdReadwrite.nbytes = 1;
    if ((entries[i].revents & (POLLHUP | POLLERR)) != 0) e.fdReadwrite.flags = fdReadwriteHangup;
  }
  return 0;
}

}  // namespace weft::port
