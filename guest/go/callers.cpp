// SPDX-License-Identifier: Apache-2.0
#include "guest/go/callers.h"

#include <optional>

#include "guest/go/go_pc.h"
#include "guest/go/guest_memory.h"

namespace weft::guest::go {
namespace {

constexpr int kFollowed = 1'000;  // A stack that is deeper is taken for right.
constexpr std::uint64_t kWord = 8;

// From the place where the innermost function's address to return to lies. Nothing when it does not
// lead to the end of the stack.
std::optional<Callers> follow(const GoRuntime& runtime, std::span<const std::byte> memory,
                              std::uint64_t return_at, std::uint64_t stack_end) {
  Callers callers;
  for (int n = 0; n < kFollowed; ++n) {
    if (return_at >= stack_end) return {};
    const auto pc = read<std::uint64_t>(memory, return_at);
    const auto defined = pc ? defined_at(*pc) : std::nullopt;
    if (!defined) return {};
    if (runtime.name_at(*pc) == "runtime.goexit") return callers;
    const auto frame = runtime.frame_bytes(runtime.imports + *defined);
    if (!frame) return {};
    if (callers.pcs.size() < kCallersListed) {
      callers.pcs.push_back(*pc);
    } else {
      callers.has_more = true;
    }
    return_at += kWord + *frame;
  }
  return callers;
}

struct Stack {
  std::uint64_t low;
  std::uint64_t high;
};

// A g begins with its stack: two addresses, then the guards.
std::optional<Stack> stack_of(const GoRuntime& runtime, std::span<const std::byte> memory,
                              std::uint64_t g) {
  const std::uint64_t at = g + runtime.offsets.g_stackguard0 - 2 * kWord;
  const auto low = read<std::uint64_t>(memory, at);
  const auto high = read<std::uint64_t>(memory, at + kWord);
  if (!low || !high) return {};
  return Stack{*low, *high};
}

bool is_in(const Stack& stack, std::uint64_t sp) {
  return sp >= stack.low && sp < stack.high;
}

}  // namespace

bool is_on_stack_of(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t g,
                    const Computing& computing) {
  const auto stack = stack_of(runtime, memory, g);
  return stack && is_in(*stack, computing.sp);
}

Callers callers_of(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t g,
                   const Computing& computing) {
  const auto stack = stack_of(runtime, memory, g);
  const auto frame = runtime.frame_bytes(computing.function);
  if (!stack || !frame || !is_in(*stack, computing.sp)) return {};
  for (const std::uint64_t taken : {std::uint64_t{*frame}, std::uint64_t{0}}) {
    if (auto callers = follow(runtime, memory, computing.sp + taken, stack->high)) return *callers;
  }
  return {};
}

}  // namespace weft::guest::go
