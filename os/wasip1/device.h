// SPDX-License-Identifier: Apache-2.0
// Device: a file that does not exist on the host: a simulation gives a guest Devices as its
// standard streams and as links to other guests.
//
//   fd_read, fd_write, poll_oneoff ─▶ HostFile (kind device) ─▶ Device ─▶ a stream or a link
//                                              parks: DeviceWait      wake(direction)
//
// A Device never blocks and never parks: it answers EAGAIN, the caller parks with a DeviceWait, and
// the Device wakes it when the answer changes. Everything happens on the scheduler's thread: on a
// G, in a timer or in a handler of Asio. So a guest that waits for a device for ever is reported as
// a deadlock.
//
// From: the scheduler's thread, on a G or not.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "base/list.h"
#include "os/reactor.h"
#include "os/wasip1/abi.h"
#include "scheduler/api.h"

namespace weft::wasip1 {

class Device;
struct DeviceListTag {};

// One wait of one G for one direction of a Device: on the G's stack while it is parked; destroying
// it takes the wait back.
class DeviceWait : public ListLink<DeviceListTag> {
 public:
  // On behalf of g, which parks then.
  DeviceWait(Device& device, Direction direction, G& g);
  ~DeviceWait() { unlink(); }
  DeviceWait(const DeviceWait&) = delete;
  DeviceWait& operator=(const DeviceWait&) = delete;

 private:
  friend class Device;
  Scheduler& scheduler_;  // Of its G: there may be no running one when it is woken.
  G& g_;
};

// To derive from: what is behind a descriptor of a guest that is no file of the host.
class Device {
 public:
  virtual ~Device() = default;

  // As read(2) and write(2): how much it was is in n. EAGAIN: nothing now. EBADF: not in this
  // direction. Reading 0 bytes with success is the end of the stream.
  virtual Errno read(std::span<const iovec> buffers, std::size_t& n) = 0;
  // The same the other way.
  virtual Errno write(std::span<const iovec> buffers, std::size_t& n) = 0;

  // For sockets. As recv(2) with MSG_PEEK: what read would give, left where it is. ENOTSOCK: the
  // device is not a socket.
  virtual Errno peek(std::span<const iovec>, std::size_t&) { return Errno::notsock; }
  // As shutdown(2). ENOTSOCK.
  virtual Errno shutdown(bool /*reading*/, bool /*writing*/) { return Errno::notsock; }

  // What a call in one direction would find.
  struct State {
    bool ready = true;      // Would it answer something else than EAGAIN?
    bool hangup = false;    // Has the other end closed?
    std::size_t bytes = 0;  // Reading: how many there are at once.
  };
  // Of one direction, at this moment.
  [[nodiscard]] virtual State state(Direction direction) = 0;

  // The last descriptor of this end is gone.
  virtual void closed() {}

 protected:
  // Readies every G that waits for this direction. On the scheduler's thread: on a G, in a timer,
  // or in a handler of the loop, inside run() or not.
  void wake(Direction direction) {
    while (DeviceWait* wait = waits_[static_cast<int>(direction)].pop_front()) {
      if (wait->g_.is_waiting()) wait->scheduler_.ready(wait->g_);
    }
  }

 private:
  friend class DeviceWait;
  List<DeviceWait, DeviceListTag> waits_[2];
};

inline DeviceWait::DeviceWait(Device& device, Direction direction, G& g)
    : scheduler_(this_scheduler()), g_(g) {
  device.waits_[static_cast<int>(direction)].push_back(*this);
}

}  // namespace weft::wasip1
