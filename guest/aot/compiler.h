// SPDX-License-Identifier: Apache-2.0
// The system's C compiler: finds it, and runs it on the units of one module side by side, within
// limits of time and memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/aot/c_source.h"

namespace weft {

struct CompilerOptions {
  std::string cc;           // A command with options, split at blanks. Empty: $CC, cc, gcc, clang.
  bool guard_pages = true;  // Bounds of memory by guard pages, not by explicit checks.
  int timeout_s = 900;      // For all of one module,
  int unit_cpu_s = 240;     // and CPU time for each of its units.
  // Called every few milliseconds while compilers run. It may throw: then they are ended, and the
  // exception goes on.
  std::function<void()> wait;
  // Told after each unit: how many of how many are done. May be empty.
  std::function<void(std::size_t done, std::size_t units)> progress = {};
};

// The command that compiles, as words; none when the system has no compiler.
std::vector<std::string> find_compiler(const std::string& cc);

// Compiles and links the units in `folder`, which has nothing else but headers, to the shared
// object `to`. The error says what the compiler said first, or which limit it was over.
Status compile(const CUnits& units, const std::string& folder, const std::string& to,
               const CompilerOptions& options);

// The flags of a compilation whose units have so many bytes together; part of the cache's key.
std::vector<std::string> compile_flags(bool guard_pages, bool large);

}  // namespace weft
