// SPDX-License-Identifier: Apache-2.0
// The goroutines of the Go guests of a Runtime, in words: what SIGQUIT and --scheddetail list below
// the Gs, as Go's own dump of a program does.
//
//   goroutines of guest 1 (shop.wasm): 1 running, 2 waiting
//     goroutine 1 [chan receive]: runtime.main
//     goroutine 7 [running]: main.works in main.spins, created by main.main in goroutine 1 at ...
//       called by main.works at shop.go:12
//       main.spins has been asked to give way for 30 ms, and has called no function
//
// Go's scheduler and its collector compute on a stack of their own. Where they do, and no goroutine
// runs, the first line below the guest's is "on the stack of Go's scheduler: runtime.findRunnable".
//
// For fields in place of words: goroutines_of().
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "guest/go/goroutine_list.h"

namespace weft {

class Guest;
class Runtime;

// The goroutines of a Go guest as they are now, each with id, state, wait reason, function, where
// it waits and who made it; those that have ended are left out, the runtime's own are not
// (Goroutine::is_system). The first guest::go::kGoroutinesListed, and the one that runs. Empty for
// a guest that is not Go's, whose goroutines weft does not steer (--goroutine-preempt=off), or that
// has not begun or has ended. Reads the guest's memory: on the Runtime's thread, while the guest
// does not run, as in handlers of the loop.
std::vector<guest::go::Goroutine> goroutines_of(const Guest& guest);

// How much one answer may hold of all guests together: they decide how many goroutines there are,
// and they don't run meanwhile.
struct GoroutineBudget {
  std::uint64_t counted = guest::go::kGoroutinesCounted;  // Goroutines that are looked at.
  std::size_t lines = 10'000;                             // Of guests and of goroutines.
  guest::go::PlaceBudget places = {};                     // Of the source, that are looked up.
};

// Where the goroutines of a guest are read.
struct GoMemory {
  const guest::go::GoRuntime* runtime = nullptr;  // nullptr: nothing is known of any.
  std::span<const std::byte> bytes;
};
GoMemory go_memory_of(const Guest& guest);

// Who knows that: in a simulation it is not go_memory_of().
using GoMemorySource = std::function<GoMemory(const Guest&)>;

// How many of them are in which state, without the runtime's own; all 0 where goroutines_of() is
// empty. Copies no names. From where goroutines_of() may be called. With a budget: takes from it,
// and is_whole is false where it does not suffice.
guest::go::GoroutineCounts goroutine_counts_of(const Guest& guest);
guest::go::GoroutineCounts goroutine_counts_of(const Guest& guest, GoroutineBudget& budget,
                                               const GoMemorySource& of = go_memory_of);

// All Go guests with their goroutines, as above; "" when there are none. Not the runtime's own, as
// in Go's dumps, except the one that computes. Behind what the budget has room for it says how many
// guests are left out, and whether places in the source are. From where goroutines_of() may be
// called.
std::string dump_goroutines(const Runtime& runtime, const GoMemorySource& of = go_memory_of,
                            GoroutineBudget budget = {});

// "guest 1: 1 running, 2 runnable, 3 waiting goroutines" for each Go guest, with "; " between; ""
// when there are none. Bounded as dump_goroutines(). From where goroutines_of() may be called.
std::string goroutines_in_short(const Runtime& runtime, const GoMemorySource& of = go_memory_of,
                                GoroutineBudget budget = {});

}  // namespace weft
