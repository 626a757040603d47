// SPDX-License-Identifier: Apache-2.0
#include "guest/goroutine_dump.h"

#include <algorithm>
#include <string>

#include "base/printable.h"
#include "guest/go/preemption.h"
#include "guest/runtime.h"

namespace weft {
namespace {

using guest::go::Goroutine;
using guest::go::GoroutineCounts;
using guest::go::GStatus;

bool runs(const Goroutine& goroutine) {
  return goroutine.status == GStatus::running;
}

GoroutineCounts counts_in(const GoMemory& memory, GoroutineBudget& budget) {
  if (memory.runtime == nullptr) return {};
  const GoroutineCounts counts = count_goroutines(*memory.runtime, memory.bytes, budget.counted);
  budget.counted -= counts.looked_at;
  return counts;
}

// Calls f(guest, memory, counts) for each Go guest with goroutines, or of which tells_more(guest)
// is true, and takes a line for it, while there is room; how many guests were left out.
template <class More, class F>
std::size_t each_go_guest(const Runtime& runtime, const GoMemorySource& of, GoroutineBudget& budget,
                          More tells_more, F f) {
  std::size_t left_out = 0;
  for (const auto& guest : runtime.guests()) {
    const GoMemory memory = of(*guest);
    if (memory.runtime == nullptr) continue;
    if (budget.counted == 0 || budget.lines == 0) {
      ++left_out;
      continue;
    }
    const GoroutineCounts counts = counts_in(memory, budget);
    if (counts.all() == 0 && !tells_more(*guest)) continue;
    --budget.lines;
    f(*guest, memory, counts);
  }
  return left_out;
}

std::string and_more(std::size_t guests) {
  return "and " + std::to_string(guests) + (guests == 1 ? " more guest" : " more guests");
}

std::string in_words(const GoroutineCounts& counts) {
  std::string text;
  const auto add = [&](std::size_t count, const char* state) {
    if (count == 0) return;
    if (!text.empty()) text += ", ";
    text += std::to_string(count) + " " + state;
  };
  add(counts.running, "running");
  add(counts.runnable, "runnable");
  add(counts.waiting, "waiting");
  if (text.empty()) text = "none";
  return counts.is_whole ? text : text + ", and more";
}

// Where a guest computes when none of the goroutines that were looked at does.
std::string line_of_scheduler(const guest::go::GoRuntime& runtime, const Computing& computing,
                              const GoroutineCounts& counts) {
  std::string function = printable(runtime.name(computing.function));
  if (function.empty()) function = "function " + std::to_string(computing.function);
  return counts.is_whole ? "  on the stack of Go's scheduler: " + function + "\n"
                         : "  it computes in " + function + "\n";
}

// A line, and of the one that runs some more: who called the function that it is in, and how long
// it has been asked to give way.
std::string lines_of(const Goroutine& goroutine, const guest::go::Preemption* preemption) {
  std::string text = "  " + describe(goroutine) + "\n";
  const char* called = "    called by ";
  if (goroutine.is_on_system_stack) {
    text += "    on the stack of Go's scheduler\n";
    called = "    for ";
  }
  for (const guest::go::GoCaller& caller : goroutine.callers) {
    text += called + caller.function + in_words(caller.at) + "\n";
  }
  if (goroutine.has_more_callers) text += "    called by others\n";
  if (goroutine.status != GStatus::running || preemption == nullptr) return text;
  const Duration asked = preemption->waits();
  if (asked <= Duration{}) return text;
  return text + "    " + (goroutine.in.empty() ? "it" : goroutine.in) +
         " has been asked to give way for " + std::to_string(asked.ns / 1'000'000) +
         " ms, and has called no function\n";
}

}  // namespace

GoMemory go_memory_of(const Guest& guest) {
  const guest::go::Preemption* preemption = guest.preemption();
  if (preemption == nullptr || preemption->memory().empty()) return {};
  return {&preemption->runtime(), preemption->memory()};
}

std::vector<Goroutine> goroutines_of(const Guest& guest) {
  const GoMemory memory = go_memory_of(guest);
  if (memory.runtime == nullptr) return {};
  return list_goroutines(*memory.runtime, memory.bytes, guest::go::kGoroutinesListed,
                         guest.computing());
}

GoroutineCounts goroutine_counts_of(const Guest& guest) {
  GoroutineBudget budget;
  return goroutine_counts_of(guest, budget);
}

GoroutineCounts goroutine_counts_of(const Guest& guest, GoroutineBudget& budget,
                                    const GoMemorySource& of) {
  return counts_in(of(guest), budget);
}

std::string dump_goroutines(const Runtime& runtime, const GoMemorySource& of,
                            GoroutineBudget budget) {
  std::string text;
  const auto add = [&](const Guest& guest, const GoMemory& memory, const GoroutineCounts& counts) {
    text += "goroutines of guest " + std::to_string(guest.number()) + " (" +
            printable(guest.name()) + "): " + in_words(counts) + "\n";
    std::size_t left = counts.all();
    const std::size_t max = std::min(guest::go::kGoroutinesListed, budget.lines);
    const auto computing = guest.computing();
    const auto all = list_goroutines(*memory.runtime, memory.bytes, max, computing, budget.places);
    if (computing && std::none_of(all.begin(), all.end(), runs)) {
      text += line_of_scheduler(*memory.runtime, *computing, counts);
    }
    for (const Goroutine& goroutine : all) {
      if (goroutine.is_system && !goroutine.in.empty() && runs(goroutine)) {
        text += lines_of(goroutine, guest.preemption());
        continue;
      }
      if (goroutine.is_system || left == 0) continue;
      const std::string lines = lines_of(goroutine, guest.preemption());
      const auto count = static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
      text += lines;
      --left;
      budget.lines -= std::min(budget.lines, count);  // One that runs is listed all the same.
    }
    if (left > 0) text += "  and " + std::to_string(left) + " more\n";
  };
  const auto computes = [](const Guest& guest) { return guest.computing().has_value(); };
  const std::size_t left_out = each_go_guest(runtime, of, budget, computes, add);
  if (left_out > 0) {
    text += and_more(left_out) + "\n";
  }
  if (budget.places.pairs == 0)
    text += "without some of the places in the source: too much to read\n";
  return text;
}

std::string goroutines_in_short(const Runtime& runtime, const GoMemorySource& of,
                                GoroutineBudget budget) {
  std::string text;
  const auto add = [&](const Guest& guest, const GoMemory& /*memory*/,
                       const GoroutineCounts& counts) {
    if (!text.empty()) text += "; ";
    text += "guest " + std::to_string(guest.number()) + ": " + in_words(counts) + " goroutines";
  };
  const auto never = [](const Guest& /*guest*/) { return false; };
  if (const std::size_t left_out = each_go_guest(runtime, of, budget, never, add); left_out > 0) {
    text += (text.empty() ? "" : "; ") + and_more(left_out);
  }
  return text;
}

}  // namespace weft
