// SPDX-License-Identifier: Apache-2.0
// A G before its first run: it has no stack, and nobody can tell by anything but memory.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "scheduler/local.h"
#include "scheduler/report.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("a G that waits for its first turn has no stack") {
  World w;
  std::vector<G*> gs;
  gs.reserve(1'000);
  for (int i = 0; i < 1'000; ++i) gs.push_back(&w.go("new", [] {}));
  for (const G* g : gs) CHECK(g->stack == nullptr);
  CHECK(w.scheduler.stacks_made() == 0);
  w.run();
}

TEST_CASE("ten thousand Gs that run one after the other take one stack") {
  World w;
  int ran = 0;
  for (int i = 0; i < 10'000; ++i) w.go("new", [&] { ++ran; });
  w.run();
  CHECK(ran == 10'000);
  CHECK(w.scheduler.stacks_made() == 1);
}

TEST_CASE("as many stacks are taken as Gs have run and not ended") {
  World w;
  for (int i = 0; i < 10; ++i) {
    w.go("parent", [] {
      for (int child = 0; child < 100; ++child) CHECK(go([] {}).ok());
      yield();
    });
  }
  w.run();
  CHECK(w.scheduler.stacks_made() == 11);  // The parents' and one for all of the children.
}

TEST_CASE("Gs take turns in the order of spawn, whether they have run before or not") {
  World w;
  w.go("a", [&] {
    w.say("a1");
    w.go("c", [&] { w.say("c"); });
    yield();
    w.say("a2");
    w.go("d", [&] { w.say("d"); });
    yield();
    w.say("a3");
  });
  w.go("b", [&] {
    w.say("b1");
    yield();
    w.say("b2");
  });
  CHECK(w.run() == "a1 b1 c a2 b2 d a3");
}

TEST_CASE("a dump shows a G that has not run with its id, state and name") {
  World w;
  w.go("first", [&] { w.trace = dump_gs(w.scheduler.census()); });
  w.go("second", [] {});
  w.run();
  CHECK(w.trace ==
        "goroutine 1 [running]: first\n"
        "goroutine 2 [runnable]: second\n");
}

TEST_CASE("readiness from outside reaches a G that has not run yet") {
  World w;
  G& g = w.go("parks", [&] {
    w.scheduler.park_for_outside();
    w.say("went on");
  });
  w.scheduler.ready_from_outside(g);
  CHECK(w.run() == "went on");
}

TEST_CASE("a G killed before its first turn is not called, but what it holds is destroyed") {
  World w;
  const auto held = std::make_shared<int>(0);
  G& g = w.go("victim", [&w, held] { w.say("ran"); });
  w.scheduler.kill(g);
  w.scheduler.kill(g);
  CHECK(held.use_count() == 2);
  w.go("other", [&] {
    for (int i = 0; i < 200; ++i) yield();
    w.say("other");
  });
  CHECK(w.run() == "other");
  CHECK(held.use_count() == 1);
}

TEST_CASE("the next G on a stack finds nothing of the last one's: locals, locks, sleeps") {
  static GLocal<int> local;
  World w;
  w.go("first", [&] {
    *local = 7;
    w.scheduler.lock_os_thread();
    sleep_for(milliseconds(1));
    w.scheduler.unlock_os_thread();
  });
  w.run();
  w.go("second", [&] {
    CHECK(*local == 0);
    CHECK(this_g().stack->locked_m == nullptr);
    CHECK_FALSE(this_g().stack->sleep_timer.armed());
    CHECK(w.scheduler.park_until(WaitReason::sleep, now() + milliseconds(1)) == false);
  });
  w.run();
  CHECK(w.scheduler.stacks_made() == 1);
}

TEST_CASE("a G may capture a kilobyte, what can only be moved, and what is strictly aligned") {
  struct alignas(64) Aligned {
    std::array<char, 64> bytes{};
  };
  World w;
  std::array<char, 1000> large{};
  large[999] = 'x';
  w.go("large", [&w, large] { w.say({&large[999], 1}); });
  w.go("moved", [&w, owned = std::make_unique<int>(5)] { w.say(std::to_string(*owned)); });
  w.go("aligned", [&w, aligned = Aligned{}] {
    CHECK(reinterpret_cast<std::uintptr_t>(&aligned) % 64 == 0);
    w.say("aligned");
  });
  CHECK(w.run() == "x 5 aligned");
}

TEST_CASE("a capture that throws when it is copied leaves no G behind") {
  struct Throws {
    Throws() = default;
    Throws(const Throws&) { throw std::runtime_error("no copy"); }
    std::array<char, 100> bytes{};
    void operator()() const {}
  };
  World w;
  const Throws f;
  CHECK_THROWS_WITH((void)w.scheduler.spawn(f), "no copy");
  CHECK(w.scheduler.live() == 0);
  CHECK(w.scheduler.runnable() == 0);
  w.go("next", [&] { w.say("next"); });
  CHECK(w.run() == "next");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("a yield inside a catch block to a G that has not run yet keeps the exception") {
  World w;
  w.go("catches", [&] {
    try {
      throw std::runtime_error("mine");
    } catch (const std::exception& e) {
      CHECK(go([&] {
              CHECK(std::current_exception() == nullptr);
              CHECK(std::uncaught_exceptions() == 0);
              w.say("new");
            }).ok());
      yield();
      w.say(e.what());
    }
    CHECK(std::current_exception() == nullptr);
  });
  CHECK(w.run() == "new mine");
}

// ASan maps more than any limit that would bite here.
#if !defined(WEFT_ASAN)
TEST_CASE("without address space spawn says so, and every G that it made runs") {
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = 300'000'000;
    ::setrlimit(RLIMIT_AS, &limit);
    World w;
    long made = 0;
    long running = 0;
    long most = 0;
    std::string error;
    while (error.empty()) {
      auto g = w.scheduler.spawn([&] {
        most = std::max(most, ++running);
        yield();  // All are on stacks of their own at once.
        --running;
      });
      g.ok() ? ++made : (error = g.error().message, 0);
    }
    const bool named = error.find("no address space for another") == 0;
    const bool ran = w.scheduler.run().end == RunEnd::finished && most == made && made > 1'000;
    // What has ended makes room.
    const bool again = w.scheduler.spawn([] {}).ok();
    ::_exit((named ? 1 : 0) + (ran ? 2 : 0) + (again ? 4 : 0));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}
#endif

// What the system says of this address: is its page in memory?
#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)
namespace {

bool is_resident(const void* address) {
  unsigned char in_memory = 0;
  const auto page = reinterpret_cast<std::uintptr_t>(address) & ~std::uintptr_t{4095};
  ::mincore(reinterpret_cast<void*>(page), 4096, &in_memory);
  return (in_memory & 1) != 0;
}

}  // namespace

TEST_CASE("stacks that overflow stayed resident: what lay unused for a second goes back") {
  World w;
  constexpr int kGs = 400;  // More than the 256 that keep something.
  std::vector<const char*> deep;
  for (int i = 0; i < kGs; ++i) {
    w.go("deep", [&] {
      [[maybe_unused]] volatile char frame[40'000];
      frame[0] = 1;
      deep.push_back(const_cast<const char*>(&frame[0]));
      yield();  // All at once.
    });
  }
  w.go("looks", [&] {
    yield();
    yield();
    CHECK(w.scheduler.live() == 1);
    for (const char* frame : deep) CHECK(is_resident(frame));
    // Two periods, and steps until all has gone.
    for (int ms = 0; ms < 2'100; ++ms) sleep_for(milliseconds(1));
    for (const char* frame : deep) CHECK_FALSE(is_resident(frame));
    // They can be used again.
    int ran = 0;
    for (int i = 0; i < kGs; ++i) {
      CHECK(go([&] {
              [[maybe_unused]] volatile char frame[40'000];
              frame[0] = 1;
              yield();
              ran += frame[0];
            }).ok());
    }
    sleep_for(milliseconds(1));
    CHECK(ran == kGs);
  });
  w.run();
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.scheduler.stacks_made() == kGs + 1);
}

TEST_CASE("a loop with nothing to do comes back for much unused memory, then only for timers") {
  World w;
  for (int i = 0; i < 1'000; ++i) w.go("parks", [] { sleep_for(milliseconds(1)); });
  w.go("sleeps", [] { sleep_for(seconds(100)); });
  w.run();
  CHECK(w.clock.now() == Instant{} + seconds(100));
  // For two timers, for some ends of periods and some steps: not each second.
  CHECK(w.poller.waited() <= 12);
}
#endif
