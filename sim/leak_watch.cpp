// SPDX-License-Identifier: Apache-2.0
#include "sim/leak_watch.h"

#include <algorithm>

#include "os/wasip1/functions.h"
#include "os/wasip1/process.h"

namespace weft::sim {
namespace {

using guest::go::Goroutine;
using guest::go::GStatus;

constexpr std::uint64_t kMainId = 1;
constexpr std::size_t kShown = 10;
constexpr std::size_t kGoroutinesMax = 10'000;  // What is beyond is not looked at.

std::vector<Goroutine> goroutines_of(const wasip1::Call& call, const guest::go::GoRuntime& go) {
  std::span<std::byte> memory;
  const auto size =
      static_cast<wasip1::Size>(std::min<std::uint64_t>(call.memory.size(), UINT32_MAX));
  if (call.memory.bytes(0, size, memory) != wasip1::Errno::success) return {};
  return list_goroutines(go, memory, kGoroutinesMax);
}

bool is_exit(const wasip1::Call& call) {
  return call.function.name == "proc_exit";
}

bool writes_to_stderr(const wasip1::Call& call) {
  return call.function.name == "fd_write" && call.args[0] == 2;
}

// It would go on.
bool is_active(const Goroutine& goroutine) {
  return !waits(goroutine);
}

}  // namespace

// os.Exit(0) by another goroutine ends the program as the program wants it.
bool LeakWatch::is_end_of_main(const wasip1::Call& call) const {
  if (main_ended_ || call.args[0] != 0) return false;
  const auto all = goroutines_of(call, *go_);
  return std::any_of(all.begin(), all.end(), [](const Goroutine& goroutine) {
    return goroutine.status == GStatus::running && goroutine.id == kMainId;
  });
}

bool LeakWatch::before(const wasip1::Call& call, Instant now) {
  if (is_exit(call)) {
    if (is_end_of_main(call)) {
      main_ended_ = true;
      ended_at_ = now;
      told_();
      return true;
    }
    if (main_ended_ && !decided_) decide(call);
    return false;
  }
  if (!main_ended_) return false;
  if (!decided_ && writes_to_stderr(call) && decide(call)) calls_ = 0;
  if (++calls_ > kCallsMax || now - ended_at_ > kTimeMax) throw wasip1::Exit{0};
  return false;
}

// Go's own check for deadlocks writes while all goroutines wait, and ends the guest. At a panic, or
// an exit as a goroutine wants it, one still runs.
bool LeakWatch::decide(const wasip1::Call& call) {
  auto all = goroutines_of(call, *go_);
  std::erase_if(all, [](const Goroutine& goroutine) { return goroutine.is_system; });
  if (std::any_of(all.begin(), all.end(), is_active)) return false;
  std::erase_if(all, [](const Goroutine& goroutine) { return goroutine.is_of_init; });
  leaks_ = std::move(all);
  decided_ = true;
  return true;
}

std::string LeakWatch::text() const {
  std::string said = std::to_string(leaks_.size()) + " goroutine";
  said += leaks_.size() == 1 ? " is" : "s are";
  said += " blocked for ever after main has ended";
  for (std::size_t n = 0; n < std::min(leaks_.size(), kShown); ++n) {
    said += "\n    " + describe(leaks_[n]);
  }
  if (leaks_.size() > kShown) said += "\n    ...";
  return said;
}

}  // namespace weft::sim
