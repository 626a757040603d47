// SPDX-License-Identifier: Apache-2.0
// Schedule: the decisions of a run in which more than one thing could have been next.
//
// A run makes decisions, numbered from 0: which G, preempt or not, which case, how late, fault or
// not; of a Go guest which goroutine, and where one gives way. Each has n >= 2 options; option 0 is
// what the scheduler does without a Chooser (the oldest G, no preemption, the first ready case, on
// time, no fault). So a schedule is written down as its deviations: the decisions in which
// something else than 0 was taken. A failing schedule that is reduced to two deviations says where
// the bug is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::sim {

enum class Choice : std::uint8_t {
  pick,     // Which of the runnable Gs is next; 0: the oldest.
  preempt,  // At a safe point: 0 goes on, 1 to the tail.
  select,   // Which of the ready cases. Of a Go guest: 0: the first by Go's own chance.
  late,     // In how many steps of the lateness a sleep ends; 0: on time.
  fault,    // 0: none, 1: the call fails, 2: it moves fewer bytes.
  link,     // What a link does to bytes: 0 nothing; else a delay, a loss, a part of them.
  // Of a Go guest: which of its runnable goroutines is next; 0: the oldest. Does the running one
  // give way: 0 goes on, 1 at the start of the next function that it calls.
  goroutine,
  give_way,
};
inline constexpr std::size_t kChoices = 8;

constexpr const char* name(Choice choice) {
  constexpr const char* names[kChoices] = {"pick",  "preempt", "select",    "late",
                                           "fault", "link",    "goroutine", "give way"};
  return names[static_cast<std::size_t>(choice)];
}

struct Decision {
  Choice choice;
  std::uint32_t options;  // >= 2
  std::uint32_t taken;    // < options
  bool operator==(const Decision&) const = default;
};

struct Deviation {
  std::uint64_t at;  // The number of the decision.
  Decision decision;
  bool operator==(const Deviation&) const = default;
};

struct Schedule {
  std::uint64_t decisions = 0;        // How many decisions it covers.
  std::vector<Deviation> deviations;  // Ascending; decision.taken > 0.
  bool operator==(const Schedule&) const = default;
};

}  // namespace weft::sim
