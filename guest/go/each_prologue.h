// SPDX-License-Identifier: Apache-2.0
// Goroutines that give way at each so many-th prologue, not only when they have had the thread for
// 10 ms: to test programs, and that a goroutine may be made to give way at any prologue. Go tests
// its own runtime so, with -d=maymorestack=runtime.mayMoreStackPreempt.
//
//   give_way_at_each(17) ─▶ GoModule::of: prologues tell, too ─▶ Preemption counts them
//
// One setting for the process, and for real time: an engine makes code that tells of prologues when
// it loads a module.
#pragma once

#include <cstdint>

#include "guest/go/entries.h"

namespace weft::guest::go {

// What a prologue that compares g.stackguard0 tells; behind all values of Entry.
inline constexpr Entry kPrologue = Entry{255};

// Before modules are loaded, on their thread. 0: not so, as at the start.
void give_way_at_each(std::uint32_t prologues);
std::uint32_t prologues_to_give_way();

}  // namespace weft::guest::go
