// SPDX-License-Identifier: Apache-2.0
// Depth first search over schedules: every schedule with at most `bound` deviations from FIFO, each
// once (Emmi, Qadeer and Rakamaric's delay bound).
//
// The program is run from its start for each schedule. A run follows a prefix, then takes option 0,
// and so shows which decisions come after the prefix. The last of them that has an untried option
// within the bound makes the next prefix.
//
// Three reductions leave out schedules that can show nothing new within the same bound:
//   - Preempting a guest before a call on an object that no other guest touches is useless when it
//     makes another call without having given way: it can be preempted there. The runs show which
//     objects several guests touch. When a run shows one more, the search starts again with that
//     knowledge, so in the end no branch was left out that any run has shown to matter.
//   - A run in which a G was preempted before an access, and no other G did anything meanwhile that
//     conflicts with it, is ended at its next access (Dependence::take_covered).
//   - A state from which everything was tried is not tried again, even when another run reached it
//     in another way (Dependence::state).
// Objects are coarse: all files together are one, each standard stream is one, each link is one.
// Native programs are searched whole, unless they tell what their Gs share (sim::access).
#pragma once

#include "sim/explore/trial.h"

namespace weft::sim {

ExploreReport explore_depth_first(const RunOnce& once, const ExploreOptions& options);

}  // namespace weft::sim
