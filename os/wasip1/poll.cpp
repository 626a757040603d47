// SPDX-License-Identifier: Apache-2.0
// poll_oneoff: waiting for any of several things, and by that also sleeping.
//
//   subscriptions ─▶ a Request each ─▶ look: which clocks are due, which descriptors ready?
//                         ▲                 │ none                       │ some
//                         │                 ▼                            ▼
//                     look again ◀── a ReadyWait for each          events ─▶ the guest
//                                    descriptor; park until
//                                    the first deadline
//
// Regular files are always ready. A call that need not wait still yields once: so a guest that
// polls with a timeout of zero in a loop does not starve the others, sleepers included. The time is
// the process's clock, never the host's own.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <vector>

#include "os/poll_many.h"
#include "os/wasip1/calls.h"
#include "os/wasip1/device.h"
#include "os/wasip1/host_memory.h"
#include "os/wasip1/long_call.h"
#include "scheduler/api.h"

namespace weft::wasip1 {
namespace {

constexpr Size kSubscriptionsMax =
    64 * 1024;  // More is EINVAL: it bounds what weft holds for one call.

// A subscription, whatever its layout was.
struct Request {
  UserData userdata = 0;
  EventType type = EventType::clock;
  // Clock.
  std::uint32_t clock = 0;
  Timestamp timeout = 0;
  std::uint16_t clock_flags = 0;
  Instant deadline;  // Of a monotonic or relative timeout.
  // Descriptor.
  Fd fd = 0;
  Descriptor* descriptor = nullptr;
  Errno error = Errno::success;  // Known before any wait: the event only says so.

