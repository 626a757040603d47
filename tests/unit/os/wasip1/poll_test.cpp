// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

constexpr Size kIn = 0;
constexpr Size kOut = 4096;
constexpr Size kCount = 8192;

void put_clock(TestGuest& guest, Size index, UserData userdata, ClockId id, Timestamp timeout,
               std::uint16_t flags = 0) {
  Subscription s{};
  s.userdata = userdata;
  s.tag = EventType::clock;
  s.id_or_fd = static_cast<std::uint32_t>(id);
  s.timeout = timeout;
  s.flags = flags;
  guest.put_value(kIn + index * Size{sizeof s}, s);
}

void put_fd(TestGuest& guest, Size index, UserData userdata, EventType type, Fd fd) {
  Subscription s{};
  s.userdata = userdata;
  s.tag = type;
  s.id_or_fd = fd;
  guest.put_value(kIn + index * Size{sizeof s}, s);
}

Errno poll(TestGuest& guest, Size n) {
  return guest.call("poll_oneoff", {kIn, kOut, n, kCount});
}

Event event(TestGuest& guest, Size index) {
  return guest.value<Event>(kOut + index * Size{sizeof(Event)});
}

constexpr Timestamp kMs = 1'000'000;

}  // namespace

TEST_CASE("a relative timeout sleeps exactly that long, and the event names it") {
  ManualClock clock({500}, 7000);
  TestGuest guest({}, &clock);
  guest.run([&] {
    for (const ClockId id : {ClockId::monotonic, ClockId::realtime}) {
      const Instant start = clock.now();
      put_clock(guest, 0, 42, id, 30 * kMs);
      CHECK(poll(guest, 1) == Errno::success);
      CHECK(clock.now() - start == milliseconds(30));
      CHECK(guest.u32(kCount) == 1);
      CHECK(event(guest, 0).userdata == 42);
      CHECK(event(guest, 0).type == EventType::clock);
      CHECK(event(guest, 0).error == Errno::success);
      CHECK(guest.text(kOut + 32, 4) == "????");
    }
  });
}

TEST_CASE("an absolute timeout is on its own clock") {
  ManualClock clock({500}, 1'000'000'000);
  TestGuest guest({}, &clock);
  guest.run([&] {
    put_clock(guest, 0, 1, ClockId::monotonic, 2500, subclockflags::abstime);
    CHECK(poll(guest, 1) == Errno::success);
    CHECK(clock.now() == Instant{2500});
    put_clock(guest, 0, 1, ClockId::realtime, 1'000'007'000, subclockflags::abstime);
    CHECK(poll(guest, 1) == Errno::success);
    CHECK(clock.realtime_ns() == 1'000'007'000);
    const Instant now = clock.now();
    put_clock(guest, 0, 1, ClockId::realtime, 5, subclockflags::abstime);  // Long ago.
    CHECK(poll(guest, 1) == Errno::success);
    CHECK(clock.now() == now);
  });
}

TEST_CASE("of several timeouts those that are due have events, in the order of the subscriptions") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  guest.run([&] {
    put_clock(guest, 0, 1, ClockId::monotonic, 90 * kMs);
    put_clock(guest, 1, 2, ClockId::monotonic, 20 * kMs);
    put_clock(guest, 2, 3, ClockId::monotonic, 20 * kMs, subclockflags::abstime);
    CHECK(poll(guest, 3) == Errno::success);
    CHECK(guest.u32(kCount) == 2);
    CHECK(event(guest, 0).userdata == 2);
    CHECK(event(guest, 1).userdata == 3);
    CHECK(clock.now() == Instant{20'000'000});
  });
}

TEST_CASE("two guests that sleep sleep at the same time") {
  ManualClock clock;
  TestGuest a({}, &clock);
  TestGuest b({}, &clock);
  std::string order;
  a.run([&] {
    CHECK(go([&] {
            put_clock(b, 0, 1, ClockId::monotonic, 20 * kMs);
            CHECK(poll(b, 1) == Errno::success);
            order += "b";
          }).ok());
    put_clock(a, 0, 1, ClockId::monotonic, 30 * kMs);
    CHECK(poll(a, 1) == Errno::success);
    order += "a";
  });
  CHECK(order == "ba");
  CHECK(clock.now() == Instant{30'000'000});
}

TEST_CASE("a sleep is shown as sleep and a wait for several things as poll_oneoff") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  guest.run([&] {
    G& sleeper = this_g();
    std::vector<WaitReason> seen;
    CHECK(go([&] {
            for (int i = 0; i < 2; ++i) {
              seen.push_back(sleeper.wait_reason);
              sleep_for(milliseconds(30));
            }
          }).ok());
    put_clock(guest, 0, 1, ClockId::monotonic, 20 * kMs);
    CHECK(poll(guest, 1) == Errno::success);
    put_clock(guest, 1, 2, ClockId::monotonic, 90 * kMs);
    CHECK(poll(guest, 2) == Errno::success);
    sleep_for(milliseconds(30));
    CHECK(seen == std::vector{WaitReason::sleep, WaitReason::poll_oneoff});
  });
}

TEST_CASE("a timeout of zero returns at once but lets the others run first") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  std::string order;
  guest.run([&] {
    CHECK(go([&] { order += "b"; }).ok());
    put_clock(guest, 0, 1, ClockId::monotonic, 0);
    CHECK(poll(guest, 1) == Errno::success);
    order += "a";
  });
  CHECK(order == "ba");
  CHECK(clock.now() == Instant{0});
}

