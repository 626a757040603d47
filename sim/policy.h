// SPDX-License-Identifier: Apache-2.0
// Policy: one way to order Gs, behind the scheduler's Chooser, by name.
//
//   --policy pct:depth=3  ─▶ parse_policy ─▶ make_policy ─▶ Policy ─▶ Scheduler::set_chooser
//                                                             ▲
//                         every change of a G's state ────────┘ (it is an EventSink too)
//
// A policy answers four questions: which runnable G is next (next_g), must the running one make
// room here (preempt), which of several equal things (one_of), and how late a sleep ends
// (lateness). It learns what it needs from on_event and from the queue. docs/policies.md shows how
// to write one.
//
// Each policy is one file of sim/policies; kPolicies in policy.cpp lists them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "scheduler/chooser.h"
#include "scheduler/event.h"
#include "scheduler/random.h"

namespace weft::sim {

// A policy's name and its parameters, as in "pct:depth=3,steps=500".
struct PolicySpec {
  std::string name = "fifo";
  std::map<std::string, std::uint64_t, std::less<>> parameters;

  // The parameter, or its default when it was not given.
  [[nodiscard]] std::uint64_t get(std::string_view parameter, std::uint64_t otherwise) const {
    const auto it = parameters.find(parameter);
    return it == parameters.end() ? otherwise : it->second;
  }
  bool operator==(const PolicySpec&) const = default;
};

class Policy : public Chooser, public EventSink {
 public:
  explicit Policy(std::uint64_t seed) : random_(seed) {}

  // Must the running G make room for another? Asked at every safe point; the queue is not empty.
  virtual bool preempt(const G& running, const RunQueue& queue) noexcept {
    (void)running, (void)queue;
    return false;
  }
  // Does it count safe points, as for a quantum? If not, guests are preempted only before calls
  // that others can see: a preemption anywhere between two such calls has the same effect.
  [[nodiscard]] virtual bool counts_safe_points() const noexcept { return false; }
  // How late a sleep ends: one of `levels` steps, 0 for on time.
  virtual std::uint32_t lateness(std::uint32_t levels) noexcept {
    (void)levels;
    return 0;
  }

  void on_event(const GEvent&) noexcept override {}
  bool at_safe_point(G& running, const RunQueue& queue) noexcept override {
    return !queue.empty() && preempt(running, queue);
  }
  std::uint32_t one_of(std::uint32_t n, Random&) noexcept override { return random_.below(n); }

 protected:
  Random random_;  // A function of the seed.
};

struct PolicyInfo {
  std::string_view name;
  std::string_view summary;     // One line, for --help.
  std::string_view parameters;  // Names, separated by blanks; "*": any, the names of Gs.
  // Values with which it preempts nobody, as parse_policy reads them; empty: there are none.
  std::string_view undisturbed;
  std::unique_ptr<Policy> (*make)(const PolicySpec& spec, std::uint64_t seed);
  bool takes_times = false;  // Its parameters are times, kept in ns.
};

// Every policy, the default first.
std::span<const PolicyInfo> policies();

// Reads NAME, or NAME:KEY=NUMBER,... or, where it takes times, NAME:KEY=TIME,... as in
// sim/quantities.h. The error names what is unknown, and what is known.
Result<PolicySpec> parse_policy(std::string_view text);

// Does each name of a G that the spec gives (stride, edf) belong to one of these, and to one alone?
// The error names the first that does not, and those that there are.
Status check_names(const PolicySpec& spec, std::span<const std::string> names);

// The same spec with the policy's PolicyInfo::undisturbed, as far as it does not say otherwise.
PolicySpec undisturbed(PolicySpec spec);

// The same spec with names as Gs keep them: the first kGNameMax - 1 bytes.
PolicySpec with_g_names(PolicySpec spec);

// The spec as parse_policy reads it.
std::string to_string(const PolicySpec& spec);

// The spec must be one that parse_policy gave.
std::unique_ptr<Policy> make_policy(const PolicySpec& spec, std::uint64_t seed);

// The place of a G in the queue, or the queue's size when it is not there.
inline std::size_t place_of(const G* g, const RunQueue& queue) {
  std::size_t i = 0;
  while (i < queue.size() && queue.peek_unchecked(i) != g) ++i;
  return i;
}

}  // namespace weft::sim
