// SPDX-License-Identifier: Apache-2.0
// Symbols: names of functions' code, for tools that look at the process from outside.
//
//   PerfMap     /tmp/perf-PID.map, where perf looks for code that lies in no file: a line a
//               function, as it is compiled. It stays when weft has ended, for perf report
//   GdbSymbol   an ELF object in memory with one symbol, told to gdb by its JIT interface; for
//               stubs also how their callers are found, so that gdb's backtrace goes on
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::jit {

class PerfMap {
 public:
  // Empty at first, whatever an earlier process of this number left. The error says why there is
  // none.
  static Result<std::unique_ptr<PerfMap>> make();

  // What can't be written is left out.
  void add(const std::string& name, const void* code, std::uint32_t bytes);

 private:
  explicit PerfMap(UniqueFd file) : file_(std::move(file)) {}
  const UniqueFd file_;
};

struct GdbEntry;

// As long as it lives, gdb knows the name. Throws bad_alloc.
class GdbSymbol {
 public:
  enum class Code : std::uint8_t { function, enter, stubs };

  GdbSymbol(const std::string& name, const void* code, std::uint32_t bytes,
            Code kind = Code::function);
  ~GdbSymbol();
  GdbSymbol(const GdbSymbol&) = delete;
  GdbSymbol& operator=(const GdbSymbol&) = delete;

  // Does a debugger trace this process? Then it is told of code.
  static bool is_wanted();

 private:
  const std::unique_ptr<GdbEntry> entry_;
};

}  // namespace weft::jit
