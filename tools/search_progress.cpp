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

void SearchProgress::show(std::uint64_t done, const std::function<std::string()>& more) {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now;
  if (is_terminal_) {
    next_ += kOnTerminal;
  } else {
    next_ += kWithoutTerminal;
  }
  const double seconds = std::max(std::chrono::duration<double>(now - begun_).count(), 1e-3);
  const double rate = static_cast<double>(done) / seconds;
  std::string words = fmt::format("{} of {} schedules, {:.{}f} a second", done, schedules_, rate,
                                  rate < 10 ? 1 : 0);
  if (more) words += ", " + more();
  if (!is_terminal_) return say("test: " + words);
  const std::uint64_t part = static_cast<std::uint64_t>(
      static_cast<double>(kBarWidth) * static_cast<double>(done) / static_cast<double>(schedules_));
  const std::string bar = std::string(std::min(part, kBarWidth), '#');
  std::fputs(fmt::format("\r[{:<{}}] {}\x1b[K", bar, kBarWidth, words).c_str(), stderr);
  shown_ = true;
}

bool SearchProgress::time_is_over() const {
  return limit_ > Duration{} && Clock::now() - begun_ >= std::chrono::nanoseconds(limit_.ns);
}

}  // namespace weft::tools
