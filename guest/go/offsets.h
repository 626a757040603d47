// SPDX-License-Identifier: Apache-2.0
// Where Go's runtime keeps what a scheduler has to see: offsets in its structs and addresses of its
// variables, read from the code of the functions that use them (guest/go/code_trace.h).
//
//   runtime.morestack, mcall, systemstack   g.m, g.sched, m.g0, m.gsignal, m.curg
//   casgstatus, allgadd                     g.atomicstatus, allgs
//   newproc1, goroutineheader               g.goid, g.parentGoid, g.gopc, g.startpc, wait reasons
//   gopark, newstack                        g.waitreason, g.throwsplit
//   findRunnable, runqget, goschedImpl      m.p, the ring of p, sched.lock, sched.runq
//   coroswitch_m                            g.coroarg, coro.gp: in programs that use iter.Pull
//   chansend, chanrecv, closechan           hchan.qcount, dataqsiz, recvq, sendq, closed
//
// What a second function shows, too, has to be the same there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/go/data_image.h"
#include "guest/wasm/module_view.h"

namespace weft::guest::go {

// Bytes from the start of the struct, or addresses in the guest's memory. Names are Go's.
struct Offsets {
  // runtime.g
  std::uint32_t g_stackguard0 = 0;  // 64 bits; prologues compare the lower half.
  std::uint32_t g_m = 0;
  std::uint32_t g_sched_sp = 0;  // g.sched.sp and .pc: where one that does not run goes on.
  std::uint32_t g_sched_pc = 0;
  std::uint32_t g_status = 0;  // g.atomicstatus, 32 bits.
  std::uint32_t g_goid = 0;
  std::uint32_t g_schedlink = 0;
  std::uint32_t g_waitreason = 0;  // 8 bits: an index into the wait reasons.
  std::uint32_t g_throwsplit = 0;  // 8 bits.
  std::uint32_t g_parent_goid = 0;
  std::uint32_t g_gopc = 0;     // Where the go statement returns to.
  std::uint32_t g_startpc = 0;  // The entry of the goroutine's function.
  std::uint32_t g_coroarg = 0;  // The coro that it switches to; 0: the program has none.
  // runtime.coro
  std::uint32_t coro_gp = 0;  // The g that waits in it, and goes on at the next switch.
  // runtime.m
  std::uint32_t m_g0 = 0;
  std::uint32_t m_gsignal = 0;
  std::uint32_t m_curg = 0;
  std::uint32_t m_p = 0;
  // runtime.p
  std::uint32_t p_runnext = 0;   // 64 bits.
  std::uint32_t p_runqhead = 0;  // 32 bits, as the next.
  std::uint32_t p_runqtail = 0;
  std::uint32_t p_runq = 0;     // The ring: pointers to g, 64 bits each.
  std::uint32_t runq_mask = 0;  // Its length less 1.
  // runtime.hchan: how many it holds, for how many it has room (64 bits), who waits to receive and
  // to send (a queue begins with its first), is it closed (32 bits; 0: nobody closes one). All 0:
  // not known.
  std::uint32_t chan_qcount = 0;
  std::uint32_t chan_dataqsiz = 0;
  std::uint32_t chan_recvq = 0;
  std::uint32_t chan_sendq = 0;
  std::uint32_t chan_closed = 0;
  // Addresses
  std::uint32_t sched_lock = 0;
  std::uint32_t sched_runq_head = 0;  // A g, linked by g.schedlink.
  std::uint32_t sched_runq_tail = 0;
  std::uint32_t sched_runq_size = 0;  // 32 bits.
  std::uint32_t allgs = 0;            // A slice: pointer, length, capacity, 64 bits each.
};

struct Discovered {
  Offsets offsets;
  std::vector<std::string> wait_reasons;
};

struct Names {
  std::function<std::optional<std::uint32_t>(std::string_view go_name)> function;
  std::function<std::string_view(std::uint32_t function)> name;
};

// g_stackguard0 is what prologues say. The error is one line that says what did not match:
// "runtime.gopark stores no wait reason".
Result<Discovered> discover_offsets(const wasm::ModuleView& module, const DataImage& image,
                                    const Names& names, std::uint32_t g_stackguard0);

}  // namespace weft::guest::go
