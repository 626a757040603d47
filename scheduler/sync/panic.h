// SPDX-License-Identifier: Apache-2.0
// Panics and fatal errors: how a primitive says that it was misused, in Go's words.
//
//   in Go           in C++                            what run_main() prints
//   a panic         an exception; the primitives      panic: send on closed channel
//                   throw Panic
//                                                     goroutine 7 [running]:
//   a fatal error   the exception FatalError          fatal error: sync: unlock of unlocked mutex
//   Goexit          the exception Killed              nothing: only that G ends
//
// Any exception that leaves a G is a panic: it ends run(), which throws it. A G may recover by
// catching it, as Go's recover does. Go can't recover from a fatal error; here a `catch` would stop
// a FatalError, and must not.
//
// From: a G; panic_text() from any thread.
#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>

#include "scheduler/g.h"

namespace weft {

// A run-time panic of Go's: what() is Go's text, without "panic: ".
struct Panic : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An error that Go does not let a program recover from: what() is Go's text, without "fatal error:
// ".
struct FatalError : std::logic_error {
  using std::logic_error::logic_error;
};

// Throw Panic(text) and FatalError(text). Functions of their own to keep the throw out of what
// callers inline.
[[noreturn, gnu::cold]] void panic(const char* text);
[[noreturn, gnu::cold]] void fatal_error(const char* text);

// Ends the calling G after running its destructors, as Go's runtime.Goexit. On a G only.
[[noreturn]] inline void goexit() {
  throw Killed{};
}

// What Go prints for a panic or fatal error that ended the program, from its first line to
// "goroutine N [running]:". A std::exception shows its what(), a string or a number itself,
// anything else the name of its type.
std::string panic_text(const std::exception_ptr& exception, std::uint64_t g_id);

}  // namespace weft
