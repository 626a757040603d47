// SPDX-License-Identifier: Apache-2.0
#include "guest/go/goroutine_list.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/printable.h"
#include "guest/go/callers.h"
#include "guest/go/guest_memory.h"
#include "guest/go/stack_scan.h"

namespace weft::guest::go {
namespace {

constexpr std::uint64_t kMainId = 1;
constexpr std::size_t kFileBytesMax = 200;

// As runtime.isSystemGoroutine: everything of the runtime but main.
bool is_system(std::string_view function) {
  return function.starts_with("runtime.") && function != "runtime.main";
}

// The function that runs a package's initialisation, or one called from it: "pkg.init.0.func1".
bool is_init(std::string_view function) {
  return function.ends_with(".init") || function.find(".init.") != std::string_view::npos;
}

std::string wait_reason(const GoRuntime& runtime, std::uint8_t reason) {
  return reason < runtime.wait_reasons.size() ? printable(runtime.wait_reasons[reason]) : "waiting";
}

// Made, and neither ended nor kept for a new one.
bool is_there(GStatus status) {
  return status != GStatus::idle && status != GStatus::dead && status <= GStatus::leaked;
}

std::optional<GStatus> status_of(const GoRuntime& runtime, std::span<const std::byte> memory,
                                 std::uint64_t g) {
  const auto status = read<std::uint32_t>(memory, g + runtime.offsets.g_status);
  return status ? std::optional(static_cast<GStatus>(*status & ~kScan)) : std::nullopt;
}

// Calls f(g, status) for each goroutine that is there of the first `max` that were made, until it
// returns false.
template <class F>
void each_goroutine(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t max,
                    F f) {
  const auto pointers = read<std::uint64_t>(memory, runtime.offsets.allgs);
  const auto count = read<std::uint64_t>(memory, runtime.offsets.allgs + std::uint64_t{8});
  if (!pointers || !count) return;
  for (std::uint64_t n = 0; n < std::min(*count, max); ++n) {
    const auto g = read<std::uint64_t>(memory, *pointers + (8 * n));
    if (!g || *g > memory.size()) return;
    const auto status = status_of(runtime, memory, *g);
    if (!status) return;
    if (is_there(*status) && !f(*g, *status)) return;
  }
}

// Where calls are in the source, each looked up once.
class Places {
 public:
  Places(const GoRuntime& runtime, PlaceBudget& budget) : runtime_(runtime), budget_(budget) {}

  SourcePlace before(std::uint64_t pc) {
    if (const auto known = known_.find(pc); known != known_.end()) return known->second;
    SourcePlace place = runtime_.place_before(pc, budget_);
    place.file = shown_file(place.file);
    return known_.emplace(pc, std::move(place)).first->second;
  }

