// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/program.h"

#include <cstdio>

#include "scheduler/sync/panic.h"

namespace weft {
namespace detail {

ProgramEnd run_to_end(Scheduler& scheduler, const MainState& main_state) {
  RunResult result{};
  try {
    result = scheduler.run();
  } catch (...) {
    return {2, panic_text(std::current_exception(), scheduler.failed_g_id())};
  }
  if (main_state == MainState::returned) return {0, {}};
  if (result.end == RunEnd::stopped) return {0, {}};
  if (scheduler.live() == 0) {
    return {2, "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n"};
  }
  return {2, result.report};
}

}  // namespace detail

void print_report(const ProgramEnd& end) {
  std::fwrite(end.report.data(), 1, end.report.size(), stderr);
}

}  // namespace weft
