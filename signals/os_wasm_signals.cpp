// SPDX-License-Identifier: Apache-2.0
#include "signals/os_wasm_signals.h"

#include "os/port/failure.h"
#include "os/port/port.h"

namespace weft::port {

void sigsave(sigset*) {}

void msigrestore(sigset) {}

void clearSignalHandlers() {}

void sigblock(bool) {}

void initsig(bool) {}

void sigenable(std::uint32_t) {}

void sigdisable(std::uint32_t) {}

void sigignore(std::uint32_t) {}

void os_sigpipe() {}

const char* signame(std::uint32_t) {
  return "";
}

void sigpanic() {
  const Port& port = this_port();
  const bool can_panic = place(port) == Place::g && port.scheduler().current_m().locks == 0;
  if (!can_panic) throw_("unexpected signal during runtime execution");
  throw Panic("runtime error: invalid memory address or nil pointer dereference", kSIGSEGV);
}

}  // namespace weft::port
