// SPDX-License-Identifier: Apache-2.0
// run_main: a whole Go-like program on one scheduler, from main's first line to the exit code.
//
//   int main() {
//     weft::SystemClock clock;
//     weft::Reactor reactor;
//     weft::Scheduler scheduler{clock, reactor};
//     return weft::run_main(scheduler, [] { ... });
//   }
//
// As in Go: the program ends when main returns, whatever other Gs are doing (here they are killed,
// so that their destructors run, when the scheduler is destroyed); a panic, a fatal error or a
// deadlock prints Go's text on stderr and ends it with 2; when main leaves by goexit() the others
// go on.
//
// For programs. An embedder calls the scheduler's run() and gets the same as values and exceptions.
//
// From: the thread that the program runs on, outside of Gs.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "scheduler/api.h"

namespace weft {

// How a program ended.
struct ProgramEnd {
  int exit_code;       // 0, or 2 as Go's runtime exits.
  std::string report;  // What Go would print on stderr; empty when main returned.
};

namespace detail {

enum class MainState : std::uint8_t { running, returned, left_by_goexit };

ProgramEnd run_to_end(Scheduler& scheduler, const MainState& main_state);

}  // namespace detail

// Runs main on a G of its own, and the program to its end. Not on a G.
template <std::invocable F>
ProgramEnd run_program(Scheduler& scheduler, F&& main) {
  // Shared: a main that never ended is unwound when the scheduler is destroyed, after this has
  // returned.
  const auto state = std::make_shared<detail::MainState>(detail::MainState::running);
  Result<G*> g = scheduler.spawn(
      [state, &scheduler, function = std::forward<F>(main)]() mutable {
        try {
          function();
        } catch (const Killed&) {
          *state = detail::MainState::left_by_goexit;
          throw;
        }
        *state = detail::MainState::returned;
        scheduler.stop();
      },
      {.name = "main"});
  if (!g) return {2, "fatal error: " + g.error().message + "\n"};
  return detail::run_to_end(scheduler, *state);
}

// Prints the report on stderr.
void print_report(const ProgramEnd& end);

// run_program, with its report printed; returns the exit code.
template <std::invocable F>
int run_main(Scheduler& scheduler, F&& main) {
  const ProgramEnd end = run_program(scheduler, std::forward<F>(main));
  print_report(end);
  return end.exit_code;
}

}  // namespace weft
