// SPDX-License-Identifier: Apache-2.0
// The clocks. All time a guest sees comes from its process's GuestClock, which in virtual time
// stands still between events; its CPU time from Process::cpu_time.
#include "os/wasip1/calls.h"

namespace weft::wasip1 {
namespace {

bool counts_cpu(std::uint32_t id) {
  return id == static_cast<std::uint32_t>(ClockId::process_cputime) ||
         id == static_cast<std::uint32_t>(ClockId::thread_cputime);
}

// EINVAL: no clock.
Errno check_clock(std::uint32_t id) {
  return id <= static_cast<std::uint32_t>(ClockId::thread_cputime) ? Errno::success : Errno::inval;
}

}  // namespace

// Writes the resolution of a clock, in nanoseconds (u64 at resolution): 1; of CPU time in virtual
// time 10. EINVAL: no such clock. EFAULT: the address lies outside. Never parks. Specification:
// clock_res_get.
Errno clock_res_get(Process& process, Memory memory, std::uint32_t id, Size resolution) {
  WEFT_WASI_TRY(check_clock(id));
  const bool by_fuel = counts_cpu(id) && !process.clock().passes_by_itself();
  return memory.store(resolution, by_fuel ? Timestamp{Process::kCpuTimePerFuel.ns} : 1);
}

// Writes the time of a clock, in nanoseconds (u64 at time): realtime since 1970-01-01 UTC,
// monotonic time since an arbitrary point; both CPU clocks say what the guest itself has used,
// since a guest has one thread. The precision that the guest asks for is ignored: the time is
// always exact. EINVAL: no such clock. EFAULT: the address lies outside. Never parks.
// Specification: clock_time_get.
Errno clock_time_get(Process& process, Memory memory, std::uint32_t id, Timestamp, Size time) {
  WEFT_WASI_TRY(check_clock(id));
  WEFT_WASI_TRY(memory.check<Timestamp>(time));
  if (counts_cpu(id)) return memory.store(time, static_cast<Timestamp>(process.cpu_time().ns));
  const bool realtime = id == static_cast<std::uint32_t>(ClockId::realtime);
  const std::int64_t ns = realtime ? process.clock().realtime_ns() : process.clock().now().ns;
  return memory.store(time, static_cast<Timestamp>(ns));
}

}  // namespace weft::wasip1
