// SPDX-License-Identifier: Apache-2.0
// What Go's os_wasm.go has for signals, on an operating system without any: mirrored, so that empty
// stays empty. The names are Go's own; docs/port.md has a line for each.
//
// None of this installs a handler. What a host of weft needs of real signals stands beside it:
// signals/tick.h, signals/fault.h, signals/shutdown.h.
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
// Nothing: whoever wrote gets EPIPE. (Go up to 1.23 gave up.)
void os_sigpipe();

// "", whatever the number.
const char* signame(std::uint32_t sig);

// A nil pointer was followed, says the compiler's check. Throws Panic("runtime error: invalid
// memory address or nil pointer dereference") with signal 0xb; where a G can't panic (there is
// none, or its M holds a lock) Throw("unexpected signal during runtime execution").
[[noreturn]] void sigpanic();

}  // namespace weft::port
