// SPDX-License-Identifier: Apache-2.0
#include "guest/go/stack_scan.h"

#include <algorithm>
#include <string_view>

#include "guest/go/guest_memory.h"

namespace weft::guest::go {
namespace {

constexpr std::uint64_t kWordsMax = 256;  // Frames of the runtime that wait are small.

// By which others wait.
constexpr std::string_view kHelpers[] = {"runtime.", "internal/",    "reflect.", "sync.",
                                         "syscall.", "sync/atomic.", "time."};

bool is_of_program(std::string_view function) {
  return !function.empty() &&
         std::none_of(std::begin(kHelpers), std::end(kHelpers),
                      [&](std::string_view package) { return function.starts_with(package); });
}

}  // namespace

std::uint64_t own_pc(const GoRuntime& runtime, std::span<const std::byte> memory,
                     std::uint64_t sp) {
  for (std::uint64_t word = 0; word < kWordsMax; ++word) {
    const auto pc = read<std::uint64_t>(memory, sp + (8 * word));
    if (!pc) break;
    if (is_of_program(runtime.name_at(*pc))) return *pc;
  }
  return 0;
}

}  // namespace weft::guest::go
