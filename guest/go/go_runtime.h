// SPDX-License-Identifier: Apache-2.0
// GoRuntime: what weft knows of the Go runtime inside one module: its version, the names of its
// functions, which of them ask at their start whether to give way, and where the runtime keeps what
// the scheduler has to see.
//
//   ModuleView ─▶ section "producers" ─▶ version         not Go: nothing more is read
//              ─▶ pclntab, section "name" ─▶ names       (guest/go/pclntab.h)
//              ─▶ prologues ─▶ preemptible
//              ─▶ code of some functions ─▶ Offsets      (guest/go/offsets.h)
//
// Nothing is assumed from the version. Each offset is read from the code of the module itself, from
// the function that uses it, and checked by a second one where there is one. A module that says it
// is Go and does not look like it is refused as a whole, with one line that says what did not
// match; the guest then runs as any other.
//
// The bytes are foreign: reading them takes time linear in their number and can't fail otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/go/data_image.h"
#include "guest/go/offsets.h"
#include "guest/go/pclntab.h"
#include "guest/wasm/module_view.h"

namespace weft::guest::go {

// g.atomicstatus, without the bit kScan. The same in all versions since Go 1.14.
enum class GStatus : std::uint32_t {
  idle = 0,
  runnable = 1,
  running = 2,
  syscall = 3,
  waiting = 4,
  dead = 6,
  copystack = 8,
  preempted = 9,
  leaked = 10,  // Since Go 1.26: found by a goroutine leak profile.
};
inline constexpr std::uint32_t kScan = 0x1000;

class GoRuntime {
 public:
  std::string version;  // "go1.26.8".
  std::uint32_t imports = 0;
  std::uint32_t pclntab = 0;  // Its address in the guest's memory.
  Offsets offsets;
  // By defined function: at its start it asks g.stackguard0, compares it as it is, and calls
  // runtime.morestack: what a poison in stackguard0 makes give way.
  std::vector<bool> preemptible;
  // The same for functions with large frames, which add to stackguard0 in 32 bits: there a poison
  // wraps around.
  std::vector<bool> wraps;
  std::vector<std::string> wait_reasons;  // By g.waitreason: "chan receive".

  // The function of that name in Go's spelling, "runtime.newstack": its index in the whole module.
  [[nodiscard]] std::optional<std::uint32_t> function(std::string_view go_name) const;
  // "" when it has none. For all the life of the GoRuntime.
  [[nodiscard]] std::string_view name(std::uint32_t function) const;
  // Of the function that a PC lies in.
  [[nodiscard]] std::string_view name_at(std::uint64_t pc) const;

  // The call that returns to this PC; nothing is known without a pclntab.
  [[nodiscard]] SourcePlace place_before(std::uint64_t pc) const {
    PlaceBudget budget;
    return place_before(pc, budget);
  }
  [[nodiscard]] SourcePlace place_before(std::uint64_t pc, PlaceBudget& budget) const {
    return lines_ != nullptr ? lines_->table.place_before(pc, budget) : SourcePlace();
  }

  // As Pclntab::frame_bytes, of a function's index in the whole module.
  [[nodiscard]] std::optional<std::uint32_t> frame_bytes(std::uint32_t function) const {
    if (lines_ == nullptr || function < imports) return {};
    return lines_->table.frame_bytes(function - imports);
  }

  // For who makes one: where lines are looked up.
  void keep_lines(DataImage image, std::uint32_t functions);
  // For who makes one; afterwards function() and name() know them. By defined function.
  void set_names(const std::vector<std::string_view>& names);

 private:
  struct Lines {
    DataImage image;
    Pclntab table;  // Of the image.
  };
  std::shared_ptr<const Lines> lines_;
  std::string text_;                    // All names, one behind the other.
  std::vector<std::uint32_t> ends_;     // By defined function: where its name ends in text_.
  std::vector<std::uint32_t> by_name_;  // Defined functions with a name, in its order.

  [[nodiscard]] std::string_view defined_name(std::uint32_t defined) const;
};

// Does the module say that the Go compiler made it? Not TinyGo, which has the C library's rules.
bool is_go(const wasm::ModuleView& module);

// The version that it says, "go1.26.8"; "" when it says none.
std::string_view go_version(const wasm::ModuleView& module);

// What is known of it. Nothing without an error: the module is not Go's. The error is one line that
// says what did not match.
Result<std::optional<GoRuntime>> recognise(const wasm::ModuleView& module);

}  // namespace weft::guest::go
