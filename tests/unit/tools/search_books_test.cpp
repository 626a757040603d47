// SPDX-License-Identifier: Apache-2.0
// The books of a search on many machines, and its master on a queue that does all that a real one
// may do: reports come twice, out of order, from workers that fail, and do not fit.
#include "tools/search_books.h"

#include <doctest/doctest.h>

#include <deque>
#include <set>
#include <utility>

#include "tools/search_master.h"

using namespace weft;
using namespace weft::tools;

namespace {

constexpr std::uint64_t kSeeds = 100;
constexpr std::uint64_t kParts = 10;

SearchIdentity identity(bool keep_going = false) {
  SearchIdentity search;
  search.weft = "0.0.0";
  search.modules = {{"guest.wasm", std::string(64, 'a')}};
  search.policy = "random";
  search.seeds = {1, kSeeds};
  search.options = std::string(64, 'b');
  search.keep_going = keep_going;
  return search;
}

// What one process finds in a part when exactly these seeds fail.
Verdict verdict_of(std::uint64_t part, const std::set<std::uint64_t>& failing,
                   bool keep_going = false) {
  Verdict verdict;
  verdict.search = identity(keep_going);
  verdict.part = Part{part, kParts};
  verdict.seconds = 1;
  const SeedRange range = range_of(*verdict.part, verdict.search.seeds);
  for (std::uint64_t seed = range.first; seed < range.first + range.count; ++seed) {
    const bool fails = failing.contains(seed);
    const auto ending = fails ? sim::Ending::trapped : sim::Ending::passed;
    verdict.runs.push_back({.seed = seed, .steps = seed, .order = seed % 7, .ending = ending});
    if (!fails) continue;
    if (!verdict.failure) verdict.failure.emplace().what = {seed, ending};
    if (!keep_going) break;
  }
  count_runs(verdict);
  return verdict;
}

// What one process finds in all seeds.
Verdict whole_of(const std::set<std::uint64_t>& failing, bool keep_going = false) {
  std::vector<NamedVerdict> parts;
  for (std::uint64_t part = 1; part <= kParts; ++part) {
    parts.push_back({"part", verdict_of(part, failing, keep_going)});
  }
  auto whole = merge(std::move(parts));
  REQUIRE(whole);
  return *whole;
}

// What was not explored is said of the whole when it was so in a part that counts.
std::vector<std::string> unexplored_of_whole(const std::set<std::uint64_t>& failing) {
  std::vector<NamedVerdict> parts;
  for (std::uint64_t part = 1; part <= kParts; ++part) {
    parts.push_back({"part", verdict_of(part, failing)});
    parts.back().verdict.unexplored = {"in all"};
    if (part == 5) parts.back().verdict.unexplored.emplace_back("in the fifth");
  }
  auto whole = merge(std::move(parts));
  REQUIRE(whole);
  return whole->unexplored;
}

// Without the times, which are sums.
std::string text_of(Verdict verdict) {
  verdict.seconds = 0;
  return to_json(verdict);
}

// Gives back what is put, as the test says, and out of order: the last first.
class FakeQueue final : public MasterQueue {
 public:
  Status put(std::uint64_t part, std::uint64_t attempt) override {
    parts.push_back(part);
    attempts.insert({part, attempt});
    return Nothing{};
  }
  Result<std::optional<PartReport>> next_report() override {
    CHECK(!open_report);
    if (reports.empty()) work();
    if (reports.empty()) {
      if (++idle > kIdleMax) return Error{"nothing is left, and the search goes on"};
      return std::optional<PartReport>{};
    }
    PartReport report = reports.front();
    reports.pop_front();
    open_report = true;
    return std::optional(report);
  }
  void done_with_report() override { open_report = false; }
  void tell(const SearchNews& news) override { told = news; }
  Result<bool> is_empty() override {
    if (is_lost) return Error{"the stream is lost"};
    return parts.empty() && reports.empty();
  }
  std::uint64_t workers() override { return workers_there; }

