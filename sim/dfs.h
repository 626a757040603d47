// Depth first search over schedules: every schedule with at most `bound` deviations from FIFO, each
// once (Emmi, Qadeer and Rakamaric's delay bound).
//
// The program is run from its start for each schedule. A run that follows a prefix and then
// option 0
// tells which decisions came behind the prefix; the last of them that has an untried option within
// the bound is the next prefix.
//
// Reduction: to preempt a guest before a call on an object that no other guest touches leads to
// nothing new, so that branch is left out. Which objects are touched by several is learnt from the
// runs; when a run shows another one, the search starts again with what it has learnt, so in
// the end
// no branch was left out that any run has shown to matter. Objects are coarse: all files together
// are one, each standard stream is one. Native programs tell no objects and are searched whole.
#pragma once

#include "sim/explore.h"

namespace weft::sim {

ExploreReport explore_depth_first(const RunOnce& once, const ExploreOptions& options);

}  // namespace weft::sim
