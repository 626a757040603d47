// SPDX-License-Identifier: Apache-2.0
#include "tools/search_master.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "tools/messages.h"
#include "tools/noted_signals.h"
#include "tools/search_progress.h"

namespace weft::tools {
namespace {

constexpr double kAloneSeconds = 5;

class Master {
  struct Failed {
    std::uint64_t times = 0;
    std::set<std::string> workers;
  };

 public:
  Master(MasterQueue& queue, SearchBooks& books) : queue_(queue), books_(books) {}

  Status put_all() {
    for (std::uint64_t part = 1; part <= books_.parts(); ++part) {
      if (Status put = queue_.put(part, 0); !put) return put;
      NotedSignals::check();
      tell(false);
    }
    return Nothing{};
  }

  void tell(bool over) { queue_.tell({books_.last_needed(), over}); }

  // One report, if there is one; otherwise puts again what is lost.
  Status take() {
    auto report = queue_.next_report();
    if (!report) return report.error();
    if (!*report) return put_lost();
    if (Status entered = enter(**report); !entered) return entered;
    queue_.done_with_report();
    return Nothing{};
  }

 private:
  Status put_lost() {
    auto is_empty = queue_.is_empty();
    if (!is_empty) return is_empty.error();
    if (!*is_empty) return Nothing{};
    std::vector<std::uint64_t> lost;
    for (std::uint64_t part = 1; part <= books_.last_needed(); ++part) {
      if (!books_.has(part)) lost.push_back(part);
    }
    const std::string what = fmt::format("{} parts were lost on their way", lost.size());
    if (++lost_in_row_ > kLostInRow) {
      return Error{what + fmt::format(", and so were all that were given out again, {} times: is "
                                      "there a broken worker, or one of another program?",
                                      kLostInRow)};
    }
    for (const std::uint64_t part : lost) {
      if (Status put = queue_.put(part, ++puts_[part]); !put) return put;
    }
    say("test: " + what + "; they are given out again");
    return Nothing{};
  }

  Status enter(PartReport& report) {
    const std::uint64_t part = report.part;
    if (part < 1 || part > books_.parts() || books_.has(part)) {
      if (books_.has(part)) books_.note_twice();
      return Nothing{};
    }
    std::string wrong = report.error;
    if (wrong.empty()) {
      auto verdict = read_verdict(report.verdict);
      Result<SearchBooks::Entry> entered = Error{""};
      if (verdict) {
        entered = books_.enter(part, std::move(*verdict));
      } else {
        entered = verdict.error();
      }
      if (entered) {
        in_row_.clear();
        lost_in_row_ = 0;
        return Nothing{};
      }
      wrong = "a verdict that does not fit: " + entered.error().message;
    }
    const std::string what = fmt::format("part {} of {}: worker {}: {}", part, books_.parts(),
                                         printable(report.worker), printable(wrong));
    if (report.begun && is_enough(part, report.worker)) return Error{what};
    if (are_all_broken(report.worker)) {
      return Error{fmt::format("no worker gets a part done, {} failed {} times in a row; the last "
                               "was ",
                               in_row_.size() == 1 ? "the one that is there" : "all that are there",
                               kFailuresInRow) +
                   what};
    }
    say("test: " + what + "; it is given out again");
    return queue_.put(part, ++puts_[part]);
  }

  // Has it failed often enough, and at different workers, as far as there are some?
  bool is_enough(std::uint64_t part, const std::string& worker) {
    Failed& failed = failed_[part];
    ++failed.times;
    failed.workers.insert(worker);
    const std::uint64_t wanted = std::clamp<std::uint64_t>(queue_.workers(), 1, kPartAttempts);
    return failed.times >= kPartAttempts && failed.workers.size() >= wanted;
  }

  // A worker that is busy, or that has not failed often yet, may do better.
  bool are_all_broken(const std::string& worker) {
    ++in_row_[worker];
    const auto broken = std::count_if(in_row_.begin(), in_row_.end(), [](const auto& failed) {
      return failed.second >= kFailuresInRow;
    });
    return static_cast<std::size_t>(broken) == in_row_.size() && in_row_.size() >= queue_.workers();
  }

  MasterQueue& queue_;
  SearchBooks& books_;
  std::map<std::uint64_t, std::uint64_t> puts_;  // How often a part was given out again.
  std::map<std::uint64_t, Failed> failed_;       // Parts that came back without a verdict.
  // How often each worker has failed since the last verdict.
  std::map<std::string, std::uint64_t> in_row_;
  std::uint64_t lost_in_row_ = 0;
};

std::string time_in_words(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

// "4 workers, 0 failures, 2 min 5 s left"
std::string how_it_goes(MasterQueue& queue, const SearchBooks& books, std::uint64_t schedules,
                        double seconds) {
  std::string words = fmt::format("{} workers, {} failures", queue.workers(), books.failures());
  const std::uint64_t done = books.schedules();
  if (done == 0 || done > schedules) return words;
  const double left = seconds / static_cast<double>(done) * static_cast<double>(schedules - done);
  return words + ", " + time_in_words(left) + " left";
}

}  // namespace

Result<Verdict> run_master(MasterQueue& queue, SearchBooks& books, std::uint64_t schedules,
                           Duration search_limit) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begun = Clock::now();
  const auto seconds = [begun] {
    return std::chrono::duration<double>(Clock::now() - begun).count();
  };
  Master master(queue, books);
  {
    SearchProgress progress(schedules, search_limit);
    if (Status put = master.put_all(); !put) return put.error();
    bool is_alone = true;  // As far as is known, and nobody was told.
    while (!books.is_complete() && !progress.time_is_over()) {
      NotedSignals::check();
      if (Status taken = master.take(); !taken) return taken.error();
      master.tell(false);
      if (is_alone && queue.workers() > 0) is_alone = false;
      if (is_alone && seconds() > kAloneSeconds) {
        is_alone = false;
        say("test: no worker has taken a part yet: start weft worker --nats, of the same weft");
      }
      progress.show(books.schedules(),
                    [&] { return how_it_goes(queue, books, schedules, seconds()); });
    }
  }
  master.tell(true);
  if (books.parts_counted() == 0) {
    return Error{"the time is over, and no worker has sent anything: is there a weft worker?"};
  }
  return books.whole();
}

}  // namespace weft::tools
