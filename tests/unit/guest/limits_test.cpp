// SPDX-License-Identifier: Apache-2.0
// What one guest may use, and all together: the same on every engine. And what kills leave behind.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "guest/wabt/wat_text.h"
#include "tests/unit/guest/limited_guests.h"
#include "tests/unit/world.h"

using namespace weft;
using namespace weft::test;

namespace {

std::size_t count_of(const char* directory) {
  const auto begin = std::filesystem::directory_iterator(directory);
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("memory.grow fails at the guest's limit, and at that of all guests together") {
  constexpr std::uint64_t kPage = 65'536;
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests alone(engine);
    alone.spawn("c_limits", {"grow"}, with_sizes({.memory_bytes = 40 * kPage}));
    alone.run();
    CHECK(alone.output.text() == "40 pages, none lost\n");

    Guests together(engine, with_sizes({.memory_bytes = 50 * kPage}));
    together.spawn("c_limits", {"grow"});
    together.spawn("c_limits", {"grow"});
    together.run();
    std::istringstream text(together.output.text());
    std::string words;
    unsigned first = 0;
    unsigned second = 0;
    text >> first >> words >> words >> words >> second;
    CHECK(first + second == 50);
    CHECK(second > 0);
    // All of it is there again.
    together.spawn("c_limits", {"grow"});
    together.run();
    CHECK(together.output.text().find("50 pages") != std::string::npos);
  }
}

TEST_CASE("a guest whose first memory or tables are more than is left ends out of memory") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests memory(engine, with_sizes({.memory_bytes = 65'536}));
    const Guest& one = memory.spawn("c_limits", {"grow"});
    memory.run();
    check_trapped(one, TrapKind::out_of_memory, false);
    Guests tables(engine, with_sizes({.table_elements = 9}));
    const Guest& two = tables.spawn("wat_table_grow");
    tables.run();
    check_trapped(two, TrapKind::out_of_memory, false);
  }
}

TEST_CASE("tables grow to the limit of the guest, of its module, and of all guests") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine, with_sizes({.table_elements = 255}));
    const Guest& own = guests.spawn("wat_table_grow", {}, with_sizes({.table_elements = 39}));
    guests.run();
    CHECK(own.end()->exit_code == 3);
    const Guest& modules =
        guests.spawn("wat_table_grow", {}, GuestOptions{}.use, {.table_elements_max = 120});
    guests.run();
    CHECK(modules.end()->exit_code == 12);
    const Guest& all = guests.spawn("wat_table_grow");
    guests.run();
    CHECK(all.end()->exit_code == 25);
  }
  Runtime runtime;
  const auto refused = runtime.load(guest_path("wat_table_grow"), {.table_elements_max = 9});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("tables of 10 elements at start; the limit is 9") !=
        std::string::npos);
}

TEST_CASE(
    "a hundred tables that grew one after another took a hundred times their limit on interp") {
  std::string wat = "(module (memory (export \"memory\") 1)";
  for (int i = 0; i < 100; ++i) wat += i % 2 != 0 ? "(table 0 funcref)" : "(table 0 externref)";
  wat += "(func (export \"_start\")";
  for (int i = 0; i < 100; ++i) {
    // 990 of 1,000 elements, ten times -1, ten times 1 of those that are left, and then none.
    const char* const more = i == 0 ? "990" : i <= 10 ? "11" : "1";
    const char* const expected = i == 0 || (i > 10 && i <= 20) ? "0" : "-1";
    wat += std::string("(if (i32.ne (table.grow ") + std::to_string(i) + " (ref.null " +
           (i % 2 != 0 ? "func" : "extern") + ") (i32.const " + more + ")) (i32.const " + expected +
           ")) (then (unreachable)))";
  }
  std::vector<std::uint8_t> binary;
  REQUIRE(wat_to_binary(wat + "))", binary).empty());
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Runtime runtime(make_engine(engine));
    auto module = runtime.load_bytes("tables.wasm", std::as_bytes(std::span(binary)));
    REQUIRE_MESSAGE(module.ok(), (module.ok() ? "" : module.error().message));
    GuestOptions options{.stdin_from = -1, .stdout_to = -1, .stderr_to = -1};
    options.use = with_sizes({.table_elements = 1'000});
    const auto guest = runtime.spawn(*module, std::move(options));
    REQUIRE(guest.ok());
    CHECK(runtime.run().end == RunEnd::finished);
    CHECK((*guest)->end()->kind == GuestEnd::Kind::exited);
  }
}

TEST_CASE("a guest that may open no more gets EMFILE, or ENFILE when it is all guests' limit") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine, with_sizes({.descriptors = 20}));
    guests.spawn("c_limits", {"open"}, with_sizes({.descriptors = 10}));
    guests.run();
    CHECK(guests.output.text() == "6 opened, then EMFILE\n");
    guests.spawn("c_limits", {"open"});
    guests.run();
    CHECK(guests.output.text().find("16 opened, then ENFILE\n") != std::string::npos);
    const auto third = guests.try_spawn("c_limits", {"open"}, with_sizes({.descriptors = 3}));
    REQUIRE_FALSE(third.ok());
    CHECK(third.error().message.find("--fds") != std::string::npos);
  }
}

