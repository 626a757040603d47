// SPDX-License-Identifier: Apache-2.0
// Go's os_wasm.go: what the runtime asks of an operating system that has neither threads nor
// signals. The names are Go's own; docs/port.md tells for each what Go's source does and what weft
// does. The names that are about signals are in signals/os_wasm_signals.h.
//
//   emulated here  osyield osyield_no_g usleep_no_g newosproc exitThread preemptM
//   as in Go       everything else: empty stays empty, constants and messages are the same
//
// All act on this_port(); Throw, Panic and Trap are those of os/port/failure.h.
#pragma once

#include <atomic>
#include <cstdint>

#include "os/port/port.h"
#include "scheduler/scheduler.h"

namespace weft::port {

// Sets the port's physPageSize (65536) and ncpu (1), and the procid (2) of the current M.
void osinit();

// On a G: it goes to the tail, and the next runnable G or M runs. Holding a lock, or on a thread
// without a G, as osyield_no_g. Strict: Trap.
void osyield();
// The M gives the thread to the next runnable M and keeps its G running; alone, it looks at timers
// and I/O. Strict: Trap.
void osyield_no_g();
// The M sleeps with its G, and the other Ms run. Strict: usleep, which blocks the thread.
void usleep_no_g(std::uint32_t usec);

// Makes an M that calls start(argument), a thread of its own; it ends when start returns, and then
// must hold no lock. Strict: Throw("newosproc: not implemented"). Throw also beyond 10,000 Ms and
// without memory for a stack.
M* newosproc(MStart start, void* argument);
// Ends the calling thread and then sets *wait to 0, if there is one. On a G: ends the G and its M
// (the first M lives on). Runs destructors on the way. Strict: Trap.
[[noreturn]] void exitThread(std::atomic<std::uint32_t>* wait);

// Gives the M its signal stack of 32 KiB. On the parent.
void mpreinit(M* mp);
// On the new M, first thing; at its end; when nothing runs on it any more: nothing to do.
void minit();
void unminit();
void mdestroy(M* mp);

inline constexpr bool preemptMSupported = true;  // Go on wasm: false, as a strict port behaves.
// Asks the G that runs on mp to yield at its next safe point. From anywhere: other threads and
// signal handlers too. Strict: nothing.
void preemptM(M* mp) noexcept;

// The end that GOTRACEBACK=crash asks for: Trap.
[[noreturn]] void crash();

std::int64_t cputicks();       // nanotime1().
std::uintptr_t getcallerfp();  // 0: there are no frame pointers.

WallTime syscall_now();  // The time of day, for Go's package syscall.

void setProcessCPUProfiler(std::int32_t hz);  // Nothing.
void setThreadCPUProfiler(std::int32_t hz);   // Nothing.

// For tests of the runtime on other systems: Panic("not implemented").
[[noreturn]] std::int32_t open(const char* name, std::int32_t mode, std::int32_t perm);
[[noreturn]] std::int32_t closefd(std::int32_t fd);
[[noreturn]] std::int32_t read(std::int32_t fd, void* p, std::int32_t n);

}  // namespace weft::port