  // A worker takes the last part, or the first; it knows what the master has told.
  void work() {
    while (!parts.empty()) {
      const auto next = in_order ? parts.begin() : std::prev(parts.end());
      const std::uint64_t part = *next;
      parts.erase(next);
      if (told.last_needed != 0 && part > told.last_needed) continue;
      for (PartReport& report : run(part)) reports.push_back(std::move(report));
      return;
    }
  }

  std::function<std::vector<PartReport>(std::uint64_t part)> run;
  std::vector<std::uint64_t> parts;
  std::set<std::pair<std::uint64_t, std::uint64_t>> attempts;
  std::deque<PartReport> reports;
  SearchNews told;
  bool open_report = false;
  bool is_lost = false;
  bool in_order = false;
  std::uint64_t workers_there = 1;
  int idle = 0;
  static constexpr int kIdleMax = 200;
};

PartReport report_of(std::uint64_t part, const Verdict& verdict) {
  return {part, "host/1", to_json(verdict), ""};
}

}  // namespace

TEST_CASE("parts in any order make the verdict of one process") {
  for (const std::set<std::uint64_t>& failing :
       {std::set<std::uint64_t>{}, {1}, {35, 36, 70}, {100}, {41, 12}}) {
    for (const bool keep_going : {false, true}) {
      SearchBooks books(identity(keep_going), kParts);
      for (const std::uint64_t part : {4, 9, 1, 10, 2, 7, 3, 8, 6, 5}) {
        const auto entry = books.enter(part, verdict_of(part, failing, keep_going));
        REQUIRE(entry);
        CHECK(*entry == SearchBooks::Entry::counted);
      }
      REQUIRE(books.is_complete());
      const auto whole = books.whole();
      REQUIRE(whole);
      CHECK(text_of(*whole) == text_of(whole_of(failing, keep_going)));
    }
  }
}

TEST_CASE("what one part did not explore the whole did not, up to the first failure") {
  CHECK(unexplored_of_whole({}) == std::vector<std::string>{"in all", "in the fifth"});
  CHECK(unexplored_of_whole({kSeeds}) == std::vector<std::string>{"in all", "in the fifth"});
  CHECK(unexplored_of_whole({1}) == std::vector<std::string>{"in all"});
}

TEST_CASE("a part that comes twice is counted once") {
  SearchBooks books(identity(), kParts);
  for (std::uint64_t part = 1; part <= kParts; ++part) {
    CHECK(*books.enter(part, verdict_of(part, {})) == SearchBooks::Entry::counted);
    CHECK(*books.enter(part, verdict_of(part, {})) == SearchBooks::Entry::twice);
  }
  CHECK(books.schedules() == kSeeds);
  CHECK(books.twice() == kParts);
  CHECK(text_of(*books.whole()) == text_of(whole_of({})));
}

TEST_CASE("what lies behind the first failure is not needed, and not counted") {
  SearchBooks books(identity(), kParts);
  CHECK(books.last_needed() == kParts);
  REQUIRE(books.enter(8, verdict_of(8, {75})));
  CHECK(books.last_needed() == 8);
  REQUIRE(books.enter(3, verdict_of(3, {25})));
  CHECK(books.last_needed() == 3);
  CHECK_FALSE(books.is_complete());
  REQUIRE(books.enter(2, verdict_of(2, {})));
  REQUIRE(books.enter(1, verdict_of(1, {})));
  REQUIRE(books.is_complete());
  const auto whole = books.whole();
  REQUIRE(whole);
  CHECK(whole->schedules == 25);
  CHECK(text_of(*whole) == text_of(whole_of({25, 75})));
}

TEST_CASE("a search that is ended early says so, with what is there") {
  SearchBooks books(identity(), kParts);
  REQUIRE(books.enter(2, verdict_of(2, {})));
  REQUIRE(books.enter(5, verdict_of(5, {44})));
  const auto whole = books.whole();
  REQUIRE(whole);
  CHECK(whole->ended_early);
  CHECK(whole->schedules == 14);
  REQUIRE(whole->failure);
  CHECK(whole->failure->what.seed == 44);
}

