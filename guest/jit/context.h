// SPDX-License-Identifier: Apache-2.0
// What machine code and C++ share: the Context of an instance, the cells that lie behind it, and
// what each register holds. A register points to the Context while the guest runs.
//
//   r15        the Context
//   r14        where memory 0 lies
//   r13        fuel left until the host is asked (guest/wabt/meter.h)
//   r12        --bounds=check: how many bytes memory 0 has; --bounds=guard: a home
//   rbp        the frame: [rbp] the caller's, [rbp + 8] where it goes on
//   homes      rbx r8 r9 r10 r11, xmm8 to xmm15: locals; a function saves those that it uses
//   temps      rax rcx rdx rsi rdi, xmm0 to xmm6: operands; lost by calls
//   xmm7       scratch of one instruction
//
// Parameters: whole numbers and references in rdi rsi rdx rcx, floats and vectors in xmm0 to xmm5;
// the others, in their order, behind the first four words of Context's arguments. A single result
// is in rax or xmm0; several are all in the arguments. The upper half of a register with an i32 is
// zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/compiled/compiled_instance.h"

namespace weft::jit {

// A function as a value, and as the target of a call: one for each function of a module.
struct FunctionEntry {
  const void* code;     // What compiles it, until that is done.
  std::uint32_t type;   // The canonical index of its type.
  std::uint32_t index;  // Of the function.
};
// Debuggers read them: guest/code_view.h.
static_assert(sizeof(FunctionEntry) == 16 && offsetof(FunctionEntry, code) == 0);

struct Context {
  std::uint8_t* memory;
  std::uint64_t memory_bytes;
  std::uint64_t stack_limit;  // No frame goes below.
  const void* exit_frame;     // The frame that last left the guest's code, and where.
  const void* exit_address;
  void* owner;              // The CompiledInstance.
  Portions* portions;       // Its fuel.
  std::uint32_t fuel_left;  // While the guest's code does not run, and while it throws.
  std::uint32_t padding;
  const std::uint32_t* saves_floats;  // Has any function of the module locals in xmm8 to xmm15?
  std::uint64_t result;               // Of a call from C++, when it is one.
  std::uint64_t float_result[2];
  std::uint64_t float_arguments[12];  // xmm0 to xmm5, for calls from C++.
  // While an exception is on its way: the homes, as the frame has them that is looked at; then
  // where it goes on.
  std::uint64_t int_homes[16];
  std::uint64_t float_homes[16][2];
  const void* handler_frame;
  const void* handler_stack;
  const void* handler_code;
  std::uint64_t* exception;  // What was caught: a word for the tag, then what it carries.
  // Arguments, tables, memories but the first, and globals follow: see Layout.
};

inline constexpr std::size_t kIntArguments = 4;
inline constexpr std::size_t kFloatArguments = 6;

struct TableCell {
  std::uint64_t* elements;
  std::uint64_t size;
  std::uint64_t max;
  std::uint64_t room;  // Elements that fit where they are.
};

struct MemoryCell {
  std::uint8_t* data;
  std::uint64_t bytes;
};

// Where a module's cells are, from the start of a Context.
struct Layout {
  static constexpr std::uint32_t kArguments = sizeof(Context);
  std::uint32_t tables = 0;
  std::uint32_t memories = 0;
  std::uint32_t globals = 0;  // 16 bytes each.
  std::uint32_t bytes = 0;

  [[nodiscard]] std::uint32_t table(std::uint32_t index) const {
    return tables + index * static_cast<std::uint32_t>(sizeof(TableCell));
  }
  [[nodiscard]] std::uint32_t memory(std::uint32_t index) const {
    return memories + index * static_cast<std::uint32_t>(sizeof(MemoryCell));
  }
  [[nodiscard]] std::uint32_t global(std::uint32_t index) const { return globals + index * 16; }
};

// Why compiled code leaves: the number of a stub.
enum class TrapCode : std::uint8_t {
  unreachable,
  memory,
  table,
  divide,
  overflow,
  conversion,
  no_element,
  null_element,
  signature,
  stack,
  out_of_memory,
  null_exception,
  unaligned,
  unshared_wait,
};
inline constexpr std::size_t kTrapCodes = 14;

}  // namespace weft::jit
