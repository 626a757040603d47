// SPDX-License-Identifier: Apache-2.0
#include "guest/goroutine_dump.h"

#include <string>

#include "base/printable.h"
#include "guest/go/preemption.h"
#include "guest/runtime.h"

namespace weft {
namespace {

using guest::go::Goroutine;
using guest::go::GoroutineCounts;
using guest::go::GStatus;

GoroutineCounts counts_in(const GoMemory& memory) {
  if (memory.runtime == nullptr) return {};
  return count_goroutines(*memory.runtime, memory.bytes);
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
  return text;
}

std::string lines_of(const Goroutine& goroutine, const guest::go::Preemption* preemption) {
  std::string text = "  " + describe(goroutine) + "\n";
  if (goroutine.status != GStatus::running || preemption == nullptr) return text;
  const Duration asked = preemption->waits();
  if (asked <= Duration{}) return text;
  return text + "    has been asked to give way for " + std::to_string(asked.ns / 1'000'000) +
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
  return list_goroutines(*memory.runtime, memory.bytes);
}

GoroutineCounts goroutine_counts_of(const Guest& guest) {
  return counts_in(go_memory_of(guest));
}

std::string dump_goroutines(const Runtime& runtime, const GoMemorySource& of) {
  std::string text;
  for (const auto& guest : runtime.guests()) {
    const GoMemory memory = of(*guest);
    const GoroutineCounts counts = counts_in(memory);
    if (counts.all() == 0) continue;
    text += "goroutines of guest " + std::to_string(guest->number()) + " (" +
            printable(guest->name()) + "): " + in_words(counts) + "\n";
    std::size_t left = counts.all();
    for (const Goroutine& goroutine : list_goroutines(*memory.runtime, memory.bytes)) {
      if (goroutine.is_system) continue;
      text += lines_of(goroutine, guest->preemption());
      --left;
    }
    if (left > 0) text += "  and " + std::to_string(left) + " more\n";
  }
  return text;
}

std::string goroutines_in_short(const Runtime& runtime, const GoMemorySource& of) {
  std::string text;
  for (const auto& guest : runtime.guests()) {
    const GoroutineCounts counts = counts_in(of(*guest));
    if (counts.all() == 0) continue;
    if (!text.empty()) text += "; ";
    text += "guest " + std::to_string(guest->number()) + ": " + in_words(counts) + " goroutines";
  }
  return text;
}

}  // namespace weft