 private:
  const GoRuntime& runtime_;
  PlaceBudget& budget_;
  std::unordered_map<std::uint64_t, SourcePlace> known_;
};

// Where in the program's own code one goes on that has left its stack; 0: not known.
std::uint64_t own_pc_of(const GoRuntime& runtime, std::span<const std::byte> memory,
                        std::uint64_t g) {
  const auto pc = read<std::uint64_t>(memory, g + runtime.offsets.g_sched_pc);
  const auto sp = read<std::uint64_t>(memory, g + runtime.offsets.g_sched_sp);
  return pc && sp ? own_pc(runtime, memory, {*pc, *sp}) : 0;
}

// Where the one that runs is.
void add_computing(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t g,
                   const Computing& computing, Places& places, Goroutine& goroutine) {
  goroutine.in = printable(runtime.name(computing.function));
  if (goroutine.in.empty()) return;
  goroutine.is_on_system_stack = !is_on_stack_of(runtime, memory, g, computing);
  if (goroutine.is_on_system_stack) {
    const std::uint64_t pc = own_pc_of(runtime, memory, g);
    if (pc != 0) goroutine.callers.push_back({printable(runtime.name_at(pc)), places.before(pc)});
    return;
  }
  const Callers callers = callers_of(runtime, memory, g, computing);
  for (const std::uint64_t pc : callers.pcs) {
    goroutine.callers.push_back({printable(runtime.name_at(pc)), places.before(pc)});
  }
  goroutine.has_more_callers = callers.has_more;
}

std::optional<Goroutine> read_goroutine(const GoRuntime& runtime, std::span<const std::byte> memory,
                                        std::uint64_t g, GStatus status, Places& places,
                                        const std::optional<Computing>& computing) {
  const Offsets& o = runtime.offsets;
  const auto id = read<std::uint64_t>(memory, g + o.g_goid);
  const auto reason = read<std::uint8_t>(memory, g + o.g_waitreason);
  const auto start = read<std::uint64_t>(memory, g + o.g_startpc);
  const auto go = read<std::uint64_t>(memory, g + o.g_gopc);
  const auto parent = read<std::uint64_t>(memory, g + o.g_parent_goid);
  if (!id || !reason || !start || !go || !parent) return {};
  const std::string_view function = runtime.name_at(*start);
  const std::string_view creator = runtime.name_at(*go);
  Goroutine goroutine;
  goroutine.id = *id;
  goroutine.status = status;
  goroutine.function = printable(function);
  goroutine.creator = printable(creator);
  goroutine.creator_id = *parent;
  goroutine.created_at = places.before(*go);
  goroutine.is_system = is_system(function);
  goroutine.is_of_init = is_init(creator);
  if (waits(status)) goroutine.wait_reason = wait_reason(runtime, *reason);
  if (status == GStatus::running) {  // What is saved of it is old.
    if (computing) add_computing(runtime, memory, g, *computing, places, goroutine);
    return goroutine;
  }
  if (const std::uint64_t pc = own_pc_of(runtime, memory, g); pc != 0) {
    goroutine.in = printable(runtime.name_at(pc));
    goroutine.at = places.before(pc);
  }
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

}  // namespace

std::string shown_file(std::string_view file) {
  if (file.size() <= kFileBytesMax) return printable(file);
  return "..." + printable(file.substr(file.size() - kFileBytesMax));
}

std::vector<Goroutine> list_goroutines(const GoRuntime& runtime, std::span<const std::byte> memory,
                                       std::size_t max, const std::optional<Computing>& computing,
                                       PlaceBudget& budget) {
  std::vector<Goroutine> goroutines;
  Places places(runtime, budget);
  bool has_running = false;
  each_goroutine(runtime, memory, kGoroutinesCounted, [&](std::uint64_t g, GStatus status) {
    const bool runs = status == GStatus::running;
    if (goroutines.size() >= max && (!runs || has_running)) return !has_running;
    // One runs. Where a broken module says that of many, no more than one stack is followed.
    auto goroutine =
        read_goroutine(runtime, memory, g, status, places, has_running ? std::nullopt : computing);
    if (!goroutine) return false;
    has_running = has_running || runs;
    goroutines.push_back(std::move(*goroutine));
    return true;
  });
  return goroutines;
}

GoroutineCounts count_goroutines(const GoRuntime& runtime, std::span<const std::byte> memory,
                                 std::uint64_t max) {
  GoroutineCounts counts;
  const auto made = read<std::uint64_t>(memory, runtime.offsets.allgs + std::uint64_t{8});
  counts.looked_at = std::min({made.value_or(0), max, kGoroutinesCounted});
  counts.is_whole = counts.looked_at == made.value_or(0);
  // Many goroutines of a program begin with the same function: it is looked up once for them.
  std::optional<std::uint64_t> start_before;
  bool is_own = false;
  each_goroutine(runtime, memory, counts.looked_at, [&](std::uint64_t g, GStatus status) {
    const auto start = read<std::uint64_t>(memory, g + runtime.offsets.g_startpc);
    if (!start) return false;
    if (start != start_before) is_own = is_system(runtime.name_at(*start));
    start_before = start;
    if (is_own) return true;
    if (waits(status)) {
      ++counts.waiting;
    } else if (status == GStatus::running || status == GStatus::syscall) {
      ++counts.running;
    } else {
      ++counts.runnable;
    }
    return true;
  });
  return counts;
}

bool waits(GStatus status) {
  return status == GStatus::waiting || status == GStatus::leaked;
}

std::string in_words(const SourcePlace& place) {
  return place.file.empty() ? "" : " at " + place.file + ":" + std::to_string(place.line);
}

std::string describe(const Goroutine& goroutine) {
  std::string said = "goroutine " + std::to_string(goroutine.id) + " [";
  said += goroutine.wait_reason.empty() ? name(goroutine.status) : goroutine.wait_reason;
  said += "]: " + goroutine.function;
  if (!goroutine.in.empty()) {
    if (goroutine.in != goroutine.function) said += " in " + goroutine.in;
    said += in_words(goroutine.at);
  }
  if (goroutine.creator.empty() || goroutine.id == kMainId) return said;  // As Go's own dumps.
  said += ", created by " + goroutine.creator;
  if (goroutine.creator_id != 0) said += " in goroutine " + std::to_string(goroutine.creator_id);
  return said + in_words(goroutine.created_at);
}

}  // namespace weft::guest::go
