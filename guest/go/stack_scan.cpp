// SPDX-License-Identifier: Apache-2.0
#include "guest/go/stack_scan.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "guest/go/go_pc.h"
#include "guest/go/guest_memory.h"

namespace weft::guest::go {
namespace {

constexpr int kFramesMax = 64;            // Those of the runtime that wait are few.
constexpr std::uint64_t kWordsMax = 256;  // And small.
constexpr std::uint64_t kWord = 8;
constexpr std::uint64_t kBlockMask = (std::uint64_t{1} << kPcBlockBits) - 1;

// By which others wait.
constexpr std::string_view kHelpers[] = {"runtime.", "internal/",    "reflect.", "sync.",
                                         "syscall.", "sync/atomic.", "time.",    "type:."};

bool is_of_program(std::string_view function) {
  return !function.empty() &&
         std::none_of(std::begin(kHelpers), std::end(kHelpers),
                      [&](std::string_view package) { return function.starts_with(package); });
}

}  // namespace

std::uint64_t own_pc(const GoRuntime& runtime, std::span<const std::byte> memory,
                     const Frame& innermost) {
  Frame frame = innermost;
  for (int n = 0; n < kFramesMax; ++n) {
    const std::string_view name = runtime.name_at(frame.pc);
    if (is_of_program(name)) return frame.pc;
    if (name == "runtime.goexit") return 0;
    const auto defined = defined_at(frame.pc);
    const auto bytes = defined ? runtime.frame_bytes(runtime.imports + *defined) : std::nullopt;
    if (!bytes) break;
    // Where it begins, its prologue is still to come.
    if ((frame.pc & kBlockMask) != 0) frame.sp += *bytes;
    const auto pc = read<std::uint64_t>(memory, frame.sp);
    if (!pc) return 0;
    frame = {*pc, frame.sp + kWord};
  }
  for (std::uint64_t word = 0; word < kWordsMax; ++word) {
    const auto pc = read<std::uint64_t>(memory, frame.sp + (kWord * word));
    if (!pc) break;
    if (is_of_program(runtime.name_at(*pc))) return *pc;
  }
  return 0;
}

}  // namespace weft::guest::go
