// SPDX-License-Identifier: Apache-2.0
// WEFT_CHECK: the one way weft reports its own bugs.
//
// Three kinds of failure, three mechanisms (docs/style.md): a guest's mistake becomes a WASI errno,
// a failure of the host becomes a Result, and a bug in weft ends here: one line that names the
// function, what was expected and what was found, then abort(). Checks stay on in release builds;
// the ones on the yield path cost one compare.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace weft {

[[noreturn, gnu::cold, gnu::noinline]] inline void check_failed(const char* function,
                                                                const char* condition,
                                                                const char* what) noexcept {
  std::fprintf(stderr, "weft: bug: %s: %s (expected %s)\n", function, what, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace weft

#define WEFT_CHECK(condition, what)                  \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::weft::check_failed(__func__, #condition, what))
