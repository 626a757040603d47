// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or an Error that says in words what failed and what to do about it.
//
// For failures of the host (a file that is missing, memory that ran out). A guest's mistakes are
// WASI errnos and weft's own bugs are WEFT_CHECKs; neither is ever a Result.
//
// From: any thread.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace weft {

// The one who can do something about it.
enum class Cause : std::uint8_t {
  request,  // The caller: a file that is missing, a number that is too large.
  host,     // The owner of the machine: no memory, no descriptor, a port in use.
};

// Why something failed.
struct Error {
  std::string message;  // One line, no full stop, names the thing: "guest.wasm: no such file".
  Cause cause = Cause::request;  // Who can do something about it.
};

// An error that only the owner of the machine can do something about.
inline Error refused_by_host(std::string message) {
  return {std::move(message), Cause::host};
}

// "about: what errno says".
inline Error errno_error(const std::string& about, int error) {
  const bool of_host = error == ENOMEM || error == EMFILE || error == ENFILE || error == EAGAIN ||
                       error == ENOBUFS || error == EADDRINUSE;
  return {about + ": " + std::strerror(error), of_host ? Cause::host : Cause::request};
}

// A T, or the Error that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  // A good one, or a failed one: `return value;`, `return Error{...};`.
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  // Whether there is a value.
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // The value. Requires ok().
  T& value() {
    WEFT_CHECK(ok(), "the value of a failed Result was asked for");
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    WEFT_CHECK(ok(), "the value of a failed Result was asked for");
    return *std::get_if<0>(&state_);
  }
  // As value().
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // The error. Requires !ok().
  [[nodiscard]] const Error& error() const {
    WEFT_CHECK(!ok(), "the error of a good Result was asked for");
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

// What a function gives that either works or fails.
struct Nothing {};
// Good, or an error.
using Status = Result<Nothing>;

}  // namespace weft
