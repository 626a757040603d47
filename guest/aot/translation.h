// SPDX-License-Identifier: Apache-2.0
// From a module to C, in a child (guest/child_work.h), within a budget of memory: libwabt crashes
// on some modules, takes much memory for others, and hears no signals.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "guest/aot/c_source.h"

namespace weft {

struct TranslationOptions {
  bool fuel_points = true;
  bool one_nan = false;                              // guest/wabt/one_nan.h
  std::span<const guest::go::EntryPoint> told = {};  // As CFiles'.
  // Called every few milliseconds. It may throw: then the child is ended, and the exception goes
  // on.
  std::function<void()> wait;
  // How many functions of how many are written. May be empty.
  std::function<void(std::size_t done, std::size_t of)> progress = {};
};

// What the translation of a module of so many bytes may take.
constexpr std::size_t translation_bytes_max(std::size_t module_bytes) {
  constexpr std::size_t kLeast = std::size_t{512} << 20;
  constexpr std::size_t kPerByte = 96;  // Of programs: 50 to 70.
#if defined(WEFT_ASAN)
  constexpr std::size_t kTimes = 4;  // AddressSanitizer puts its own bytes around each block.
#else
  constexpr std::size_t kTimes = 1;
#endif
  return kTimes * (kLeast + kPerByte * module_bytes);
}

// Writes the C of the module into `folder`, an empty directory. `info` is the module's, whose
// imports are all of WASI. The error completes "<name>: ".
Result<CUnits> translate(std::span<const std::byte> module, const ModuleInfo& info,
                         const std::string& folder, const TranslationOptions& options);

}  // namespace weft
