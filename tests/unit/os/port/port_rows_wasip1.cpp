// SPDX-License-Identifier: Apache-2.0
// The functions of os_wasip1.go: on a process whose arguments, clock and output a test knows.
#include <algorithm>
#include <array>
#include <cstring>

#include "tests/unit/os/port/port_rows.h"
#include "tests/unit/os/port/port_world.h"

using namespace weft;
using weft::test::PortWorld;

namespace {

constexpr port::errno_ kFault = 21;
constexpr port::errno_ kInval = 28;
constexpr port::errno_ kNosys = 52;

void check_exit() {
  PortWorld w;
  w.go("exits", [] { port::exit(3); });
  try {
    w.run();
    FAIL("exit returned");
  } catch (const wasip1::Exit& e) {
    CHECK(e.code == 3);
  }
}

void check_args_sizes_get() {
  PortWorld w;
  port::size argc = 0;
  port::size bytes = 0;
  CHECK(port::args_sizes_get(&argc, &bytes) == 0);
  CHECK(argc == 3);
  CHECK(bytes == sizeof "prog" + sizeof "-v" + sizeof "");
  CHECK(port::args_sizes_get(nullptr, &bytes) == kFault);
}

// The addresses that are filled in count from the start of the window.
void check_args_get() {
  PortWorld w;
  std::byte* const buffer = w.port.window().base + 100;
  port::uintptr32 argv[3] = {};
  CHECK(port::args_get(argv, buffer) == 0);
  CHECK(argv[0] == 100);
  CHECK(argv[1] == 105);
  CHECK(argv[2] == 108);
  CHECK(std::memcmp(buffer, "prog\0-v\0", 9) == 0);
  std::byte outside[32];
  CHECK(port::args_get(argv, outside) == kFault);
}

void check_environ_sizes_get() {
  PortWorld w;
  port::size count = 0;
  port::size bytes = 0;
  CHECK(port::environ_sizes_get(&count, &bytes) == 0);
  CHECK(count == 2);
  CHECK(bytes == sizeof "HOME=/" + sizeof "EMPTY=");
}

void check_environ_get() {
  PortWorld w;
  std::byte* const buffer = w.port.window().base;
  port::uintptr32 env[2] = {};
  CHECK(port::environ_get(env, buffer) == 0);
  CHECK(std::strcmp(reinterpret_cast<char*>(buffer) + env[1], "EMPTY=") == 0);
}

void check_clock_time_get() {
  PortWorld w;
  w.clock.advance(nanoseconds(1234));
  port::timestamp t = 0;
  CHECK(port::clock_time_get(port::clockMonotonic, 0, &t) == 0);
  CHECK(t == 1234);
  CHECK(port::clock_time_get(4, 0, &t) == kInval);
  CHECK(port::clock_time_get(port::clockMonotonic, 0, nullptr) == kFault);
}

void check_fd_write() {
  PortWorld w;
  std::memcpy(w.port.window().base, "hello, world", 12);
  w.on_g([] {
    const port::iovec vecs[] = {{7, 5}, {5, 2}, {0, 5}};
    port::size n = 0;
    CHECK(port::fd_write(1, vecs, 3, &n) == 0);
    CHECK(n == 12);
    const port::iovec outside{65535, 2};
    CHECK(port::fd_write(1, &outside, 1, &n) == kFault);
    CHECK(port::fd_write(9, vecs, 1, &n) == 8);
  });
  CHECK(w.output.text() == "world, hello");
}

void check_random_get() {
  PortWorld w;
  std::array<unsigned char, 64> bytes{};
  CHECK(port::random_get(bytes.data(), bytes.size()) == 0);
  CHECK(std::any_of(bytes.begin(), bytes.end(), [](auto b) { return b != 0; }));
  CHECK(port::random_get(nullptr, 1) == kFault);
}

void check_poll_oneoff() {
  PortWorld w;
  w.on_g([&] {
    port::subscription in[2] = {};
    in[0].userdata = 7;
    *in[0].u.subscriptionClock() = {port::clockMonotonic, 2'000'000, 1000, 0};
    in[1].userdata = 8;
    *in[1].u.subscriptionClock() = {port::clockMonotonic, 1'000'000, 1000, 0};
    port::event out[2];
    port::size n = 0;
    CHECK(port::poll_oneoff(in, out, 2, &n) == 0);
    CHECK(n == 1);
    CHECK(out[0].userdata == 8);
    CHECK(w.clock.now() == Instant{} + milliseconds(1));
    CHECK(port::poll_oneoff(in, out, 0, &n) == kInval);
    CHECK(port::poll_oneoff(nullptr, out, 1, &n) == kFault);
  });
}

void check_write1() {
  PortWorld w;
  w.on_g([&] {
    const char text[] = "from the stack";
    CHECK(port::write1(1, text, 14) == 14);
    CHECK_THROWS_WITH_AS(port::write1(7, text, 1), "fd_write failed", port::Throw);
    w.port.answer("fd_write", kNosys);
    CHECK_THROWS_WITH_AS(port::write1(1, text, 1), "fd_write failed", port::Throw);
  });
  CHECK(w.output.text() == "from the stack");
}

// Emulated, the G is parked and others run; strict, the thread sleeps and none runs.
void check_usleep() {
  PortWorld w;
  w.go("sleeper", [&] {
    port::usleep(1500);
    w.say("slept");
    CHECK(w.clock.now() == Instant{} + microseconds(1500));
    w.port.answer("poll_oneoff", kNosys);
    CHECK_THROWS_WITH_AS(port::usleep(1), "wasi_snapshot_preview1.poll_oneoff", port::Throw);
  });
  w.go("other", [&] { w.say("other"); });
  CHECK(w.run() == "other slept");

  Port::Config config = Port::strict();
  Duration slept;
  config.host_sleep = [&](Duration d) { slept = d; };
  PortWorld strict(config);
  strict.go("sleeper", [&] {
    port::usleep(1500);
    strict.say("slept");
  });
  strict.go("other", [&] { strict.say("other"); });
  CHECK(strict.run() == "slept other");
  CHECK(slept == microseconds(1500));
}

void check_get_random_data() {
  PortWorld w;
  std::byte bytes[32]{};
  port::getRandomData(bytes);
  CHECK(std::any_of(std::begin(bytes), std::end(bytes), [](auto b) { return b != std::byte{}; }));
  CHECK(port::readRandom(bytes) == 32);
  w.port.answer("random_get", kNosys);
  CHECK(port::readRandom(bytes) == 0);
  CHECK_THROWS_WITH_AS(port::getRandomData(bytes), "random_get failed", port::Throw);
}

void check_goenvs() {
  PortWorld w;
  port::goenvs();
  CHECK(w.port.argslice == std::vector<std::string>{"prog", "-v", ""});
  CHECK(w.port.envs == std::vector<std::string>{"HOME=/", "EMPTY="});
  for (const char* import : {"args_sizes_get", "args_get", "environ_sizes_get", "environ_get"}) {
    w.port.answer(import, kNosys);
    CHECK_THROWS_WITH_AS(port::goenvs(), (std::string(import) + " failed").c_str(), port::Throw);
    w.port.answer(import, std::nullopt);
  }
}

void check_walltime() {
  PortWorld w;
  w.clock.advance(nanoseconds(5'000'000'007));
  CHECK(port::walltime().sec == 5);
  CHECK(port::walltime().nsec == 7);
}

void check_walltime1() {
  PortWorld w;
  w.clock.advance(milliseconds(2500));
  CHECK(port::walltime1().sec == 2);
  CHECK(port::walltime1().nsec == 500'000'000);
  w.port.answer("clock_time_get", kNosys);
  CHECK_THROWS_WITH_AS((void)port::walltime1(), "clock_time_get failed", port::Throw);
}

void check_nanotime1() {
  PortWorld w;
  w.clock.advance(nanoseconds(99));
  CHECK(port::nanotime1() == 99);
  w.port.answer("clock_time_get", kNosys);
  CHECK_THROWS_WITH_AS((void)port::nanotime1(), "clock_time_get failed", port::Throw);
}

}  // namespace

std::vector<test::PortRow> test::port_wasip1_rows() {
  return {
      {"exit", "function", &check_exit},
      {"args_get", "function", &check_args_get},
      {"args_sizes_get", "function", &check_args_sizes_get},
      {"clock_time_get", "function", &check_clock_time_get},
      {"environ_get", "function", &check_environ_get},
      {"environ_sizes_get", "function", &check_environ_sizes_get},
      {"fd_write", "function", &check_fd_write},
      {"random_get", "function", &check_random_get},
      {"poll_oneoff", "function", &check_poll_oneoff},
      {"write1", "function", &check_write1},
      {"usleep", "function", &check_usleep},
      {"getRandomData", "function", &check_get_random_data},
      {"goenvs", "function", &check_goenvs},
      {"walltime", "function", &check_walltime},
      {"walltime1", "function", &check_walltime1},
      {"nanotime1", "function", &check_nanotime1},
  };
}
