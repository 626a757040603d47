// SPDX-License-Identifier: Apache-2.0
// The one table of instructions: what each is called, how it is encoded, what follows its opcode,
// what it takes and leaves, whether it may trap, what it costs and which proposal brought it.
//
// Everything that has to know instructions reads it: the decoder and the validator
// (guest/wasm/function_validator.h), the list of places that may trap, the compiler of machine
// code. The rows are in guest/wasm/instructions.inc. An instruction that is missing there belongs
// to a proposal that weft does not have (missing_proposal() names it), or to none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::wasm {

// Dense: usable as an index and in a switch. "i32.add" is i32_add; what is a keyword of C++ has an
// underscore behind it (if_, return_); "select t" is select_typed.
enum class Op : std::uint16_t {
#define WASM_OP(identifier, ...) identifier,
#include "guest/wasm/instructions.inc"
#undef WASM_OP
};

// What follows the opcode. In brackets: the fields of Instruction that hold it.
enum class Immediates : std::uint8_t {
  none,
  block,          // A block type [block].
  label,          // How many blocks out [index].
  br_table,       // Labels, the default one last [bytes, count].
  function,       // [index]
  call_indirect,  // A type and a table [index2, index].
  local,          // [index]
  global,         // [index]
  table,          // [index]
  memory,         // [index]
  tag,            // [index]
  memarg,         // A memory, an offset, an alignment [index, value, align].
  memarg_lane,    // The same, and a lane [lane].
  lane,           // [lane]
  i32,            // [value]: the bits, the upper half is zero.
  i64,            // [value]
  f32,            // [value]: the bits.
  f64,            // [value]: the bits.
  v128,           // 16 bytes [bytes].
  shuffle,        // 16 lanes [bytes].
  select_types,   // The type of the operands [type].
  heap_type,      // The type of a null reference [type].
  data_memory,    // A data segment and a memory [index2, index].
  data,           // A data segment [index].
  memory_memory,  // To and from [index, index2].
  elem_table,     // An element segment and a table [index2, index].
  elem,           // An element segment [index].
  table_table,    // To and from [index, index2].
  try_table,      // A block type and clauses [block, bytes, count].
  fence,          // A byte that is zero.
};

enum class Trap : std::uint8_t { never, may };

// What an instruction costs besides itself: by the size of what it works on, its last operand.
enum class Cost : std::uint8_t { one, bytes, elements, pages };

// What came after the first version of WebAssembly, by the proposal that brought it.
enum class Feature : std::uint8_t {
  core,
  multi_value,
  mutable_globals,
  sign_extension,
  saturating_conversions,
  bulk_memory,
  reference_types,
  simd,
  relaxed_simd,
  tail_calls,
  extended_const,
  multi_memory,
  memory64,
  exceptions,
  legacy_exceptions,
  atomics,              // The instructions of the proposal threads,
  shared_memories,      // and the memories.
  function_references,  // Only its long form of funcref, externref and exnref.
};
inline constexpr std::size_t kFeatures = 18;

// The proposal's own name: "exception-handling".
std::string_view name(Feature feature);

// A type for each letter: i i32, I i64, f f32, F f64, v v128; a is an address in the memory of the
// instruction (i32 or i64), t an index into its table.
struct OpInfo {
  std::string_view name;
  std::uint8_t prefix;  // 0, 0xfc, 0xfd or 0xfe.
  std::uint16_t code;
  Immediates immediates;
  std::string_view params;  // "*": the types depend on more than memories and tables.
  std::string_view results;
  std::uint8_t width;  // How many bytes it moves from or to memory; 0: none, or by its operand.
  Trap trap;           // Other than by what it calls.
  Cost cost;
  Feature feature;
};

inline constexpr OpInfo kOps[] = {
#define WASM_OP(identifier, name, prefix, code, immediates, params, results, width, trap, cost, \
                feature)                                                                        \
  {name,  prefix,     code,       Immediates::immediates, params, results,                      \
   width, Trap::trap, Cost::cost, Feature::feature},
#include "guest/wasm/instructions.inc"
#undef WASM_OP
};
inline constexpr std::size_t kOpCount = sizeof kOps / sizeof kOps[0];
inline constexpr Op kNoOp{kOpCount};

constexpr const OpInfo& info(Op op) {
  return kOps[static_cast<std::size_t>(op)];
}

// From opcodes to instructions, kNoOp where there is none.
namespace detail {

template <std::size_t N>
constexpr std::array<Op, N> ops_with_prefix(std::uint8_t prefix) {
  std::array<Op, N> ops{};
  for (Op& op : ops) op = kNoOp;
  for (std::size_t i = 0; i < kOpCount; ++i) {
    if (kOps[i].prefix == prefix) ops[kOps[i].code] = static_cast<Op>(i);
  }
  return ops;
}

inline constexpr auto kPlain = ops_with_prefix<256>(0);
inline constexpr auto kPrefixFc = ops_with_prefix<18>(0xfc);
inline constexpr auto kPrefixFd = ops_with_prefix<276>(0xfd);
inline constexpr auto kPrefixFe = ops_with_prefix<79>(0xfe);

}  // namespace detail

constexpr bool is_prefix(std::uint8_t byte) {
  return byte >= 0xfc && byte <= 0xfe;
}

constexpr Op op_of(std::uint8_t byte) {
  return detail::kPlain[byte];
}

constexpr Op op_of(std::uint8_t prefix, std::uint32_t code) {
  const auto in = [code](const auto& ops) { return code < ops.size() ? ops[code] : kNoOp; };
  return prefix == 0xfc   ? in(detail::kPrefixFc)
         : prefix == 0xfd ? in(detail::kPrefixFd)
         : prefix == 0xfe ? in(detail::kPrefixFe)
                          : kNoOp;
}

// The proposal that an opcode belongs to which is no instruction of the table: "GC", "typed
// function references", "wide arithmetic"; "" when it belongs to none that is known.
std::string_view missing_proposal(std::uint8_t byte, std::uint32_t code_behind_prefix);

}  // namespace weft::wasm
