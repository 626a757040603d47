// SPDX-License-Identifier: Apache-2.0
// From addresses in compiled code back to the module: which function, which instruction.
//
// The C compiler is told that the guest's code comes from lines of a file, where the number of a
// line is an offset in the module: that of an instruction's end (guest/aot/c_source.cpp). So the
// line numbers that it leaves for debuggers are the table we need. It is read from the object when
// a guest first traps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "guest/aot/cache_entry.h"
#include "guest/aot/trap_state.h"
#include "guest/engine.h"
#include "guest/wasm/debug_lines.h"

namespace weft {

class TrapSites {
 public:
  // `in_object` is any address in the loaded object, which is of this file. Both must outlive this.
  TrapSites(const void* in_object, const CacheEntry& file) : in_object_(in_object), file_(file) {}

  // Puts the functions and the offset of a guest that was left by a trap into its report. `binary`
  // is the module. A large object has millions of lines: with a step others run meanwhile, and may
  // come here, too: they wait.
  void describe(const TrapState& state, const ModuleInfo& info, std::span<const std::byte> binary,
                const LinesStep& step, TrapReport& report);

 private:
  struct Row {
    std::uint64_t address;  // From the start of the object.
    std::uint32_t offset;   // In the module; 0: not the guest's code.
  };

  enum class State : std::uint8_t { unread, reading, read };
  void read(const LinesStep& step);
  void read_lines(const LinesStep& step);
  [[nodiscard]] std::uint32_t offset_of(const void* code) const;

  const void* in_object_;
  const CacheEntry& file_;
  State state_ = State::unread;
  const std::byte* base_ = nullptr;
  std::vector<Row> rows_;  // By address; one holds up to the next.
};

}  // namespace weft
