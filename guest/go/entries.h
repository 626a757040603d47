// SPDX-License-Identifier: Apache-2.0
// Entries: the functions of a Go guest whose beginnings the engines tell weft of. An engine makes
// them part of a module's code: so which ones there are is decided when it is loaded.
#pragma once

#include <cstdint>

namespace weft::guest::go {

enum class Entry : std::uint8_t {
  // In real and in virtual time.
  execute,     // A goroutine gets the thread: execute(gp, inheritTime).
  morestack,   // A prologue found no room, or was made to believe so.
  gosched,     // The running goroutine gives way, or is made to: goschedImpl.
  coroswitch,  // It hands the thread on to another, as iter.Pull does: coroswitch_m(gp).
  // In virtual time only.
  find_runnable,  // The runtime looks for what is next: findRunnable.
  runqget,        // It takes the next of its ring: runqget(pp).
  sellock,        // A select locks its channels: sellock(scases, lockorder).
  main,           // The program's own main begins: runtime.main is done with what comes before.
  visible,  // And all above: what others can see, a channel, a lock, an atomic, a go statement.
};

struct EntryPoint {
  std::uint32_t function;  // Its index in the module, imports counted.
  Entry entry;
  friend bool operator==(const EntryPoint&, const EntryPoint&) = default;
};

// The globals of every module of Go's.
inline constexpr std::uint32_t kGlobalSp = 0;
inline constexpr std::uint32_t kGlobalG = 2;

// Where a function's arguments begin, above its stack pointer: there is the address to return to.
inline constexpr std::uint32_t kArguments = 8;

}  // namespace weft::guest::go