TEST_CASE("a guest that always finds something ready keeps no sleeper waiting") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  int polls = 0;
  int polls_at_wake = 0;
  guest.run([&] {
    CHECK(go([&] {
            sleep_for(milliseconds(5));
            polls_at_wake = polls;
          }).ok());
    put_fd(guest, 0, 1, EventType::fd_read, 0);  // /dev/null is always ready.
    for (polls = 1; polls <= 50; ++polls) {
      CHECK(poll(guest, 1) == Errno::success);
      clock.advance_to(clock.now() + milliseconds(1));
    }
  });
  CHECK(polls_at_wake == 6);  // In the poll at its time: before that returns.
}

TEST_CASE("a timeout beyond all time does not wrap around to the past") {
  ManualClock clock({1'000});
  TestGuest guest({}, &clock);
  guest.run([&] {
    put_clock(guest, 0, 1, ClockId::monotonic, ~Timestamp{0});
    put_clock(guest, 1, 2, ClockId::monotonic, 5 * kMs);
    CHECK(poll(guest, 2) == Errno::success);
    CHECK(guest.u32(kCount) == 1);
    CHECK(event(guest, 0).userdata == 2);
  });
}

TEST_CASE("no subscriptions, too many, and an unknown type are EINVAL") {
  TestGuest guest;
  guest.run([&] {
    CHECK(poll(guest, 0) == Errno::inval);
    CHECK(poll(guest, 100'000) == Errno::inval);
    put_fd(guest, 0, 1, static_cast<EventType>(3), 0);
    CHECK(poll(guest, 1) == Errno::inval);
  });
}

TEST_CASE("unknown subclockflags are EINVAL") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  guest.run([&] {
    for (const int flags : {2, 3, 0x8000}) {
      put_clock(guest, 0, 0, ClockId::monotonic, 1, static_cast<std::uint16_t>(flags));
      CHECK(poll(guest, 1) == Errno::inval);
    }
    put_clock(guest, 0, 0, ClockId::monotonic, 1, 1);
    CHECK(poll(guest, 1) == Errno::success);
  });
}

TEST_CASE("areas outside of memory are EFAULT before anything is waited for") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  guest.run([&] {
    put_clock(guest, 0, 1, ClockId::monotonic, 10 * kMs);
    CHECK(guest.call("poll_oneoff", {TestGuest::kMemory - 47, kOut, 1, kCount}) == Errno::fault);
    CHECK(guest.call("poll_oneoff", {kIn, TestGuest::kMemory - 31, 1, kCount}) == Errno::fault);
    CHECK(guest.call("poll_oneoff", {kIn, kOut, 1, TestGuest::kMemory - 3}) == Errno::fault);
    CHECK(clock.now() == Instant{0});
    // Over each other is fine.
    CHECK(guest.call("poll_oneoff", {kIn, kIn, 1, kCount}) == Errno::success);
    CHECK(guest.value<Event>(kIn).userdata == 1);
  });
}

TEST_CASE("what is wrong with one subscription is its event's error") {
  TestGuest guest;
  guest.run([&] {
    put_fd(guest, 0, 1, EventType::fd_read, 77);
    put_fd(guest, 1, 2, EventType::fd_read, 1);  // stdout can't be read.
    put_clock(guest, 2, 3, ClockId::process_cputime, 0);
    CHECK(poll(guest, 3) == Errno::success);
    CHECK(guest.u32(kCount) == 3);
    CHECK(event(guest, 0).error == Errno::badf);
    CHECK(event(guest, 0).type == EventType::fd_read);
    CHECK(event(guest, 1).error == Errno::notcapable);
    CHECK(event(guest, 2).error == Errno::inval);
  });
}

TEST_CASE("regular files are always ready, and say what is left to read") {
  TempDir dir;
  write_file(dir / "file", "12345678");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    auto options = TestGuest::for_writing(0);
    CHECK(guest.open(kRoot, "file", fd, options) == Errno::success);
    CHECK(guest.call("fd_seek", {fd, 3, 0, 64}) == Errno::success);
    put_fd(guest, 0, 1, EventType::fd_read, fd);
    put_fd(guest, 1, 2, EventType::fd_write, fd);
    CHECK(poll(guest, 2) == Errno::success);
    CHECK(guest.u32(kCount) == 2);
    CHECK(event(guest, 0).nbytes == 5);
    CHECK(event(guest, 1).nbytes > 0);
  });
}

