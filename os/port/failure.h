// SPDX-License-Identifier: Apache-2.0
// How Go's runtime fails, as C++ exceptions that a test can catch.
//
//   Go                          here     what() is
//   throw("...")                Throw    the text. Not recoverable in Go; see FatalError
//   panic(...)                  Panic    the text. Recoverable
//   the unreachable instruction Trap     "unreachable", and the call that trapped
#pragma once

#include <stdexcept>
#include <string>

#include "scheduler/sync/panic.h"

namespace weft::port {

// The runtime found its own world broken.
struct Throw : FatalError {
  using FatalError::FatalError;
};

// A program did something that it may recover from. signal: the number that Go's report shows
// ("[signal 0xb code=0x0 addr=0x0 pc=0x0]"), or 0.
struct Panic : weft::Panic {
  explicit Panic(const char* text, int signal_number = 0)
      : weft::Panic(text), signal(signal_number) {}
  int signal;
};

// The code ran into an instruction that ends a wasm program.
struct Trap : std::runtime_error {
  explicit Trap(const char* call) : std::runtime_error(std::string("unreachable: ") + call) {}
};

// Throws Throw(text). Go's `throw` is a keyword here.
[[noreturn, gnu::cold]] inline void throw_(const char* text) {
  throw Throw(text);
}

}  // namespace weft::port
