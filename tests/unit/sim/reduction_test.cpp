// SPDX-License-Identifier: Apache-2.0
// The reductions of depth first search lose nothing: small programs made by chance, searched with
// and without, must end in the same ways.
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "scheduler/sync/mutex.h"
#include "scheduler/sync/wait_group.h"
#include "sim/explore/explore.h"

namespace {

using namespace weft;
using namespace weft::sim;

struct Op {
  enum Kind : std::uint8_t { read, write, yield, sleep, locked_add } kind;
  unsigned variable;  // From 1.
};
using Program = std::vector<std::vector<Op>>;  // For each G.

constexpr unsigned kVariables = 3;

Program random_program(std::uint64_t seed) {
  Random random(seed);
  Program program(2 + random.below(2));
  for (auto& ops : program) {
    const std::uint32_t count = program.size() == 2 ? 2 + random.below(4) : 1 + random.below(3);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t kind = random.below(10);
      Op op{kind < 4 ? Op::read : Op::write, 1 + random.below(kVariables)};
      if (kind == 7) op.kind = Op::yield;
      if (kind == 8) op.kind = Op::sleep;
      if (kind == 9) op.kind = Op::locked_add;
      ops.push_back(op);
    }
  }
  return program;
}

// What the Gs of one run share.
struct Shared {
  unsigned variables[kVariables + 1] = {};
  mutex lock;
};

void perform(const Op& op, Shared& shared, unsigned& seen) {
  switch (op.kind) {
    case Op::read:
      access(op.variable, Touch::reads);
      seen = seen * 31 + shared.variables[op.variable];
      break;
    case Op::write:
      access(op.variable, Touch::writes);
      shared.variables[op.variable] = seen = seen * 31 + 1;
      break;
    case Op::yield:
      weft::yield();
      break;
    case Op::sleep:
      sleep_for(milliseconds(1));
      break;
    case Op::locked_add:
      access(kVariables + 1, Touch::writes);  // The lock is shared too.
      shared.lock.lock();
      access(op.variable, Touch::reads);
      const unsigned value = shared.variables[op.variable];
      access(op.variable, Touch::writes);
      shared.variables[op.variable] = value + 1;
      access(kVariables + 1, Touch::wakes);
      shared.lock.unlock();
      break;
  }
}

// Runs the program and returns how it ended: the variables, and what each G has seen.
std::string run_program(const Program& program) {
  Shared shared;
  std::vector<unsigned> seen(program.size());
  wait_group done;
  for (std::size_t g = 0; g < program.size(); ++g) {
    done.add(1);
    (void)weft::go([&, g] {
      seen[g] = static_cast<unsigned>(g);
      for (const Op& op : program[g]) perform(op, shared, seen[g]);
      done.done();
    });
  }
  done.wait();
  std::string end;
  for (const unsigned value : shared.variables) end += std::to_string(value) + " ";
  for (const unsigned value : seen) end += std::to_string(value) + " ";
  return end;
}

struct Searched {
  std::set<std::string> ends;
  ExploreReport report;
};

Searched search(const Program& program, std::uint32_t bound, bool reduce) {
  Searched searched;
  ExploreOptions options;
  options.dfs = true;
  options.bound = bound;
  options.reduce = reduce;
  options.twice = false;
  options.seeds = 100'000;
  options.settings.accesses_told = true;
  searched.report = explore([&] { searched.ends.insert(run_program(program)); }, options);
  return searched;
}

TEST_CASE("the reductions lose no way in which a program can end, within any bound") {
  std::uint64_t whole_runs = 0;
  std::uint64_t reduced_runs = 0;
  std::uint64_t different_ends = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Program program = random_program(seed);
    for (const std::uint32_t bound : {1U, 2U, 3U}) {
      const Searched whole = search(program, bound, false);
      const Searched reduced = search(program, bound, true);
      CAPTURE(seed);
      CAPTURE(bound);
      REQUIRE(whole.report.exhausted);
      REQUIRE(reduced.report.exhausted);
      CHECK(reduced.ends == whole.ends);
      CHECK(reduced.report.schedules <= whole.report.schedules);
      whole_runs += whole.report.schedules;
      reduced_runs += reduced.report.schedules;
      different_ends += whole.ends.size();
    }
  }
  MESSAGE("schedules without the reductions: ", whole_runs, ", with: ", reduced_runs);
  CHECK(different_ends > 300);               // They do depend on the schedule.
  CHECK(reduced_runs * 3 < whole_runs * 2);  // And there is something to leave out.
}

TEST_CASE("Gs that share nothing need hardly more than one schedule") {
  Program program(3);
  for (unsigned g = 0; g < 3; ++g) program[g].assign(4, Op{Op::write, g + 1});
  const Searched whole = search(program, 2, false);
  const Searched reduced = search(program, 2, true);
  CHECK(whole.ends.size() == 1);
  CHECK(reduced.ends.size() == 1);
  CHECK(whole.report.schedules > 90);
  CHECK(reduced.report.schedules < 30);
  CHECK(reduced.report.pruned > 0);
}

TEST_CASE("a bug behind two preemptions is found with the reductions, in fewer schedules") {
  const auto once = [] {
    unsigned value = 0;
    bool torn = false;
    wait_group done;
    done.add(2);
    (void)weft::go([&] {
      for (int i = 0; i < 6; ++i) access(2, Touch::writes);  // Its own.
      access(1, Touch::writes);
      value = 1;
      access(1, Touch::writes);
      value = 2;
      done.done();
    });
    (void)weft::go([&] {
      for (int i = 0; i < 6; ++i) access(3, Touch::writes);
      access(1, Touch::reads);
      torn = value == 1;
      done.done();
    });
    done.wait();
    sim::check(!torn, "torn");
  };
  ExploreOptions options;
  options.dfs = true;
  options.bound = 2;
  options.seeds = 10'000;
  options.settings.accesses_told = true;
  const ExploreReport reduced = explore(once, options);
  options.reduce = false;
  const ExploreReport whole = explore(once, options);
  REQUIRE(reduced.failure);
  REQUIRE(whole.failure);
  CHECK(reduced.schedules <= whole.schedules);
  CHECK(reduced.failure->record.message == "torn");
}

}  // namespace