  [[nodiscard]] bool is_absolute() const { return (clock_flags & subclockflags::abstime) != 0; }
};

// What weft holds for one subscription while its guest waits.
constexpr std::size_t kBytesPerRequest = sizeof(Request) + sizeof(pollfd) + sizeof(Event) +
                                         std::max(sizeof(ReadyWait), sizeof(DeviceWait));

Request from(const Subscription& s) {
  Request request;
  request.userdata = s.userdata;
  request.type = s.tag;
  request.clock = request.fd = s.id_or_fd;
  request.timeout = s.timeout;
  request.clock_flags = s.flags;
  return request;
}

Request from(const unstable::Subscription& s) {
  Request request;
  request.userdata = s.userdata;
  request.type = s.tag;
  request.clock = s.id;
  request.fd = static_cast<Fd>(s.identifier_or_fd);
  request.timeout = s.timeout;
  request.clock_flags = s.flags;
  return request;
}

std::int64_t clamp(Timestamp t) {
  return static_cast<std::int64_t>(
      std::min<Timestamp>(t, std::numeric_limits<std::int64_t>::max()));
}

// Looks up what the request names. EINVAL: no such event type, or an unknown flag of a clock.
Errno prepare(Process& process, Instant now, Request& request) {
  switch (request.type) {
    case EventType::clock:
      if ((request.clock_flags & ~subclockflags::abstime) != 0) return Errno::inval;
      if (request.clock > static_cast<std::uint32_t>(ClockId::monotonic)) {
        request.error = Errno::inval;
      } else if (!request.is_absolute()) {
        request.deadline = now + nanoseconds(clamp(request.timeout));
      } else if (request.clock == static_cast<std::uint32_t>(ClockId::monotonic)) {
        request.deadline = {clamp(request.timeout)};
      }
      return Errno::success;
    case EventType::fd_read:
    case EventType::fd_write: {
      const Rights direction =
          request.type == EventType::fd_read ? rights::fd_read : rights::fd_write;
      request.error =
          process.fds().find(request.fd, rights::poll_fd_readwrite | direction, request.descriptor);
      return Errno::success;
    }
  }
  return Errno::inval;
}

// When the request is due. An absolute realtime is converted again at each look, since that clock
// may be set.
Instant deadline_of(Process& process, Instant now, const Request& request) {
  if (!request.is_absolute() || request.clock != static_cast<std::uint32_t>(ClockId::realtime)) {
    return request.deadline;
  }
  const std::int64_t realtime = process.clock().realtime_ns();
  return now + (Instant{clamp(request.timeout)} - Instant{realtime});
}

Direction direction_of(const Request& request) {
  return request.type == EventType::fd_read ? Direction::read : Direction::write;
}

// How many bytes can be read, or at least be written.
FileSize bytes_ready(const Request& request) {
  const HostFile& file = *request.descriptor->file;
  if (request.type == EventType::fd_write) return 1;
  if (file.type() == FileType::regular_file) {
    struct stat status = {};
    const off_t at = ::lseek(file.fd(), 0, SEEK_CUR);
    if (at < 0 || ::fstat(file.fd(), &status) != 0 || status.st_size <= at) return 0;
    return static_cast<FileSize>(status.st_size - at);
  }
  if (Device* device = file.device()) return device->state(Direction::read).bytes;
  int bytes = 0;
  return ::ioctl(file.fd(), FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<FileSize>(bytes) : 0;
}

Event event_of(const Request& request, Errno error) {
  Event event{};
  event.userdata = request.userdata;
  event.error = error;
  event.type = request.type;
  return event;
}

// Asks the kernel about every descriptor, in portions with turns for the others in between.
std::vector<pollfd> ask_host(const std::vector<Request>& requests) {
  std::vector<pollfd> polled;
  LongCall turns;
  for (const Request& request : requests) {
    if (request.type == EventType::clock || request.error != Errno::success) continue;
    const HostFile& file = *request.descriptor->file;
    const bool always =
        file.kind() == HostFile::Kind::file || file.kind() == HostFile::Kind::device;
    const int events = request.type == EventType::fd_read ? POLLIN | POLLRDHUP : POLLOUT;
    polled.push_back(
        {.fd = always ? -1 : file.fd(), .events = static_cast<short>(events), .revents = 0});
  }
  constexpr std::size_t kPortion = kBytesPerTurn / kBytesPerStep;
  for (std::span<pollfd> left(polled); !left.empty();) {
    const auto portion = left.first(std::min(left.size(), kPortion));
    poll_now(portion);
    turns.moved(portion.size() * kBytesPerStep);
    left = left.subspan(portion.size());
  }
  return polled;
}

// Takes the state of every request as it is now.
std::vector<Event> look(Process& process, const std::vector<Request>& requests) {
  const std::vector<pollfd> polled = ask_host(requests);
  LongCall turns;
  std::vector<Event> events;
  const Instant now = process.clock().now();
  auto answer = polled.begin();
  for (const Request& request : requests) {
    turns.step();
    if (request.error != Errno::success) {
      events.push_back(event_of(request, request.error));
    } else if (request.type == EventType::clock) {
      if (deadline_of(process, now, request) <= now) {
        events.push_back(event_of(request, Errno::success));
      }
    } else {
      const pollfd& state = *answer++;
      if (state.fd >= 0 && state.revents == 0) continue;
      Event event = event_of(request, Errno::success);
      if (Device* device = request.descriptor->file->device()) {
        const Device::State now_there = device->state(direction_of(request));
        if (!now_there.ready) continue;
        if (now_there.hangup) event.flags = eventrwflags::hangup;
      }
      event.nbytes = bytes_ready(request);
      if ((state.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0)
        event.flags = eventrwflags::hangup;
      events.push_back(event);
    }
  }
  return events;
}

// Parks until something may have happened.
Errno wait(Process& process, const std::vector<Request>& requests) {
  std::deque<ReadyWait>
      waits;  // Can't be moved; taken back by their destructors when the G is killed.
  std::deque<DeviceWait> device_waits;
  const Instant now = process.clock().now();
  Instant deadline = Instant::far_future();
  for (const Request& request : requests) {
    if (request.type == EventType::clock) {
      deadline = std::min(deadline, deadline_of(process, now, request));
      continue;
    }
    if (Device* device = request.descriptor->file->device()) {
      device_waits.emplace_back(*device, direction_of(request), this_g());
      continue;
    }
    HostFile::Target target;
    WEFT_WASI_TRY(request.descriptor->file->target(direction_of(request), target));
    waits.emplace_back(*target.watch, target.direction, this_g());
  }
  const bool only_sleeps = requests.size() == 1 && waits.empty() && device_waits.empty();
  const WaitReason reason = only_sleeps ? WaitReason::sleep : WaitReason::poll_oneoff;
  if (deadline == Instant::far_future()) {
    park(reason);
  } else {
    (void)this_scheduler().park_until(reason, deadline);
  }
  return Errno::success;
}

Errno store_events(Memory memory, const std::vector<Event>& events, Size out, Size nevents) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    WEFT_WASI_TRY(memory.store(static_cast<Size>(out + i * sizeof(Event)), events[i]));
  }
  return memory.store(nevents, static_cast<Size>(events.size()));
}

template <class Layout>
Errno poll(Process& process, Memory memory, Size in, Size out, Size n, Size nevents) {
  if (n == 0 || n > kSubscriptionsMax) return Errno::inval;
  WEFT_WASI_TRY(memory.check<Layout>(in, n));
  WEFT_WASI_TRY(memory.check<Event>(out, n));
  WEFT_WASI_TRY(memory.check<Size>(nevents));
  HeldMemory held(process.host_memory());
  if (!held.grow(n * kBytesPerRequest)) return Errno::nomem;
  std::vector<Request> requests;  // A copy: `in` and `out` may overlap.
  requests.reserve(n);
  const Instant start = process.clock().now();
  for (Size i = 0; i < n; ++i) {
    Layout subscription;
    WEFT_WASI_TRY(memory.load(static_cast<Size>(in + i * sizeof(Layout)), subscription));
    WEFT_WASI_TRY(prepare(process, start, requests.emplace_back(from(subscription))));
  }
  std::vector<Event> events = look(process, requests);
  if (!events.empty()) {
    // A server under load always finds something ready: between two of its polls a whole batch of
    // requests is served.
    give_way();
    events = look(process, requests);  // What was ready may be another's by now.
  }
  while (events.empty()) {
    WEFT_WASI_TRY(wait(process, requests));
    events = look(process, requests);
  }
  return store_events(memory, events, out, nevents);
}

}  // namespace

// Waits until at least one of the subscriptions (nsubscriptions of 48 bytes at in) has an event;
// writes the events (32 bytes each, at most one for each subscription, in their order) at out and
// their number (u32) at nevents.
//
// Clocks: relative or absolute (subclockflags.abstime), realtime or monotonic; precision is
// ignored. Descriptors: nbytes is what can be read at once, or 1 for writing; flags.hangup: the
// other end is closed or has failed. Regular files are always ready.
//
// EINVAL: no subscriptions, more than 65,536, or one of an unknown type or with unknown
// subclockflags. EFAULT: one of the three areas lies outside. ENOMEM: no budget to hold them.
// ENFILE: the system has no descriptor left to wait with. Errors of one subscription are its
// event's error: EBADF, ENOTCAPABLE (the descriptor lacks poll_fd_readwrite or the right for its
// direction), EINVAL (a clock that can't be waited for). Parks ("sleep" for a single clock, else
// "poll_oneoff"); yields when it need not park. Specification: poll_oneoff.
Errno poll_oneoff(Process& process, Memory memory, Size in, Size out, Size nsubscriptions,
                  Size nevents) {
  return poll<Subscription>(process, memory, in, out, nsubscriptions, nevents);
}

// The same; a subscription is 56 bytes.
Errno unstable::poll_oneoff(Process& process, Memory memory, Size in, Size out, Size nsubscriptions,
                            Size nevents) {
  return poll<unstable::Subscription>(process, memory, in, out, nsubscriptions, nevents);
}

}  // namespace weft::wasip1
