// SPDX-License-Identifier: Apache-2.0
#include "tools/search_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/messages.h"

namespace weft::tools {
namespace {

constexpr std::chrono::milliseconds kOnTerminal{100};
constexpr std::chrono::seconds kWithoutTerminal{60};
constexpr std::uint64_t kBarWidth = 40;

}  // namespace

SearchProgress::SearchProgress(std::uint64_t schedules, Duration limit)
    : schedules_(schedules),
      limit_(limit),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      next_(begun_ + (is_terminal_ ? std::chrono::seconds(0) : kWithoutTerminal)) {}

SearchProgress::~SearchProgress() {
  if (shown_ && is_terminal_) std::fputs("\r\x1b[K", stderr);
}

bool SearchProgress::is_due(Clock::time_point now) {
  if (now < next_) return false;
  next_ = now;
  if (is_terminal_) {
    next_ += kOnTerminal;
  } else {
    next_ += kWithoutTerminal;
  }
  return true;
}

void SearchProgress::put(std::uint64_t done, std::uint64_t of, const std::string& words) {
  if (!is_terminal_) return say("test: " + words);
  const std::uint64_t part = static_cast<std::uint64_t>(
      static_cast<double>(kBarWidth) * static_cast<double>(done) / static_cast<double>(of));
  const std::string bar = std::string(std::min(part, kBarWidth), '#');
  std::fputs(fmt::format("\r[{:<{}}] {}\x1b[K", bar, kBarWidth, words).c_str(), stderr);
  shown_ = true;
}

void SearchProgress::show(std::uint64_t done, const std::function<std::string()>& more) {
  const Clock::time_point now = Clock::now();
  if (!is_due(now)) return;
  const double seconds = std::max(std::chrono::duration<double>(now - begun_).count(), 1e-3);
  const double rate = static_cast<double>(done) / seconds;
  std::string words = fmt::format("{} of {} schedules, {:.{}f} a second", done, schedules_, rate,
                                  rate < 10 ? 1 : 0);
  if (more) words += ", " + more();
  put(done, schedules_, words);
}

void SearchProgress::show_minimising(std::uint64_t runs, std::uint64_t runs_max,
                                     std::size_t deviations) {
  if (!is_due(Clock::now())) return;
  put(runs, runs_max,
      fmt::format("a failing schedule is made smaller: {} deviations, {} of at most {} runs",
                  deviations, runs, runs_max));
}

bool SearchProgress::time_is_over() const {
  return limit_ > Duration{} && Clock::now() - begun_ >= std::chrono::nanoseconds(limit_.ns);
}

}  // namespace weft::tools
