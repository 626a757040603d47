// SPDX-License-Identifier: Apache-2.0
// Depth first search over schedules: every schedule with at most `bound` deviations from FIFO, each
// once (Emmi, Qadeer and Rakamaric's delay bound).
//
// The program is run from its start for each schedule. A run that follows a prefix and then option
// 0 tells which decisions came behind the prefix; the last of them that has an untried option
// within the bound is the next prefix.
//
// What the reductions leave out can show nothing that the rest does not, within the same bound.
// They are three:
//   - To preempt a guest before a call on an object that no other guest touches leads nowhere, when
//     it comes to another call without having given way: it can be preempted there. Which
//     objects are touched by several is learnt from the runs; when a run shows another one, the
//     search starts again with what it has learnt, so in the end no branch was left out that any
//     run has shown to matter.
//   - A run in which a G was preempted before an access, and nobody did anything in the meantime
//     that conflicts with it, is ended at its next one (Dependence::take_covered).
//   - A state from which everything was tried is not tried from again, however it came about
//     (Dependence::state).
// Objects are coarse: all files together are one, each standard stream is one, each link is one.
// Native programs are searched whole, unless they tell what their Gs share (sim::access).
#pragma once

#include "sim/explore/trial.h"

namespace weft::sim {

ExploreReport explore_depth_first(const RunOnce& once, const ExploreOptions& options);

}  // namespace weft::sim
