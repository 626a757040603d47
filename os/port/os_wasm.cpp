// SPDX-License-Identifier: Apache-2.0
#include "os/port/os_wasm.h"

#include <string>

#include "os/port/failure.h"
#include "os/port/os_wasip1.h"

namespace weft::port {

void osinit() {
  Port& port = this_port();
  port.physPageSize = kPhysPageSize;
  port.ncpu = 1;
  port.gsignal_of(port.scheduler().current_m()).procid = 2;
}

// --- giving up the thread ---

void osyield() {
  Port& port = this_port();
  port.count(Lacking::osyield);
  if (port.is_strict()) throw Trap("osyield");
  require_inside(port, "osyield");
  Scheduler& scheduler = port.scheduler();
  const bool bound = scheduler.current() == nullptr || scheduler.current_m().locks != 0;
  bound ? scheduler.yield_m() : scheduler.yield();
}

void osyield_no_g() {
  Port& port = this_port();
  port.count(Lacking::osyield_no_g);
  if (port.is_strict()) throw Trap("osyield_no_g");
  require_inside(port, "osyield_no_g");
  port.scheduler().yield_m();
}

void usleep_no_g(std::uint32_t usec) {
  Port& port = this_port();
  if (port.is_strict()) return usleep(usec);
  sleep_with_g(port, "usleep_no_g", usec);
}

// --- the life of an M ---

M* newosproc(MStart start, void* argument) {
  Result<M*> made = this_port().scheduler().new_m(start, argument);
  if (!made) throw Throw(made.error().message);
  return *made;
}

void exitThread(std::atomic<std::uint32_t>* wait) {
  Port& port = this_port();
  port.count(Lacking::exitThread);
  if (port.is_strict()) throw Trap("exitThread");
  require_inside(port, "exitThread");
  if (place(port) == Place::g) port.scheduler().lock_os_thread();  // A locked G takes its M along.
  if (wait != nullptr) wait->store(0);
  throw Killed{};
}

void mpreinit(M* mp) {
  this_port().mpreinit(*mp);
}

void minit() {}

void unminit() {}

void mdestroy(M*) {}

// Reads only what stays where it is while the port lives: see I1 in os/port/port.h.
void preemptM(M* mp) noexcept {
  const auto* gsignal = static_cast<const Gsignal*>(mp->gsignal);
  if (gsignal != nullptr) {
    gsignal->port->count(Lacking::preemptM);
    if (gsignal->port->is_strict()) return;
  }
  Scheduler::preempt_m(*mp);
}

// --- the rest ---

void crash() {
  throw Trap("crash");
}

std::int64_t cputicks() {
  return nanotime1();
}

std::uintptr_t getcallerfp() {
  return 0;
}

WallTime syscall_now() {
  return walltime();
}

void setProcessCPUProfiler(std::int32_t) {}

void setThreadCPUProfiler(std::int32_t) {}

std::int32_t open(const char*, std::int32_t, std::int32_t) {
  throw Panic("not implemented");
}

std::int32_t closefd(std::int32_t) {
  throw Panic("not implemented");
}

std::int32_t read(std::int32_t, void*, std::int32_t) {
  throw Panic("not implemented");
}

}  // namespace weft::port
