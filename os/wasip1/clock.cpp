// SPDX-License-Identifier: Apache-2.0
// The clocks. All time a guest sees comes from its process's GuestClock, which in virtual time
// stands still between events.
#include "os/wasip1/calls.h"

namespace weft::wasip1 {
namespace {

// There is no clock of CPU time: a guest's share of the thread is not measured in a way that would
// repeat, and the host process's own is none of its business.
bool is_known(std::uint32_t id) {
  return id == static_cast<std::uint32_t>(ClockId::realtime) ||
         id == static_cast<std::uint32_t>(ClockId::monotonic);
}

}  // namespace

// Writes the resolution of a clock, in nanoseconds (u64 at resolution): 1 for both.
// EINVAL: a clock of CPU time, or no clock. EFAULT: the address lies outside. Never parks.
// Specification: clock_res_get.
Errno clock_res_get(Process&, Memory memory, std::uint32_t id, Size resolution) {
  if (!is_known(id)) return Errno::inval;
  return memory.store(resolution, Timestamp{1});
}

// Writes the time of a clock, in nanoseconds (u64 at time): realtime since 1970-01-01 UTC,
// monotonic since an arbitrary point. The precision that the guest would be content with is
// ignored: the time is always exact. EINVAL: a clock of CPU time, or no clock. EFAULT: the address
// lies outside. Never parks. Specification: clock_time_get.
Errno clock_time_get(Process& process, Memory memory, std::uint32_t id, Timestamp, Size time) {
  if (!is_known(id)) return Errno::inval;
  const bool realtime = id == static_cast<std::uint32_t>(ClockId::realtime);
  const std::int64_t ns = realtime ? process.clock().realtime_ns() : process.clock().now().ns;
  return memory.store(time, static_cast<Timestamp>(ns));
}

}  // namespace weft::wasip1