TEST_CASE(
    "fuel of all guests together ends one guest at the same fuel point as its own fuel does") {
  std::string expected;
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    for (const bool together : {false, true}) {
      constexpr std::uint64_t kFuel = 250'001;
      Guests guests(engine, with_sizes({.fuel = together ? kFuel : Budget::kUnlimited}));
      const Guest& guest =
          guests.spawn("c_compute", {}, GuestOptions{}.use, {.fuel = together ? 0 : kFuel});
      guests.run();
      check_trapped(guest, TrapKind::out_of_fuel);
      if (expected.empty()) expected = guests.output.text();
      CHECK(guests.output.text() == expected);
    }
    Guests two(engine, with_sizes({.fuel = 100'000}));
    const Guest& first = two.spawn("c_compute");
    const Guest& second = two.spawn("c_compute");
    two.run();
    check_trapped(first, TrapKind::out_of_fuel);
    check_trapped(second, TrapKind::out_of_fuel);
  }
}

TEST_CASE("a limit of fuel for a guest whose module counts none is refused, not ignored") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine);
    const auto guest = guests.try_spawn("c_compute", {}, with_sizes({.fuel = 1'000}));
    REQUIRE_FALSE(guest.ok());
    CHECK(guest.error().message.find("GuestLimits::fuel") != std::string::npos);
  }
}

TEST_CASE("a guest that grows its table when its stack ends ends alone") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine);
    for (std::size_t kib = 128; kib <= 1'024; kib *= 2) {
      const Guest& guest = guests.spawn("wat_grow_in_recursion", {}, GuestOptions{}.use,
                                        {.stack_bytes = kib * 1'024});
      guests.run();
      check_trapped(guest, TrapKind::stack_overflow);
    }
  }
}

TEST_CASE("no guest is spawned when the call stacks of all have their limit") {
  Guests guests("interp", with_sizes({.stack_bytes = 20 << 20}));
  guests.spawn("wat_tiny");
  guests.spawn("wat_tiny");
  const auto third = guests.try_spawn("wat_tiny");
  REQUIRE_FALSE(third.ok());
  CHECK(third.error().message.find("--total-stack") != std::string::npos);
  guests.run();
  CHECK(guests.try_spawn("wat_tiny").ok());
  guests.run();
}

TEST_CASE("a smaller stack is fewer calls, on every engine") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    for (const std::size_t kib : {128, 1'024}) {
      Guests guests(engine);
      const Guest& guest =
          guests.spawn("wat_recursion", {}, GuestOptions{}.use, {.stack_bytes = kib * 1'024});
      guests.run();
      check_trapped(guest, TrapKind::stack_overflow);
    }
  }
}

TEST_CASE("a deadline ends a guest that sleeps at that very moment of its clock") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    ManualClock clock;
    weft::test::FakePoller poller(clock);
    Output output;
    Runtime runtime({.clock = &clock, .poller = &poller}, make_engine(engine));
    auto module = runtime.load(guest_path("c_sleep2s"));
    REQUIRE(module.ok());
    const auto spawn = [&](Duration time) -> Guest& {
      return **runtime.spawn(*module,
                             {.stdin_from = -1, .stdout_to = output.fd(), .use = with_time(time)});
    };
    const Guest& late = spawn(milliseconds(700));
    const Guest& in_time = spawn(milliseconds(2'001));
    const Instant start = clock.now();
    Instant ended;
    runtime.on_guest_end([&](const Guest& guest) {
      if (&guest == &late) ended = clock.now();
    });
    CHECK(runtime.run().end == RunEnd::finished);
    CHECK(ended - start == milliseconds(700));
    check_trapped(late, TrapKind::out_of_time);
    CHECK(in_time.end()->kind == GuestEnd::Kind::exited);
    CHECK(runtime.scheduler().next_deadline() == Instant::far_future());
  }
}

TEST_CASE("a deadline ends a guest that computes, and the deadline of all ends every guest") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests alone(engine);
    const Guest& own = alone.spawn("c_busy", {}, with_time(milliseconds(20)));
    alone.run();
    check_trapped(own, TrapKind::out_of_time);
    Guests guests(engine, {.sizes = {}, .time = milliseconds(60)});
    std::vector<const Guest*> all;
    for (const char* name : {"c_busy", "c_busy", "c_sleep2s"}) all.push_back(&guests.spawn(name));
    guests.run();
    for (const Guest* guest : all) {  // Some of them perhaps before they had begun.
      CHECK(guest->end()->kind == GuestEnd::Kind::trapped);
      CHECK(guest->end()->trap.kind == TrapKind::out_of_time);
    }
    CHECK(guests.runtime.scheduler().next_deadline() == Instant::far_future());
  }
}

