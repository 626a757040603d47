// SPDX-License-Identifier: Apache-2.0
// What `weft test` writes for machines.
#pragma once

#include <string>

#include "sim/explore/explore.h"

namespace weft::tools {

// One object: program, policy, schedules, steps, and what failed.
std::string json_report(const std::string& program, const sim::ExploreOptions& options,
                        const sim::ExploreReport& report, const std::string& replay_file);

// One test suite with one test case.
std::string junit_report(const std::string& program, const sim::ExploreOptions& options,
                         const sim::ExploreReport& report);

}  // namespace weft::tools
