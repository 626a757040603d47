// SPDX-License-Identifier: Apache-2.0
#include "scheduler/timers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

using namespace weft;

namespace {

struct Noted : Timer {
  explicit Noted(int n, std::vector<int>& log) : Timer(&fire), number(n), fired(log) {}
  static void fire(Timer& timer) {
    auto& self = static_cast<Noted&>(timer);
    self.fired.push_back(self.number);
  }
  int number;
  std::vector<int>& fired;
};

}  // namespace

TEST_CASE("timers fire in the order of their deadlines, ties in the order of arming") {
  std::vector<int> fired;
  TimerHeap heap;
  Noted a(1, fired), b(2, fired), c(3, fired), d(4, fired);
  heap.arm(c, Instant{30});
  heap.arm(a, Instant{10});
  heap.arm(b, Instant{10});
  heap.arm(d, Instant{40});
  CHECK(heap.next_deadline() == Instant{10});
  CHECK(heap.fire_due(Instant{30}) == 3);
  CHECK(fired == std::vector<int>{1, 2, 3});
  CHECK(heap.next_deadline() == Instant{40});
  heap.cancel(d);
  CHECK(heap.next_deadline() == Instant::far_future());
}

TEST_CASE("a cancelled timer does not fire, and cancelling twice is harmless") {
  std::vector<int> fired;
  TimerHeap heap;
  Noted a(1, fired);
  heap.arm(a, Instant{10});
  CHECK(a.armed());
  CHECK(heap.cancel(a));
  CHECK_FALSE(heap.cancel(a));
  CHECK(heap.fire_due(Instant{100}) == 0);
  CHECK(fired.empty());
}

TEST_CASE("a timer that re-arms itself for the past does not keep the others from firing") {
  struct Greedy : Timer {
    explicit Greedy(TimerHeap& h) : Timer(&fire), heap(h) {}
    static void fire(Timer& timer) {
      auto& self = static_cast<Greedy&>(timer);
      ++self.count;
      self.heap.arm(self, Instant{-1'000'000});
    }
    TimerHeap& heap;
    int count = 0;
  };
  std::vector<int> fired;
  TimerHeap heap;
  Greedy greedy(heap);
  Noted patient(1, fired);
  heap.arm(greedy, Instant{1});
  heap.arm(patient, Instant{5});
  heap.fire_due(Instant{5});
  CHECK(greedy.count == 1);
  CHECK(fired.size() == 1);
  heap.cancel(greedy);
}

TEST_CASE("the heap agrees with a sorted list over 20,000 random arms, cancels and looks") {
  std::mt19937_64 random(20260101);
  std::vector<int> fired;
  TimerHeap heap;
  std::vector<std::unique_ptr<Noted>> timers;
  timers.reserve(300);
  for (int i = 0; i < 300; ++i) timers.push_back(std::make_unique<Noted>(i, fired));
  struct Expected {
    std::int64_t deadline;
    std::uint64_t order;
    int number;
  };
  std::vector<Expected> expected;
  std::int64_t now = 0;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const int i = static_cast<int>(random() % timers.size());
    Noted& timer = *timers[static_cast<std::size_t>(i)];
    const auto same = [i](const Expected& e) { return e.number == i; };
    if (random() % 8 == 0) {
      now += static_cast<std::int64_t>(random() % 50);
      fired.clear();
      heap.fire_due(Instant{now});
      std::sort(expected.begin(), expected.end(), [](const Expected& a, const Expected& b) {
        return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
      });
      std::vector<int> due;
      while (!expected.empty() && expected.front().deadline <= now) {
        due.push_back(expected.front().number);
        expected.erase(expected.begin());
      }
      REQUIRE(fired == due);
    } else if (timer.armed()) {
      heap.cancel(timer);
      std::erase_if(expected, same);
    } else {
      const std::int64_t deadline = now + 1 + static_cast<std::int64_t>(random() % 100);
      heap.arm(timer, Instant{deadline});
      expected.push_back({deadline, step, i});
    }
    REQUIRE(heap.size() == expected.size());
  }
  for (const auto& timer : timers) heap.cancel(*timer);
}
