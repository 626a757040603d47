// SPDX-License-Identifier: Apache-2.0
// Exploration of native programs: what is found, what is said, and that replays are the same runs.
#include "sim/explore/explore.h"

#include <doctest/doctest.h>

#include <set>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/wait_group.h"
#include "sim/explore/doctest_explore.h"

namespace {

using namespace weft;
using namespace weft::sim;

// Two Gs add 1 to a number, with a safe point in the middle.
void lost_update() {
  int number = 0;
  wait_group done;
  done.add(2);
  for (int i = 0; i < 2; ++i) {
    (void)weft::go([&] {
      const int seen = number;
      weft::checkpoint();
      number = seen + 1;
      done.done();
    });
  }
  done.wait();
  sim::check(number == 2, "an update was lost");
}

void lock_order() {
  mutex a;
  mutex b;
  int left = 2;
  const auto take = [&left](mutex& first, mutex& second) {
    first.lock();
    weft::checkpoint();
    second.lock();
    second.unlock();
    first.unlock();
    --left;
  };
  (void)weft::go([&] { take(a, b); });
  (void)weft::go([&] { take(b, a); });
  while (left > 0) weft::sleep_for(milliseconds(1));
}

ExploreOptions with(const char* policy, std::uint64_t seeds = 1000) {
  ExploreOptions options;
  options.settings.policy = *parse_policy(policy);
  options.settings.steps_max = 10'000;
  options.seeds = seeds;
  return options;
}

TEST_CASE("fifo never sees the lost update, random and pct and DFS do") {
  CHECK(!explore(lost_update, with("fifo", 20)).failure);
  for (const char* policy : {"random", "pct", "bounded"}) {
    CAPTURE(policy);
    const ExploreReport report = explore(lost_update, with(policy));
    REQUIRE(report.failure);
    CHECK(report.failure->record.ending == Ending::failed);
    CHECK(report.failure->record.message == "an update was lost");
  }
  ExploreOptions dfs = with("fifo");
  dfs.dfs = true;
  dfs.bound = 1;
  CHECK(explore(lost_update, dfs).failure);
}

TEST_CASE("a failing schedule is minimised: one preemption loses an update") {
  const ExploreReport report = explore(lost_update, with("random"));
  REQUIRE(report.failure);
  CHECK(report.failure->record.schedule.deviations.size() == 1);
  CHECK(report.failure->record.schedule.deviations[0].decision.choice == Choice::preempt);
}

TEST_CASE("a minimised schedule replays to the same run") {
  const ExploreReport report = explore(lost_update, with("random"));
  REQUIRE(report.failure);
  RunSettings settings;
  settings.seed = report.failure->seed;
  settings.forced = &report.failure->record.schedule;
  const RunRecord again = run_native(lost_update, settings);
  CHECK(again.hash == report.failure->record.hash);
  CHECK(again.ending == Ending::failed);
  CHECK(!again.left_schedule);
}

TEST_CASE("locks in the wrong order are a deadlock, or without end when somebody still ticks") {
  const ExploreReport report = explore(lock_order, with("random"));
  REQUIRE(report.failure);
  CHECK(report.failure->record.ending == Ending::livelock);
}

TEST_CASE("a native loop of yields ended in bad_alloc: it is a livelock after some steps") {
  ExploreOptions options;
  options.settings.policy = *parse_policy("pct");
  options.seeds = 1;
  options.twice = false;
  options.minimise_runs_max = 0;
  const ExploreReport report = explore(
      [] {
        for (;;) yield();
      },
      options);
  REQUIRE(report.failure.has_value());
  CHECK(report.failure->record.ending == Ending::livelock);
  CHECK(report.failure->record.message ==
        "more than " + std::to_string(kNativeStepsMax) + " steps");
}

TEST_CASE("a deadlock is told with the report of the scheduler") {
  const ExploreReport report = explore(
      [] {
        auto never = make_chan<int>();
        (void)never.recv();
      },
      with("fifo", 1));
  REQUIRE(report.failure);
  CHECK(report.failure->record.ending == Ending::deadlock);
  CHECK(report.failure->record.message.find("all goroutines are asleep") != std::string::npos);
}

TEST_CASE("DFS within a bound comes to an end, and sees each schedule once") {
  std::multiset<std::string> seen;
  ExploreOptions options = with("fifo", 10'000);
  options.dfs = true;
  options.twice = false;
  options.bound = 100;  // More than any schedule needs.
  const ExploreReport report = explore(
      [&seen] {
        std::string order;
        wait_group all_gone;
        all_gone.add(3);
        for (const char c : {'a', 'b', 'c'}) {
          (void)weft::go([&order, &all_gone, c] {
            order += c;
            all_gone.done();
          });
        }
        all_gone.wait();
        seen.insert(order);
      },
      options);
  CHECK(report.exhausted);
  CHECK(!report.failure);
  const std::set<std::string> different(seen.begin(), seen.end());
  CHECK(different == std::set<std::string>{"abc", "acb", "bac", "bca", "cab", "cba"});
  CHECK(seen.size() == 6);
}

TEST_CASE("select's choice is a decision: DFS tries both ready cases") {
  std::set<int> taken;
  ExploreOptions options = with("fifo", 100);
  options.dfs = true;
  const ExploreReport report = explore(
      [&taken] {
        auto a = make_chan<int>(1);
        auto b = make_chan<int>(1);
        a.send(1);
        b.send(2);
        int got = 0;
        weft::select(weft::on_recv(a, [&](std::optional<int> value) { got = *value; }),
                     weft::on_recv(b, [&](std::optional<int> value) { got = *value; }));
        taken.insert(got);
      },
      options);
  CHECK(report.exhausted);
  CHECK(taken == std::set<int>{1, 2});
}

TEST_CASE("a program that is not a function of its schedule is caught, and the first event named") {
  static int runs = 0;
  const ExploreReport report = explore(
      [] {
        if (++runs % 2 == 0) weft::sleep_for(milliseconds(1));
        weft::yield();
      },
      with("fifo", 1));
  REQUIRE(report.failure);
  CHECK(report.failure->record.ending == Ending::nondeterministic);
  CHECK(report.failure->record.message.find("running -> ") != std::string::npos);
}

TEST_CASE("a schedule of another program is followed as far as it fits, then the seed decides") {
  const ExploreReport report = explore(lost_update, with("random"));
  REQUIRE(report.failure);
  RunSettings settings;
  settings.forced = &report.failure->record.schedule;
  settings.policy = *parse_policy("random");
  settings.steps_max = 10'000;
  const RunRecord other = run_native(
      [] {
        for (int i = 0; i < 3; ++i) (void)weft::go([] { weft::sleep_for(milliseconds(1)); });
        weft::sleep_for(milliseconds(5));
      },
      settings);
  CHECK(other.ending == Ending::passed);
}

TEST_CASE("the doctest helper passes a right program") {
  WEFT_EXPLORE(with("random", 50), [] {
    weft::mutex lock;
    int number = 0;
    int left = 2;
    for (int i = 0; i < 2; ++i) {
      (void)weft::go([&] {
        lock.lock();
        const int seen = number;
        weft::checkpoint();
        number = seen + 1;
        lock.unlock();
        --left;
      });
    }
    while (left > 0) weft::yield();
    sim::check(number == 2);
  });
}

TEST_CASE("a schedule that computes for ever ends when its real time is up, and replays") {
  ExploreOptions options = with("fifo", 1);
  options.settings.steps_max = UINT64_MAX;
  options.settings.patience = nanoseconds(1);
  const auto spin = [] {
    for (;;) weft::checkpoint();
  };
  const ExploreReport report = explore(spin, options);
  REQUIRE(report.failure);
  const RunRecord& record = report.failure->record;
  CHECK(record.ending == Ending::livelock);
  CHECK(record.out_of_patience);
  CHECK(report.text().find("longer than one schedule may") != std::string::npos);
  RunSettings again = options.settings;
  again.patience = {};
  again.steps_max = record.steps_max;
  CHECK(run_native(spin, again).hash == record.hash);
}

TEST_CASE("a verdict names the bound within which there are no others, and what was not explored") {
  ExploreOptions options = with("fifo");
  options.dfs = true;
  options.bound = 1;
  options.unexplored = {"what lies inside of x"};
  const std::string said = explore([] { weft::yield(); }, options).text();
  CHECK(said.find("no others with at most 1 deviations") != std::string::npos);
  CHECK(said.find("not explored: what lies inside of x\n") != std::string::npos);
}

TEST_CASE("a search in which no schedule has run does not say that all pass") {
  ExploreReport report;
  report.ended_early = true;
  CHECK(report.text() == "0 schedules, 0 steps: the search was ended before one had run\n");
}

TEST_CASE("a search ends early when it is told to, and says so") {
  ExploreOptions options = with("fifo", 100);
  options.goes_on = [](const ExploreReport& so_far) { return so_far.schedules < 3; };
  const ExploreReport report = explore([] { weft::yield(); }, options);
  CHECK(report.schedules == 3);
  CHECK(report.ended_early);
  CHECK(report.text().find("was ended before all had run") != std::string::npos);
}

TEST_CASE("minimising ends when it is told to, with the smallest schedule so far") {
  const auto racy = [] {
    int turns = 0;
    wait_group group;
    for (int i = 0; i < 6; ++i) {
      group.add(1);
      (void)weft::go([&, i] {
        for (int n = 0; n < 4; ++n) weft::yield();
        sim::check(i != 0 || turns != 5, "the first one is last");
        ++turns;
        group.done();
      });
    }
    group.wait();
  };
  ExploreOptions options = with("random", 10'000);
  const ExploreReport whole = explore(racy, options);
  REQUIRE(whole.failure);
  CHECK(!whole.failure->ended_early);
  std::size_t last = 0;
  options.minimising_goes_on = [&](std::uint64_t runs, std::size_t deviations) {
    last = deviations;
    return runs < 2;
  };
  const ExploreReport report = explore(racy, options);
  REQUIRE(report.failure);
  CHECK(report.minimise_runs == 2);
  CHECK(report.failure->ended_early);
  CHECK(report.failure->found_with == whole.failure->found_with);
  CHECK(report.failure->record.schedule.deviations.size() == last);
  CHECK(last > whole.failure->record.schedule.deviations.size());
  CHECK(report.text().find("there may be a smaller one") != std::string::npos);
}

TEST_CASE("a failure is told with the last lines of stderr") {
  ExploreReport report;
  report.failure.emplace();
  report.failure->record.ending = Ending::exit_code;
  for (int i = 1; i <= 20; ++i) report.failure->record.err += "line " + std::to_string(i) + "\n";
  const std::string said = report.text();
  CHECK(said.find("line 20\n") != std::string::npos);
  CHECK(said.find("line 9\n") != std::string::npos);
  CHECK(said.find("line 8\n") == std::string::npos);
}

TEST_CASE("a failure is told with the begin of a line that is very long, and says what is cut") {
  ExploreReport report;
  report.failure.emplace();
  report.failure->record.ending = Ending::exit_code;
  report.failure->record.err = std::string(300'000, 'x') + "\n";
  report.failure->record.err_cut = true;
  const std::string said = report.text();
  CHECK(said.size() < 3'000);
  CHECK(said.find("the last lines of stderr:\n    xxx") != std::string::npos);
  CHECK(said.find("xxx... (a line of 300000 bytes)\n") != std::string::npos);
}

}  // namespace

TEST_CASE("each seed of a search draws what computing costs, where it is told to") {
  sim::RunSettings settings;
  settings.cost = microseconds(7);
  CHECK(sim::of_seed(settings, 3).seed == 3);
  CHECK(sim::of_seed(settings, 3).cost == microseconds(7));
  settings.draws_cost = true;
  std::set<std::int64_t> costs;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    costs.insert(sim::of_seed(settings, seed).cost.ns);
    CHECK(sim::of_seed(settings, seed).cost == sim::of_seed(settings, seed).cost);
  }
  CHECK(costs == std::set<std::int64_t>{0, 1'000, 10'000, 100'000});
}

TEST_CASE("an order that needs a G to go on for thousands of safe points is found") {
  const auto kept_waiting = [] {
    bool is_over = false;
    bool came_too_late = false;
    wait_group done;
    done.add(2);
    (void)weft::go([&] {
      for (int i = 0; i < 3000; ++i) weft::checkpoint();
      is_over = true;
      done.done();
    });
    (void)weft::go([&] {
      came_too_late = is_over;
      done.done();
    });
    done.wait();
    sim::check(!came_too_late, "it came too late");
  };
  for (const char* policy : {"random", "pct"}) {
    CAPTURE(policy);
    ExploreOptions options = with(policy, 100);
    options.settings.searches_go = true;
    const ExploreReport report = explore(kept_waiting, options);
    REQUIRE(report.failure);
    CHECK(report.failure->seed % 16 == 0);
    options.settings.searches_go = false;
    CHECK(!explore(kept_waiting, options).failure);
  }
}

TEST_CASE("a seed that preempts nobody leaves the next ones as they are") {
  sim::RunSettings settings;
  settings.policy = *parse_policy("random");
  CHECK(to_string(sim::of_seed(settings, 16).policy) == "random");
  settings.searches_go = true;
  CHECK(to_string(sim::of_seed(settings, 15).policy) == "random");
  CHECK(to_string(sim::of_seed(settings, 16).policy) == "random:preempt=0");
  CHECK(to_string(sim::of_seed(settings, 17).policy) == "random");
}

TEST_CASE("a search is fair from half of its steps on, whatever computing costs") {
  sim::RunSettings settings;
  settings.steps_max = 5000;
  settings.cost = microseconds(7);
  CHECK(sim::of_seed(settings, 1).fair_from == UINT64_MAX);
  CHECK(sim::unexplored_of(settings, 5000).empty());
  settings.searches_go = true;
  CHECK(sim::of_seed(settings, 1).fair_from == 2500);
  CHECK(sim::of_seed(settings, 1).cost == microseconds(7));
  CHECK(sim::unexplored_of(settings, 2499).empty());
  CHECK(sim::unexplored_of(settings, 2500) == "other orders after step 2500");
}
