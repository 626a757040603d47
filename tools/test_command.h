// SPDX-License-Identifier: Apache-2.0
// `weft test`: many schedules of one program, in parallel processes, until one fails.
//
//   test_command ─▶ ProgramSearch ─▶ workers (tools/test_workers.h), a stripe of the seeds each
//                      └─ the lowest failing seed ─▶ minimise ─▶ Verdict ─▶ replay file, reports
#pragma once

#include <string>
#include <vector>

namespace weft::tools {

// `args` is what follows "test". Returns the exit code.
int test_command(const std::vector<std::string>& args);

}  // namespace weft::tools