TEST_CASE("a verdict of another search, or of another part, does not get into the books") {
  SearchBooks books(identity(), kParts);
  const auto refused = [&](std::uint64_t part, const Verdict& verdict) {
    const auto entry = books.enter(part, verdict);
    REQUIRE_FALSE(entry);
    CHECK(books.parts_counted() == 0);
    return entry.error().message;
  };
  Verdict other = verdict_of(1, {});
  other.search.weft = "0.0.1";
  CHECK(refused(1, other) == "it is of another search: another version of weft: 0.0.0 and 0.0.1");
  other = verdict_of(1, {});
  other.search.modules.front().sha256[0] = 'c';
  CHECK(refused(1, other).find("another module") != std::string::npos);
  CHECK(refused(2, verdict_of(1, {})) == "it is of part 1 of 10, not 2 of 10");
  other = verdict_of(1, {});
  other.runs.pop_back();
  CHECK(refused(1, other) == "rows are missing");
  other = verdict_of(1, {});
  other.ended_early = true;
  CHECK(refused(1, other) == "it ended early");
}

TEST_CASE(
    "a master whose workers die, repeat themselves and fail gets the verdict of one process") {
  for (const std::set<std::uint64_t>& failing : {std::set<std::uint64_t>{}, {35, 70}}) {
    FakeQueue queue;
    std::set<std::uint64_t> seen;
    queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
      const bool is_first_time = seen.insert(part).second;
      const PartReport good = report_of(part, verdict_of(part, failing));
      if (part % 3 == 0) return {good, good};  // It had been given to two workers.
      if (part % 3 == 1 && is_first_time) return {{part, "host/2", "", "no memory"}};
      if (part % 3 == 2 && is_first_time) {
        return {{part, "host/3", "{\"format\": \"other\"}", ""}};
      }
      return {good};
    };
    SearchBooks books(identity(), kParts);
    const auto whole = run_master(queue, books, kSeeds, Duration{});
    REQUIRE(whole);
    CHECK(text_of(*whole) == text_of(whole_of(failing)));
    CHECK(books.twice() > 0);
    CHECK(queue.told.over);
  }
}

TEST_CASE("a part that nobody can run ends the search, and the reason is told") {
  FakeQueue queue;
  queue.run = [](std::uint64_t part) -> std::vector<PartReport> {
    if (part == 4) return {{part, "host/2", "", "no memory"}};
    return {report_of(part, verdict_of(part, {}))};
  };
  SearchBooks books(identity(), kParts);
  const auto whole = run_master(queue, books, kSeeds, Duration{});
  REQUIRE_FALSE(whole);
  CHECK(whole.error().message == "part 4 of 10: worker host/2: no memory");
  CHECK(queue.attempts.contains({4, kPartAttempts - 1}));
  CHECK_FALSE(queue.attempts.contains({4, kPartAttempts}));
}

TEST_CASE("reports of parts that do not exist are left out") {
  FakeQueue queue;
  queue.run = [](std::uint64_t part) -> std::vector<PartReport> {
    const PartReport good = report_of(part, verdict_of(part, {}));
    return {{0, "host/1", good.verdict, ""}, {kParts + 1, "host/1", "", "?"}, good};
  };
  SearchBooks books(identity(), kParts);
  const auto whole = run_master(queue, books, kSeeds, Duration{});
  REQUIRE(whole);
  CHECK(whole->schedules == kSeeds);
}

TEST_CASE("parts that got lost on their way are put again, and the search ends") {
  FakeQueue queue;
  std::set<std::uint64_t> seen;
  queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
    if (part % 2 == 0 && seen.insert(part).second) return {};
    return {report_of(part, verdict_of(part, {}))};
  };
  SearchBooks books(identity(), kParts);
  const auto whole = run_master(queue, books, kSeeds, Duration{});
  REQUIRE(whole);
  CHECK(text_of(*whole) == text_of(whole_of({})));
  CHECK(queue.attempts.contains({2, 1}));
  CHECK_FALSE(queue.attempts.contains({1, 1}));
}

TEST_CASE("a queue that is lost ends the search, and the reason is told") {
  FakeQueue queue;
  queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
    if (part != 4) return {report_of(part, verdict_of(part, {}))};
    queue.is_lost = true;
    queue.parts.clear();
    return {};
  };
  SearchBooks books(identity(), kParts);
  const auto whole = run_master(queue, books, kSeeds, Duration{});
  REQUIRE_FALSE(whole);
  CHECK(whole.error().message == "the stream is lost");
}

