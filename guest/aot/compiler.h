// SPDX-License-Identifier: Apache-2.0
// The system's C compiler: finds it, and runs it on the units of one module side by side.
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
  int timeout_s = 900;      // For all of one module.
  // Called every few milliseconds while compilers run. It may throw: then they are ended, and the
  // exception goes on.
  std::function<void()> wait;
  // Told after each unit: how many of how many are done. May be empty.
  std::function<void(std::size_t done, std::size_t units)> progress = {};
};

// The command that compiles, as words; none when the system has no compiler.
std::vector<std::string> find_compiler(const std::string& cc);

// Compiles and links `files` in `folder`, an empty directory, to the shared object `to`. The error
// says what the compiler said first.
Status compile(const std::vector<CFile>& files, const std::string& folder, const std::string& to,
               const CompilerOptions& options);

// The flags of a compilation whose units have so many bytes together; part of the cache's key.
std::vector<std::string> compile_flags(bool guard_pages, bool large);

}  // namespace weft
