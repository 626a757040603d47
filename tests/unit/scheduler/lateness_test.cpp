// SPDX-License-Identifier: Apache-2.0
// How late a G is that a timer readies, beside Gs whose turns take time: the clock of these tests
// moves only when a G says that it computed.
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {

constexpr int kSleeps = 100;

// Sleeps kSleeps times 10 ms beside one G for each of the lengths, which computes that long and
// yields, again and again. Returns how late the sleeps ended, the earliest first.
std::vector<Duration> lateness_beside(std::initializer_list<Duration> turns) {
  World w;
  bool done = false;
  for (const Duration turn : turns) {
    w.go("computes", [&w, &done, turn] {
      while (!done) {
        w.clock.advance(turn);
        yield();
      }
    });
  }
  std::vector<Duration> late;
  w.go("sleeps", [&] {
    for (int i = 0; i < kSleeps; ++i) {
      const Instant due = now() + milliseconds(10);
      sleep_until(due);
      late.push_back(now() - due);
    }
    done = true;
  });
  w.run();
  std::sort(late.begin(), late.end());
  return late;
}

}  // namespace

TEST_CASE("a sleeper beside Gs with turns of up to 80 us is late by 0.2 ms at most") {
  for (const std::int64_t us : {1, 10, 80}) {
    CAPTURE(us);
    CHECK(lateness_beside({microseconds(us)}).back() <= microseconds(200));
    CHECK(lateness_beside({microseconds(us), microseconds(us)}).back() <= microseconds(300));
  }
}

TEST_CASE("a sleeper beside a G with longer turns is late by the rest of one") {
  for (const std::int64_t us : {130, 300, 1'000, 10'000, 17'000}) {
    CAPTURE(us);
    const auto late = lateness_beside({microseconds(us)});
    CHECK(late[kSleeps - 2] <= microseconds(us));
    // The first: the length of turns was not known yet.
    CHECK(late.back() <= microseconds(4 * us));
  }
}

TEST_CASE("a sleeper beside two Gs with longer turns is late by the rest of one and one more") {
  const auto late = lateness_beside({microseconds(1'000), microseconds(1'000)});
  CHECK(late[kSleeps - 2] <= microseconds(2'000));
}

TEST_CASE("one long turn among many short ones delays a sleeper by that turn, not by 61") {
  const auto late = lateness_beside({microseconds(1), microseconds(1), microseconds(5'000)});
  CHECK(late.back() <= microseconds(2 * 5'000));
}

TEST_CASE("the one that gives way is not overtaken by those that are readied later") {
  World w;
  std::vector<int> order;
  bool done = false;
  for (int sleeper = 0; sleeper < 3; ++sleeper) {
    w.go("sleeps", [&, sleeper] {
      while (!done) {
        sleep_for(microseconds(1));
        order.push_back(sleeper);
      }
    });
  }
  w.go("computes", [&] {
    for (int i = 0; i < 100; ++i) {
      w.clock.advance(microseconds(300));
      yield();
      order.push_back(-1);
    }
    done = true;
  });
  w.run();
  // Each of its turns comes after at most one of each sleeper's.
  std::size_t since = 0;
  for (const int who : order) {
    since = who == -1 ? 0 : since + 1;
    CHECK(since <= 3);
  }
}

TEST_CASE("turns that become longer all at once make one sleep late, not the next ones") {
  World w;
  Duration turn = microseconds(1);
  bool done = false;
  w.go("computes", [&] {
    while (!done) {
      w.clock.advance(turn);
      yield();
    }
  });
  std::vector<Duration> late;
  w.go("sleeps", [&] {
    for (int i = 0; i < 20; ++i) {
      if (i == 10) turn = microseconds(80);
      const Instant due = now() + milliseconds(10);
      sleep_until(due);
      late.push_back(now() - due);
    }
    done = true;
  });
  w.run();
  std::sort(late.begin(), late.end());
  CHECK(late[18] <= microseconds(200));
  CHECK(late[19] <= microseconds(80 * 61));
}

TEST_CASE("an event is seen as soon as a timer beside Gs with long turns") {
  World w;
  bool done = false;
  Instant seen;
  w.go("computes", [&] {
    for (int i = 0; i < 1'000; ++i) {
      if (i == 500) {
        w.poller.at_next_poll([&] {
          seen = w.clock.now();
          done = true;
        });
        const Instant asked = w.clock.now();
        while (!done) {
          w.clock.advance(microseconds(80));
          yield();
        }
        CHECK(seen - asked <= microseconds(200));
        return;
      }
      w.clock.advance(microseconds(80));
      yield();
    }
  });
  w.run();
  CHECK(done);
}

TEST_CASE("under a Chooser the looks do not depend on how long turns take") {
  struct Fifo final : Chooser {
    std::size_t next_g(const RunQueue&) noexcept override { return 0; }
  };
  const auto looks_with = [](Duration turn) {
    World w;
    Fifo fifo;
    w.scheduler.set_chooser(&fifo);
    w.go("computes", [&] {
      for (int i = 0; i < 1'000; ++i) {
        w.clock.advance(turn);
        yield();
      }
    });
    w.run();
    w.scheduler.set_chooser(nullptr);
    return w.poller.looked();
  };
  CHECK(looks_with(microseconds(80)) == looks_with(Duration{}));
}

TEST_CASE("short turns are looked at outside every 61 switches, and long ones after each") {
  const auto looks_with = [](Duration turn) {
    World w;
    w.go("computes", [&] {
      for (int i = 0; i < 6'100; ++i) {
        w.clock.advance(turn);
        yield();
      }
    });
    w.run();
    return w.poller.looked();
  };
  CHECK(looks_with(nanoseconds(10)) <= 6'100 / kSwitchesPerLook + 10);
  CHECK(looks_with(microseconds(200)) >= 6'100);
}