TEST_CASE("one broken worker among others does not end the search") {
  FakeQueue queue;
  queue.workers_there = 3;
  std::uint64_t failures = 0;
  queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
    constexpr std::uint64_t kOften = 10 * kPartAttempts;  // It is always the first to take it.
    if (part == 4 && ++failures < kOften) return {{part, "host/broken", "", "no memory"}};
    return {report_of(part, verdict_of(part, {}))};
  };
  SearchBooks books(identity(), kParts);
  REQUIRE(run_master(queue, books, kSeeds, Duration{}));
  CHECK(failures == 10 * kPartAttempts);
}

TEST_CASE("a part that fails at as many workers as there are ends the search") {
  FakeQueue queue;
  queue.workers_there = 2;
  std::uint64_t failures = 0;
  queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
    return {{part, ++failures % 2 == 0 ? "host/1" : "host/2", "", "no memory"}};
  };
  SearchBooks books(identity(), kParts);
  CHECK_FALSE(run_master(queue, books, kSeeds, Duration{}));
  CHECK(failures == kPartAttempts);
}

// Each part had to come back three times: with a hundred parts, and pauses of the worker of up to
// 30 s, that took an hour.
TEST_CASE("of many parts a search whose workers are all broken ended only after minutes") {
  for (const std::uint64_t workers : {1, 2, 3}) {
    FakeQueue queue;
    queue.in_order = true;
    queue.workers_there = workers;
    std::uint64_t failures = 0;
    queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
      return {{part, "host/" + std::to_string(++failures % workers), "", "no memory"}};
    };
    SearchBooks books(identity(), kParts);
    const auto whole = run_master(queue, books, kSeeds, Duration{});
    REQUIRE_FALSE(whole);
    CHECK(failures == workers * kFailuresInRow);
    const std::string which = workers == 1 ? "the one that is there" : "all that are there";
    CHECK(whole.error().message.starts_with("no worker gets a part done, " + which +
                                            " failed 4 times in a row; the last was part "));
    CHECK(whole.error().message.ends_with(": no memory"));
  }
}

TEST_CASE("broken workers end no search while another one is busy, or has done a part since") {
  FakeQueue queue;
  queue.in_order = true;
  queue.workers_there = 3;  // The third has one part for long, and is heard of.
  std::uint64_t failures = 0;
  queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
    const bool is_later = ++failures > 9 * kFailuresInRow;
    if (is_later) queue.workers_there = 2;
    if (failures >= 9 * kFailuresInRow && failures % kFailuresInRow == 0)
      return {report_of(part, verdict_of(part, {}))};
    return {{part, failures % 2 == 0 ? "host/1" : "host/2", "", "no disk", false}};
  };
  SearchBooks books(identity(), kParts);
  REQUIRE(run_master(queue, books, kSeeds, Duration{}));
}

TEST_CASE("workers that can't begin a part for reasons of their own do not make the part bad") {
  FakeQueue queue;
  queue.workers_there = 5;
  std::uint64_t failures = 0;
  queue.run = [&](std::uint64_t part) -> std::vector<PartReport> {
    if (part == 4 && ++failures <= 2 * kPartAttempts) {
      return {{part, "host/" + std::to_string(failures % 3), "", "no disk", false}};
    }
    return {report_of(part, verdict_of(part, {}))};
  };
  SearchBooks books(identity(), kParts);
  REQUIRE(run_master(queue, books, kSeeds, Duration{}));
}

TEST_CASE("parts that get lost again and again end the search") {
  FakeQueue queue;
  queue.run = [](std::uint64_t) { return std::vector<PartReport>{}; };
  SearchBooks books(identity(), kParts);
  const auto whole = run_master(queue, books, kSeeds, Duration{});
  REQUIRE_FALSE(whole);
  CHECK(whole.error().message.find("10 parts were lost on their way, and so were all") == 0);
  CHECK(queue.attempts.contains({1, kLostInRow}));
  CHECK_FALSE(queue.attempts.contains({1, kLostInRow + 1}));
}
