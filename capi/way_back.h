// SPDX-License-Identifier: Apache-2.0
// WayBack: how a G or a thread that ends in the middle of C code gets back to the trampoline that
// called start(). Between the two stand C frames only.
//
//   run_entry       calls start(), and returns also when leave_by(way) is called inside of it
//   leave_by(way)   goes back to there, by
//
//   Linux                        setjmp and longjmp
//   wasm with C++ exceptions     an exception: JavaScript unwinds C frames like any others
//   wasm without                 a throw that drops the frames (scheduler/no_unwinding.h)
#pragma once

#include "base/unwinding.h"

#if !defined(__wasm__)
#include <csetjmp>
#endif

namespace weft::capi {

#if defined(__wasm__)

struct WayBack {};
struct Leaves {};
inline constexpr bool kLeavesByThrow = true;

[[noreturn]] inline void leave_by(WayBack&) {
  throw Leaves{};
}

#else

struct WayBack {
  std::jmp_buf back;
};
inline constexpr bool kLeavesByThrow = false;

[[noreturn]] inline void leave_by(WayBack& way) {
  std::longjmp(way.back, 1);
}

#endif

}  // namespace weft::capi
