// SPDX-License-Identifier: Apache-2.0
#include "guest/go/goroutines.h"

#include <algorithm>
#include <string_view>

namespace weft::guest::go {
namespace {

using wasip1::Errno;

// No guest has more: its stacks alone would not fit into a memory.
constexpr std::uint64_t kGoroutinesMax = 4'000'000;

// As Go's isSystemGoroutine. Finalizers are the exception: it counts them while they run user code.
bool is_system(std::string_view function) {
  return function.starts_with("runtime.") && function != "runtime.main" &&
         function != "runtime.corostart" && function != "runtime.handleAsyncEvent";
}

template <class T>
T load(wasip1::Memory memory, std::uint64_t at) {
  T value{};
  if (at <= UINT32_MAX) (void)memory.load(static_cast<wasip1::Size>(at), value);
  return value;
}

Goroutine read(const GoRuntime& runtime, wasip1::Memory memory, std::uint64_t g) {
  const Offsets& at = runtime.offsets;
  Goroutine read;
  read.g = static_cast<std::uint32_t>(g);
  read.id = load<std::uint64_t>(memory, g + at.g_goid);
  read.status = static_cast<GStatus>(load<std::uint32_t>(memory, g + at.g_status) & ~kScan);
  if (read.status == GStatus::waiting) {
    const auto reason = load<std::uint8_t>(memory, g + at.g_waitreason);
    if (reason < runtime.wait_reasons.size()) read.wait_reason = runtime.wait_reasons[reason];
  }
  read.function = runtime.name_at(load<std::uint64_t>(memory, g + at.g_startpc));
  read.created_at = load<std::uint64_t>(memory, g + at.g_gopc);
  if (read.created_at != 0) read.created_by = runtime.name_at(read.created_at);
  if (at.g_parent_goid != 0) read.created_in = load<std::uint64_t>(memory, g + at.g_parent_goid);
  read.is_system = is_system(read.function);
  return read;
}

}  // namespace

std::vector<Goroutine> goroutines(const GoRuntime& runtime, wasip1::Memory memory) {
  const std::uint32_t allgs = runtime.offsets.allgs;
  std::vector<Goroutine> found;
  if (allgs == 0) return found;
  const auto first = load<std::uint64_t>(memory, allgs);
  const auto count =
      std::min(load<std::uint64_t>(memory, std::uint64_t{allgs} + 8), kGoroutinesMax);
  for (std::uint64_t i = 0; i < count && first + 8 * i < memory.size(); ++i) {
    const auto g = load<std::uint64_t>(memory, first + 8 * i);
    if (g == 0 || g >= memory.size()) continue;
    Goroutine goroutine = read(runtime, memory, g);
    const bool lives = goroutine.status != GStatus::idle && goroutine.status != GStatus::dead;
    if (lives) found.push_back(std::move(goroutine));
  }
  return found;
}

std::string state_of(const Goroutine& goroutine) {
  switch (goroutine.status) {
    case GStatus::running:
      return "running";
    case GStatus::runnable:
      return "runnable";
    case GStatus::syscall:
      return "syscall";
    case GStatus::waiting:
      return goroutine.wait_reason.empty() ? "waiting" : goroutine.wait_reason;
    case GStatus::copystack:
      return "copystack";
    case GStatus::preempted:
      return "preempted";
    default:
      return "unknown";
  }
}

std::string describe(const Goroutine& goroutine) {
  std::string text = "goroutine " + std::to_string(goroutine.id) + " [" + state_of(goroutine) +
                     "]: " + (goroutine.function.empty() ? "?" : goroutine.function);
  if (!goroutine.created_by.empty()) text += ", created by " + goroutine.created_by;
  if (goroutine.created_in != 0) text += " in goroutine " + std::to_string(goroutine.created_in);
  return text;
}

}  // namespace weft::guest::go
