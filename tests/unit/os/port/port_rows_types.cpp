// SPDX-License-Identifier: Apache-2.0
// The types: layouts are asserted where they are defined, here by writing and reading bytes.
#include <doctest/doctest.h>

#include <cstring>
#include <type_traits>

#include "os/port/types.h"
#include "tests/unit/os/port/port_rows.h"

using namespace weft;

namespace {

template <class T>
unsigned byte_of(const T& value, std::size_t at) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  return bytes[at];
}

template <class Alias, class Integer>
void is_integer() {
  CHECK(std::is_same_v<Alias, Integer>);
}

void check_iovec() {
  const port::iovec v{.buf = 0x01020304, .bufLen = 7};
  CHECK(sizeof v == 8);
  CHECK(byte_of(v, 0) == 4);
  CHECK(byte_of(v, 4) == 7);
}

void check_event() {
  port::event e;
  std::memset(&e, 0, sizeof e);
  e.userdata = 1;
  e.error = 2;
  e.typ = port::eventtypeFdWrite;
  e.fdReadwrite.nbytes = 3;
  e.fdReadwrite.flags = port::fdReadwriteHangup;
  CHECK(sizeof e == 32);
  CHECK(byte_of(e, 0) == 1);
  CHECK(byte_of(e, 8) == 2);
  CHECK(byte_of(e, 10) == 2);
  CHECK(byte_of(e, 16) == 3);
  CHECK(byte_of(e, 24) == 1);
}

void check_event_fd_readwrite() {
  CHECK(sizeof(port::eventFdReadwrite) == 16);
  CHECK(offsetof(port::eventFdReadwrite, flags) == 8);
}

void check_subscription_clock() {
  CHECK(sizeof(port::subscriptionClock) == 32);
  CHECK(offsetof(port::subscriptionClock, timeout) == 8);
  CHECK(offsetof(port::subscriptionClock, precision) == 16);
  CHECK(offsetof(port::subscriptionClock, flags) == 24);
}

// Absolute offsets in a subscription, by writing through the accessors.
void check_subscription() {
  port::subscription s{};
  s.userdata = 9;
  *s.u.eventtype() = port::eventtypeFdRead;
  *s.u.subscriptionClock() = {.id = 1, .timeout = 2, .precision = 3, .flags = 4};
  CHECK(sizeof s == 48);
  CHECK(byte_of(s, 0) == 9);
  CHECK(byte_of(s, 8) == 1);
  CHECK(byte_of(s, 16) == 1);
  CHECK(byte_of(s, 24) == 2);
  CHECK(byte_of(s, 32) == 3);
  CHECK(byte_of(s, 40) == 4);
}

void check_subscription_union() {
  CHECK(sizeof(port::subscriptionUnion) == 40);
  CHECK(std::is_same_v<decltype(port::subscriptionUnion::words), std::array<std::uint64_t, 5>>);
}

void check_subscription_fd_readwrite() {
  port::subscription s{};
  s.u.subscriptionFdReadwrite()->fd = 5;
  CHECK(byte_of(s, 16) == 5);
}

void check_eventtype_method() {
  port::subscriptionUnion u{};
  *u.eventtype() = 2;
  CHECK(u.words[0] == 2);
}

void check_subscription_clock_method() {
  port::subscriptionUnion u{};
  CHECK(static_cast<void*>(u.subscriptionClock()) == static_cast<void*>(&u.words[1]));
}

void check_clockid() {
  is_integer<port::clockid, std::uint32_t>();
  CHECK(port::clockRealtime == 0);
  CHECK(port::clockMonotonic == 1);
}

void check_eventtype() {
  is_integer<port::eventtype, std::uint8_t>();
  CHECK(port::eventtypeClock == 0);
  CHECK(port::eventtypeFdRead == 1);
  CHECK(port::eventtypeFdWrite == 2);
}

void check_eventrwflags() {
  is_integer<port::eventrwflags, std::uint16_t>();
  CHECK(port::fdReadwriteHangup == 1);
}

void check_subclockflags() {
  is_integer<port::subclockflags, std::uint16_t>();
  CHECK(port::subscriptionClockAbstime == 1);
}

void check_errno() {
  is_integer<port::errno_, std::uint32_t>();
  CHECK(port::EINTR_ == 27);
}

}  // namespace

std::vector<test::PortRow> test::port_type_rows() {
  return {
      {"uintptr32", "type", &is_integer<port::uintptr32, std::uint32_t>},
      {"size", "type", &is_integer<port::size, std::uint32_t>},
      {"errno", "type", &check_errno},
      {"filesize", "type", &is_integer<port::filesize, std::uint64_t>},
      {"timestamp", "type", &is_integer<port::timestamp, std::uint64_t>},
      {"clockid", "type", &check_clockid},
      {"iovec", "type", &check_iovec},
      {"eventtype", "type", &check_eventtype},
      {"eventrwflags", "type", &check_eventrwflags},
      {"userdata", "type", &is_integer<port::userdata, std::uint64_t>},
      {"event", "type", &check_event},
      {"eventFdReadwrite", "type", &check_event_fd_readwrite},
      {"subclockflags", "type", &check_subclockflags},
      {"subscriptionClock", "type", &check_subscription_clock},
      {"subscription", "type", &check_subscription},
      {"subscriptionUnion", "type", &check_subscription_union},
      {"subscriptionFdReadwrite", "type", &check_subscription_fd_readwrite},
      {"eventtype", "method", &check_eventtype_method},
      {"subscriptionClock", "method", &check_subscription_clock_method},
  };
}

std::vector<test::PortRow> test::port_rows() {
  std::vector<PortRow> rows;
  for (const auto& part :
       {port_type_rows(), port_wasip1_rows(), port_wasm_rows(), port_signal_rows()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}
