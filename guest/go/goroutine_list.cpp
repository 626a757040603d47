// SPDX-License-Identifier: Apache-2.0
#include "guest/go/goroutine_list.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace weft::guest::go {
namespace {

constexpr std::uint64_t kGoroutinesMax = 10'000;  // What is beyond is left out.

template <class T>
std::optional<T> read(std::span<const std::byte> memory, std::uint64_t address) {
  if (address > memory.size() || memory.size() - address < sizeof(T)) return {};
  T value;
  std::memcpy(&value, memory.data() + address, sizeof value);
  return value;
}

// As runtime.isSystemGoroutine: everything of the runtime but main.
bool is_system(std::string_view function) {
  return function.starts_with("runtime.") && function != "runtime.main";
}

// The function that runs a package's initialisation, or one called from it: "pkg.init.0.func1".
bool is_init(std::string_view function) {
  return function.ends_with(".init") || function.find(".init.") != std::string_view::npos;
}

std::string wait_reason(const GoRuntime& runtime, std::uint8_t reason) {
  return reason < runtime.wait_reasons.size() ? runtime.wait_reasons[reason] : "waiting";
}

std::optional<Goroutine> read_goroutine(const GoRuntime& runtime, std::span<const std::byte> memory,
                                        std::uint64_t g) {
  const Offsets& o = runtime.offsets;
  const auto status = read<std::uint32_t>(memory, g + o.g_status);
  const auto id = read<std::uint64_t>(memory, g + o.g_goid);
  const auto reason = read<std::uint8_t>(memory, g + o.g_waitreason);
  const auto start = read<std::uint64_t>(memory, g + o.g_startpc);
  const auto go = read<std::uint64_t>(memory, g + o.g_gopc);
  const auto parent = read<std::uint64_t>(memory, g + o.g_parent_goid);
  if (!status || !id || !reason || !start || !go || !parent) return {};
  Goroutine goroutine;
  goroutine.id = *id;
  goroutine.status = static_cast<GStatus>(*status & ~kScan);
  goroutine.function = runtime.name_at(*start);
  goroutine.creator = runtime.name_at(*go);
  goroutine.creator_id = *parent;
  goroutine.created_at = runtime.place_before(*go);
  goroutine.is_system = is_system(goroutine.function);
  goroutine.is_of_init = is_init(goroutine.creator);
  if (waits(goroutine)) goroutine.wait_reason = wait_reason(runtime, *reason);
  return goroutine;
}

std::string_view name(GStatus status) {
  switch (status) {
    case GStatus::idle:
      return "idle";
    case GStatus::runnable:
      return "runnable";
    case GStatus::running:
      return "running";
    case GStatus::syscall:
      return "syscall";
    case GStatus::waiting:
      return "waiting";
    case GStatus::dead:
      return "dead";
    case GStatus::copystack:
      return "copystack";
    case GStatus::preempted:
      return "preempted";
    case GStatus::leaked:
      return "leaked";
  }
  return "???";
}

// Made, and neither ended nor kept for a new one.
bool is_there(GStatus status) {
  return status != GStatus::idle && status != GStatus::dead && status <= GStatus::leaked;
}

}  // namespace

std::vector<Goroutine> list_goroutines(const GoRuntime& runtime,
                                       std::span<const std::byte> memory) {
  std::vector<Goroutine> goroutines;
  const auto pointers = read<std::uint64_t>(memory, runtime.offsets.allgs);
  const auto count = read<std::uint64_t>(memory, runtime.offsets.allgs + std::uint64_t{8});
  if (!pointers || !count) return goroutines;
  for (std::uint64_t n = 0; n < std::min(*count, kGoroutinesMax); ++n) {
    const auto g = read<std::uint64_t>(memory, *pointers + (8 * n));
    if (!g || *g > memory.size()) break;
    auto goroutine = read_goroutine(runtime, memory, *g);
    if (!goroutine) break;
    if (!is_there(goroutine->status)) continue;
    goroutines.push_back(std::move(*goroutine));
  }
  return goroutines;
}

bool waits(const Goroutine& goroutine) {
  return goroutine.status == GStatus::waiting || goroutine.status == GStatus::leaked;
}

std::string describe(const Goroutine& goroutine) {
  std::string said = "goroutine " + std::to_string(goroutine.id) + " [";
  said += goroutine.wait_reason.empty() ? name(goroutine.status) : goroutine.wait_reason;
  said += "]: " + goroutine.function;
  if (goroutine.creator.empty()) return said;
  said += ", created by " + goroutine.creator;
  if (goroutine.creator_id != 0) said += " in goroutine " + std::to_string(goroutine.creator_id);
  if (!goroutine.created_at.file.empty()) {
    said += " at " + goroutine.created_at.file + ":" + std::to_string(goroutine.created_at.line);
  }
  return said;
}

}  // namespace weft::guest::go