TEST_CASE("a killed guest tells in which functions it was, on every engine") {
  std::vector<std::vector<std::string>> told;
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine);
    Guest& asleep = guests.spawn("c_sleep2s");
    REQUIRE(guests.runtime.scheduler().spawn([&] { guests.runtime.kill(asleep); }).ok());
    guests.run();
    CHECK(asleep.end()->kind == GuestEnd::Kind::killed);
    CHECK(asleep.end()->trap.offset != 0);
    told.push_back(asleep.end()->trap.frames);
    guests.runtime.kill(asleep);  // Nothing happens.
  }
  CHECK_FALSE(told[0].empty());
  // A compiler may have put some functions into their callers.
  for (const std::string& frame : told[1]) {
    CHECK(std::find(told[0].begin(), told[0].end(), frame) != told[0].end());
  }
  CHECK(told[0].back() == told[1].back());
}

namespace {

// Descriptors to wait on: a pipe that nobody writes to, a listener that nobody connects to.
struct Silence {
  int pipe[2] = {-1, -1};
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  Silence() {
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(::listen(listener, 1) == 0);
  }
  ~Silence() {
    for (const int fd : {pipe[0], pipe[1], listener}) ::close(fd);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
};

// One guest in each state, and kills them: not begun, runnable, running, asleep, in a read, in
// accept.
void kill_in_each_state(Guests& guests, const Silence& silence) {
  Runtime& runtime = guests.runtime;
  std::vector<Guest*> all;
  const auto spawn = [&](const char* name, const std::vector<std::string>& args) {
    auto module = runtime.load(guest_path(name));
    REQUIRE(module.ok());
    auto guest = runtime.spawn(*module, {.args = args,
                                         .listeners = {silence.listener},
                                         .stdin_from = silence.pipe[0],
                                         .stdout_to = guests.output.fd(),
                                         .stderr_to = -1});
    REQUIRE(guest.ok());
    all.push_back(*guest);
    return *guest;
  };
  runtime.kill(*spawn("c_hello", {"hello"}));  // Not begun.
  spawn("c_busy", {"busy"});
  spawn("c_busy", {"busy"});
  spawn("c_sleep2s", {"sleep"});
  spawn("c_cat", {"cat"});
  spawn("c_accepts", {"accepts", "3"});
  spawn("c_yield_n", {"yield", "1000000000"});
  auto killer = runtime.scheduler().spawn([&] {
    for (int i = 0; i < 3; ++i) yield();
    for (Guest* guest : all) runtime.kill(*guest);
  });
  REQUIRE(killer.ok());
  guests.run();
  for (const Guest* guest : all) {
    CHECK(guest->end()->kind == GuestEnd::Kind::killed);
    CHECK(guest->g() == nullptr);
  }
  CHECK(runtime.scheduler().live() == 0);
  CHECK(runtime.scheduler().next_deadline() == Instant::far_future());
}

}  // namespace

TEST_CASE("kills in every state leave no descriptor, mapping, timer or G behind") {
  const Silence silence;
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine);
    kill_in_each_state(guests, silence);
    const std::size_t fds = count_of("/proc/self/fd");
    const std::size_t maps = count_of("/proc/self/map_files");
    for (int i = 0; i < 6; ++i) kill_in_each_state(guests, silence);
    CHECK(count_of("/proc/self/fd") == fds);
    CHECK(count_of("/proc/self/map_files") <= maps + 8);  // The heap's own may come and go.
  }
}
