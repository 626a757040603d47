// SPDX-License-Identifier: Apache-2.0
// What Go's os_wasm.go has for signals: wasm has no signals, so its functions are empty, and so are
// these. The names are Go's own; docs/port.md has a line for each.
//
// Nothing here installs a handler. The real signals that a host of weft needs are in
// signals/tick.h, signals/fault.h and signals/shutdown.h.
#pragma once

#include <cstdint>
#include <type_traits>

namespace weft::port {

struct sigset {};
struct gsignalStack {};
static_assert(std::is_empty_v<sigset> && std::is_empty_v<gsignalStack>,
              "Go's have size 0; C++ has no smaller object than one byte");

inline constexpr std::uint32_t kNSIG = 0;       // Go's _NSIG: so many signals there are.
inline constexpr std::uint32_t kSIGSEGV = 0xb;  // Go's _SIGSEGV: what a nil pointer is reported as.

// Nothing, each.
void sigsave(sigset* p);
void msigrestore(sigset sigmask);
void clearSignalHandlers();
void sigblock(bool exiting);
void initsig(bool preinit);
void sigenable(std::uint32_t sig);
void sigdisable(std::uint32_t sig);
void sigignore(std::uint32_t sig);
// Nothing: the writer gets EPIPE. (Go up to 1.23 gave up.)
void os_sigpipe();

// "", whatever the number.
const char* signame(std::uint32_t sig);

// The compiler's test has found a nil pointer. Throws Panic("runtime error: invalid memory address
// or nil pointer dereference") with signal 0xb; where a G can't panic (there is none, or its M
// holds a lock) Throw("unexpected signal during runtime execution").
[[noreturn]] void sigpanic();

}  // namespace weft::port
