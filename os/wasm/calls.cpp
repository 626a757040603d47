// SPDX-License-Identifier: Apache-2.0
// The functions of os/wasip1/calls.h that the port calls and that wait or end: on a wasm target
// they are asked of the host. The others are the same as on Linux.
#include <algorithm>
#include <limits>
#include <vector>

#include "os/port/host_poll.h"
#include "os/wasip1/calls.h"
#include "scheduler/api.h"

namespace weft {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

struct Due {
  std::int64_t wait_ns = kForever;
  wasip1::Errno error = wasip1::Errno::success;
};

Due due_of(GuestClock& clock, port::subscriptionClock asked) {
  if (asked.id > port::clockMonotonic) return {0, wasip1::Errno::inval};
  const auto ns = static_cast<std::int64_t>(std::min<port::timestamp>(asked.timeout, kForever));
  if ((asked.flags & port::subscriptionClockAbstime) == 0) return {ns, wasip1::Errno::success};
  const std::int64_t now = asked.id == port::clockRealtime ? clock.realtime_ns() : clock.now().ns;
  return {std::max<std::int64_t>(ns - now, 0), wasip1::Errno::success};
}

// What the subscriptions ask for; `dues` has an entry for each, and `asks` one for each descriptor.
struct Poll {
  std::vector<Due> dues;
  std::vector<target::Ask> asks;
  std::vector<std::size_t> ask_of;  // The index in asks, for those that are descriptors.
  std::int64_t wait_ns = kForever;
};

bool read_subscriptions(GuestClock& clock, std::span<const port::subscription> in, Poll& poll) {
  for (port::subscription one : in) {
    const port::eventtype type = *one.u.eventtype();
    if (type > port::eventtypeFdWrite) return false;
    poll.ask_of.push_back(poll.asks.size());
    if (type == port::eventtypeClock) {
      poll.dues.push_back(due_of(clock, *one.u.subscriptionClock()));
    } else {
      poll.dues.emplace_back();
      poll.asks.push_back({one.u.subscriptionFdReadwrite()->fd, type == port::eventtypeFdWrite});
    }
    poll.wait_ns = std::min(poll.wait_ns, poll.dues.back().wait_ns);
  }
  return true;
}

// Without a ready descriptor it was the shortest time that ended the wait.
port::size write_events(const Poll& poll, std::span<const port::subscription> in,
                        port::event* out) {
  const bool any_ready = std::any_of(poll.asks.begin(), poll.asks.end(),
                                     [](const target::Ask& ask) { return ask.ready; });
  port::size count = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    port::subscriptionUnion u = in[i].u;
    const bool is_clock = *u.eventtype() == port::eventtypeClock;
    const target::Ask ask = is_clock ? target::Ask{} : poll.asks[poll.ask_of[i]];
    const Due& due = poll.dues[i];
    if (is_clock ? due.error == wasip1::Errno::success && (any_ready || due.wait_ns > poll.wait_ns)
                 : !ask.ready)
      continue;
    port::event& event = out[count++];
    event = {};
    event.userdata = in[i].userdata;
    event.error = static_cast<std::uint16_t>(ask.bad ? wasip1::Errno::badf : due.error);
    event.typ = *u.eventtype();
    if (!is_clock) event.fdReadwrite.nbytes = 1;
    if (ask.hangup) event.fdReadwrite.flags = port::fdReadwriteHangup;
  }
  return count;
}

}  // namespace

// A strict port: the whole module waits.
port::errno_ port::host_poll_oneoff(Port& port, std::span<const subscription> in,
                                    std::span<event> out, size& nevents) {
  Poll poll;
  if (!read_subscriptions(port.process().clock(), in, poll)) {
    return static_cast<errno_>(wasip1::Errno::inval);
  }
  if (poll.asks.empty()) {
    if (poll.wait_ns > 0 && poll.wait_ns != kForever) port.host_sleep(nanoseconds(poll.wait_ns));
  } else {
    target::wait(poll.asks, poll.wait_ns == kForever ? -1 : poll.wait_ns);
  }
  nevents = write_events(poll, in, out.data());
  return 0;
}

namespace wasip1 {

void proc_exit(Process&, Memory, std::uint32_t rval) {
  throw Exit{rval};
}

// On a G, which is parked meanwhile.
Errno poll_oneoff(Process& process, Memory memory, Size in, Size out, Size nsubscriptions,
                  Size nevents) {
  std::vector<port::subscription> subscriptions(nsubscriptions);
  for (Size i = 0; i < nsubscriptions; ++i) {
    const Errno e =
        memory.load(static_cast<Size>(in + i * sizeof(port::subscription)), subscriptions[i]);
    if (e != Errno::success) return e;
  }
  Poll poll;
  if (!read_subscriptions(process.clock(), subscriptions, poll)) return Errno::inval;
  const Instant deadline = poll.wait_ns == kForever
                               ? Instant::far_future()
                               : process.clock().now() + nanoseconds(poll.wait_ns);
  if (poll.asks.empty()) {
    if (poll.wait_ns > 0) this_scheduler().park_until(WaitReason::sleep, deadline);
  } else {
    (void)wasm::wait_for(process.poller(), poll.asks, deadline);
  }
  std::vector<port::event> events(nsubscriptions);
  const port::size count = write_events(poll, subscriptions, events.data());
  for (Size i = 0; i < count; ++i) {
    const Errno e = memory.store(static_cast<Size>(out + i * sizeof(port::event)), events[i]);
    if (e != Errno::success) return e;
  }
  return memory.store(nevents, count);
}

Errno fd_write(Process& process, Memory memory, Fd fd, Size iovs, Size iovs_len, Size nwritten) {
  Size total = 0;
  for (Size i = 0; i < iovs_len; ++i) {
    Iovec vec{};
    std::span<std::byte> bytes;
    Errno e = memory.load(static_cast<Size>(iovs + i * sizeof vec), vec);
    if (e == Errno::success) e = memory.bytes(vec.buf, vec.buf_len, bytes);
    if (e != Errno::success) return e;
    std::size_t written = 0;
    while (!bytes.empty()) {
      e = static_cast<Errno>(target::write(static_cast<std::int32_t>(fd), bytes, written));
      if (e != Errno::again) break;
      std::vector<target::Ask> asks{{static_cast<std::int32_t>(fd), true}};
      (void)wasm::wait_for(process.poller(), asks, Instant::far_future());
    }
    if (e != Errno::success && total == 0) return e;
    total += static_cast<Size>(written);
    if (e != Errno::success || written < bytes.size()) break;
  }
  return memory.store(nwritten, total);
}

}  // namespace wasip1
}  // namespace weft
