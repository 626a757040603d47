// SPDX-License-Identifier: Apache-2.0
// Leaving: why a guest has to leave its code before it returns. Every engine uses it.
//
//   the guest's code ─▶ a host function ─▶ runs_through(): a WASI function, a safe point
//         ▲                                    │ throws Exit, Killed, OutputSpent, HostTrap or
//         │                                    │ bad_alloc
//         └── is left, in the engine's way ◀── noted in a Leaving
//
// An exception must not pass the guest's frames: machine code has no tables for it, and libwabt is
// built without exceptions. So it ends in the host function, which notes it and leaves those frames
// by a jump or by a trap. After that the engine turns the note into the guest's end.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "guest/engine.h"
#include "guest/host_function.h"
#include "os/wasip1/process.h"
#include "scheduler/g.h"

namespace weft {

struct Leaving {
  enum class Why : std::uint8_t {
    no,
    exited,
    killed,
    out_of_output,  // This and those below: a trap.
    out_of_fuel,
    out_of_memory,
    host_function,
  };

  Why why = Why::no;
  std::uint32_t exit_code = 0;  // exited.
  std::string host_said = {};   // host_function.

  // Requires that it is one.
  [[nodiscard]] TrapKind trap() const {
    return why == Why::out_of_output   ? TrapKind::out_of_output
           : why == Why::out_of_fuel   ? TrapKind::out_of_fuel
           : why == Why::host_function ? TrapKind::host_function
                                       : TrapKind::out_of_memory;
  }
  [[nodiscard]] GuestEnd exit() const {
    return {.kind = GuestEnd::Kind::exited, .exit_code = exit_code, .returned = false, .trap = {}};
  }
};

// Calls f(). Returns false when it threw one of the five, and notes which. The handler has ended
// when this returns, so the caller may jump.
template <class F>
bool runs_through(Leaving& leaving, F&& f) {
  try {
    std::forward<F>(f)();
    return true;
  } catch (const wasip1::Exit& exit) {
    leaving = {.why = Leaving::Why::exited, .exit_code = exit.code};
  } catch (const Killed&) {
    leaving = {.why = Leaving::Why::killed};
  } catch (const wasip1::OutputSpent&) {
    leaving = {.why = Leaving::Why::out_of_output};
  } catch (HostTrap& thrown) {
    leaving = {.why = Leaving::Why::host_function, .host_said = std::move(thrown.message)};
  } catch (const std::bad_alloc&) {
    leaving = {.why = Leaving::Why::out_of_memory};
  }
  return false;
}

}  // namespace weft
