// SPDX-License-Identifier: Apache-2.0
// The types of Go's os_wasip1.go and os_wasm.go, in the order of docs/port.md, each under Go's own
// name and with its layout to the byte.
//
// Most are integers with a name, as WASI preview 1 has them; the structs are what the host calls
// of os/port/imports.h read and write. Names here keep Go's spelling, camel case included; only
// `errno`, which C's library makes a macro, is spelled errno_.
//
// os/wasip1/abi.h describes the same bytes under WASI's names for the functions of a guest; the
// static_asserts at the end hold the two together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "os/wasip1/abi.h"

namespace weft::port {

using uintptr32 = std::uint32_t;  // A pointer as the host sees it: an offset into the memory.
using size = std::uint32_t;       // NOLINT(readability-identifier-naming): Go's name.
using errno_ = std::uint32_t;     // 0 is success. WASI's is 16 bits, which Go can't import.
using filesize = std::uint64_t;   // Bytes.
using timestamp = std::uint64_t;  // Nanoseconds.
using clockid = std::uint32_t;    // Go knows the two below.
using eventtype = std::uint8_t;   // What a subscription waits for.
using eventrwflags = std::uint16_t;
using userdata = std::uint64_t;  // Comes back in the event as it was given.
using subclockflags = std::uint16_t;

inline constexpr errno_ EINTR_ = 27;  // Go's _EINTR, the one errno that its runtime names.
inline constexpr clockid clockRealtime = 0;
inline constexpr clockid clockMonotonic = 1;
inline constexpr eventtype eventtypeClock = 0;
inline constexpr eventtype eventtypeFdRead = 1;
inline constexpr eventtype eventtypeFdWrite = 2;
inline constexpr eventrwflags fdReadwriteHangup = 1;
inline constexpr subclockflags subscriptionClockAbstime = 1;

// 0        4        8
// |  buf   | bufLen |
struct iovec {
  uintptr32 buf;
  size bufLen;
};
static_assert(sizeof(iovec) == 8 && alignof(iovec) == 4 && offsetof(iovec, buf) == 0 &&
              offsetof(iovec, bufLen) == 4);

// 0        8       10      16
// | nbytes | flags |       |
struct eventFdReadwrite {
  filesize nbytes;
  eventrwflags flags;
};
static_assert(sizeof(eventFdReadwrite) == 16 && offsetof(eventFdReadwrite, nbytes) == 0 &&
              offsetof(eventFdReadwrite, flags) == 8);

// 0          8       10   11   16            32
// | userdata | error |typ |    | fdReadwrite |
struct event {
  port::userdata userdata;
  std::uint16_t error;  // Two bytes, unlike errno_.
  eventtype typ;
  eventFdReadwrite fdReadwrite;
};
static_assert(sizeof(event) == 32 && offsetof(event, userdata) == 0 &&
              offsetof(event, error) == 8 && offsetof(event, typ) == 10 &&
              offsetof(event, fdReadwrite) == 16);

// 0    4    8         16          24      26    32
// | id |    | timeout | precision | flags |     |
struct [[gnu::may_alias]] subscriptionClock {
  clockid id;
  timestamp timeout;
  timestamp precision;
  subclockflags flags;
};
static_assert(sizeof(subscriptionClock) == 32 && offsetof(subscriptionClock, id) == 0 &&
              offsetof(subscriptionClock, timeout) == 8 &&
              offsetof(subscriptionClock, precision) == 16 &&
              offsetof(subscriptionClock, flags) == 24);

// 0    4
// | fd |
struct [[gnu::may_alias]] subscriptionFdReadwrite {
  std::int32_t fd;
};
static_assert(sizeof(subscriptionFdReadwrite) == 4);

// 0     8                           40
// | tag | subscriptionClock, or fd  |
//
// A tagged union that knows nothing of its members: the methods say where the tag and the bodies
// lie. A body that was written through one of them must be read through the same one.
struct subscriptionUnion {
  std::array<std::uint64_t, 5> words;

  port::eventtype* eventtype() { return reinterpret_cast<port::eventtype*>(&words[0]); }
  port::subscriptionClock* subscriptionClock() {
    return reinterpret_cast<port::subscriptionClock*>(&words[1]);
  }
  port::subscriptionFdReadwrite* subscriptionFdReadwrite() {
    return reinterpret_cast<port::subscriptionFdReadwrite*>(&words[1]);
  }
};
static_assert(sizeof(subscriptionUnion) == 40 && alignof(subscriptionUnion) == 8);

// 0          8    16                    48
// | userdata | tag| body                |
struct subscription {
  port::userdata userdata;
  subscriptionUnion u;
};
static_assert(sizeof(subscription) == 48 && offsetof(subscription, userdata) == 0 &&
              offsetof(subscription, u) == 8);

// A time of day: what walltime returns.
struct WallTime {
  std::int64_t sec;
  std::int32_t nsec;
};

// What an M has for its operating system on wasm: nothing.
struct mOS {};
static_assert(std::is_empty_v<mOS>, "Go's has size 0; C++ has no smaller object than one byte");

// The same bytes as the functions of os/wasip1 use.
static_assert(sizeof(iovec) == sizeof(wasip1::Iovec));
static_assert(sizeof(subscription) == sizeof(wasip1::Subscription) &&
              offsetof(subscription, u) + 8 == offsetof(wasip1::Subscription, id_or_fd));
static_assert(sizeof(event) == sizeof(wasip1::Event) &&
              offsetof(event, fdReadwrite) == offsetof(wasip1::Event, nbytes));
static_assert(EINTR_ == static_cast<errno_>(wasip1::Errno::intr));

}  // namespace weft::port
