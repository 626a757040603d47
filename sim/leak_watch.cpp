// SPDX-License-Identifier: Apache-2.0
#include "sim/leak_watch.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "os/wasip1/functions.h"
#include "os/wasip1/process.h"

namespace weft::sim {
namespace {

using guest::go::Goroutine;
using guest::go::GStatus;

constexpr std::uint64_t kMainId = 1;
constexpr std::size_t kShown = 10;
constexpr std::size_t kGoroutinesMax = 10'000;  // What is beyond is not looked at.

std::span<const std::byte> memory_of(const wasip1::Call& call) {
  std::span<std::byte> memory;
  const auto size =
      static_cast<wasip1::Size>(std::min<std::uint64_t>(call.memory.size(), UINT32_MAX));
  (void)call.memory.bytes(0, size, memory);
  return memory;
}

bool is_exit(const wasip1::Call& call) {
  return call.function.name == "proc_exit";
}

// Go begins so when it ends a program, in a piece of its own.
bool says_fatal_error(const wasip1::Call& call) {
  constexpr std::string_view kFatal = "fatal error: ";
  if (call.function.name != "fd_write" || call.args[0] != 2 || call.args[2] == 0) return false;
  std::array<wasip1::Size, 2> piece{};  // Where, and how long.
  std::string_view text;
  return call.memory.load(static_cast<wasip1::Size>(call.args[1]), piece) ==
             wasip1::Errno::success &&
         call.memory.text(piece[0], piece[1], text) == wasip1::Errno::success &&
         text.starts_with(kFatal);
}

bool runs(const Goroutine& goroutine) {
  return goroutine.status == GStatus::running || goroutine.status == GStatus::syscall;
}

}  // namespace

// os.Exit(0) by another goroutine ends the program as the program wants it.
bool LeakWatch::is_end_of_main(const wasip1::Call& call) const {
  if (main_ended_ || call.args[0] != 0) return false;
  const auto all = list_goroutines(*go_, memory_of(call), kGoroutinesMax);
  return std::any_of(all.begin(), all.end(), [](const Goroutine& goroutine) {
    return goroutine.status == GStatus::running && goroutine.id == kMainId;
  });
}

bool LeakWatch::before(const wasip1::Call& call, Instant now) {
  if (is_exit(call)) {
    if (!is_end_of_main(call)) return false;
    main_ended_ = true;
    ended_at_ = now;
    told_();
    return true;
  }
  if (!main_ended_) return false;
  if (!decided_ && says_fatal_error(call) && decide(call)) calls_ = 0;
  const bool is_late = now - ended_at_ > kTimeMax && calls_ > kFewCalls;
  if (++calls_ > kCallsMax || is_late) throw wasip1::Exit{0};
  return false;
}

// Go's own check for deadlocks writes while all goroutines wait, and ends the guest. Where another
// than the check writes, one runs: it may be one of Go's own, which runs finalizers, and the others
// may be asleep. To count them is quick, to list them is not.
bool LeakWatch::decide(const wasip1::Call& call) {
  const std::span<const std::byte> memory = memory_of(call);
  const guest::go::GoroutineCounts counts = count_goroutines(*go_, memory);
  if (counts.running + counts.runnable > 0) return false;
  auto all = list_goroutines(*go_, memory, kGoroutinesMax);
  if (std::any_of(all.begin(), all.end(), runs)) return false;
  std::erase_if(
      all, [](const Goroutine& goroutine) { return goroutine.is_system || goroutine.is_of_init; });
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