TEST_CASE("a wait for a pipe ends when something is written, and the event says how much") {
  Pipe pipe;
  ProcessConfig config;
  config.stdin_fd = pipe.read.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    CHECK(go([&] { CHECK(::write(pipe.write.get(), "abc", 3) == 3); }).ok());
    put_fd(guest, 0, 9, EventType::fd_read, 0);
    put_clock(guest, 1, 8, ClockId::monotonic, 3'600'000 * kMs);
    CHECK(poll(guest, 2) == Errno::success);
    CHECK(guest.u32(kCount) == 1);
    CHECK(event(guest, 0).userdata == 9);
    CHECK(event(guest, 0).nbytes == 3);
    CHECK(event(guest, 0).flags == 0);
  });
}

TEST_CASE("the end of a pipe and of a connection is flagged as a hang-up") {
  Pipe in;
  Pipe out;
  int sockets[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
  UniqueFd mine(sockets[0]);
  UniqueFd other(sockets[1]);
  ProcessConfig config;
  config.stdin_fd = in.read.get();
  config.stdout_fd = out.write.get();
  TestGuest guest(std::move(config));
  ProcessConfig with_socket;
  with_socket.stdin_fd = mine.get();
  TestGuest connected(std::move(with_socket));
  in.write.reset();
  out.read.reset();
  other.reset();
  guest.run([&] {
    put_fd(guest, 0, 1, EventType::fd_read, 0);
    put_fd(guest, 1, 2, EventType::fd_write, 1);
    CHECK(poll(guest, 2) == Errno::success);
    CHECK(guest.u32(kCount) == 2);
    CHECK(event(guest, 0).flags == eventrwflags::hangup);
    CHECK(event(guest, 1).flags == eventrwflags::hangup);
    put_fd(connected, 0, 1, EventType::fd_read, 0);
    CHECK(poll(connected, 1) == Errno::success);
    CHECK(event(connected, 0).flags == eventrwflags::hangup);
  });
}

TEST_CASE(
    "two guests wait for one pipe; each byte wakes both and goes to the one that came first") {
  Pipe pipe;
  ProcessConfig config;
  config.stdin_fd = pipe.read.get();
  TestGuest first(std::move(config));
  SystemClock clock;
  ProcessConfig same;
  same.stdin_fd = pipe.read.get();
  same.stdout_fd = same.stderr_fd = -1;
  auto second = Process::create(first.reactor, clock, std::move(same));
  REQUIRE(second.ok());
  std::vector<std::byte> bytes(1024);
  std::string got;
  first.run([&] {
    CHECK(go([&] {
            const Memory memory(bytes);
            CHECK(memory.store(0, Iovec{100, 8}) == Errno::success);
            const std::uint64_t args[] = {0, 0, 1, 50};
            const auto* read = find("wasi_snapshot_preview1", "fd_read");
            CHECK(read->call(**second, memory, args) == 0);
            got += '2';
          }).ok());
    CHECK(go([&] {
            CHECK(::write(pipe.write.get(), "x", 1) == 1);
            sleep_for(milliseconds(1));
            CHECK(::write(pipe.write.get(), "y", 1) == 1);
          }).ok());
    std::string text;
    CHECK(first.read(0, text, 1) == Errno::success);
    got += '1';
  });
  CHECK(got == "12");
}

TEST_CASE("a killed guest takes its waits back") {
  Pipe pipe;
  ProcessConfig config;
  config.stdin_fd = pipe.read.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    G& victim = this_g();
    CHECK(go([&] { this_scheduler().kill(victim); }).ok());
    put_fd(guest, 0, 9, EventType::fd_read, 0);
    put_clock(guest, 1, 8, ClockId::monotonic, 3'600'000 * kMs);
    CHECK_THROWS_AS(poll(guest, 2), Killed);
  });
  CHECK(guest.reactor.waits() == 0);
}

TEST_CASE("wasi_unstable's subscriptions have 56 bytes") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  guest.run([&] {
    unstable::Subscription s{};
    s.userdata = 5;
    s.tag = EventType::clock;
    s.identifier_or_fd = 99;
    s.id = 1;
    s.timeout = 7 * kMs;
    guest.put_value(kIn, s);
    s = {};
    s.userdata = 6;
    s.tag = EventType::fd_read;
    s.identifier_or_fd = 66;
    guest.put_value(kIn + Size{sizeof s}, s);
    CHECK(guest.call("poll_oneoff", {kIn, kOut, 1, kCount}, "wasi_unstable") == Errno::success);
    CHECK(clock.now() == Instant{7'000'000});
    CHECK(guest.call("poll_oneoff", {kIn, kOut, 2, kCount}, "wasi_unstable") == Errno::success);
    CHECK(event(guest, 0).userdata == 6);
    CHECK(event(guest, 0).error == Errno::badf);
  });
}
