// SPDX-License-Identifier: Apache-2.0
// Decodes instructions: an opcode and its immediates, bounds checked, nothing else proved. What
// indices point to, and types, are guest/wasm/function_validator.h's to check.
#pragma once

#include <cstdint>

#include "guest/wasm/byte_reader.h"
#include "guest/wasm/instructions.h"
#include "guest/wasm/types.h"

namespace weft::wasm {

// One instruction. Which fields hold something, Immediates says (guest/wasm/instructions.h); the
// others hold what an earlier instruction left.
struct Instruction {
  Op op = Op::unreachable;
  std::uint8_t lane = 0;
  std::uint8_t align = 0;          // The alignment's logarithm.
  bool reachable = true;           // From the validator: code before it can come here.
  ValType type = ValType::bottom;  // From the validator too: the operand of drop and select.
  std::uint32_t offset = 0;        // In the file: where its opcode begins.
  std::uint32_t index = 0;
  std::uint32_t index2 = 0;
  std::uint32_t count = 0;              // Labels of a br_table without the default; clauses.
  std::uint64_t value = 0;              // A constant's bits, a memarg's offset.
  const std::uint8_t* bytes = nullptr;  // Of vectors: where they begin in the binary.
  const FuncType* block = nullptr;      // A block's type. From the validator.
  std::int64_t block_code = 0;          // An index of a type, or one of the two below.
};

// Of Instruction::block_code: no parameters and no results; no parameters and one result.
inline constexpr std::int64_t kBlockEmpty = -64;
constexpr std::int64_t block_of(ValType result) {
  return -static_cast<std::int64_t>(result);
}

// A clause of try_table. Its label counts from outside the block: behind the instruction it is
// FunctionValidator::label(label + 1).
struct CatchClause {
  enum class Kind : std::uint8_t { tag, tag_ref, all, all_ref };
  Kind kind;
  std::uint32_t tag;  // Of tag and tag_ref.
  std::uint32_t label;
};

// Reads the next instruction. Throws Refused: unexpected end, no instruction, a proposal that weft
// does not have, numbers that are too long.
void decode(ByteReader& code, Instruction& in);

// A value type; one of references; what a reference refers to. They throw Refused.
ValType read_val_type(ByteReader& in);
ValType read_ref_type(ByteReader& in);
ValType read_heap_type(ByteReader& in);
// The value type that one byte stands for.
ValType val_type_of(std::uint8_t byte, std::uint32_t offset);

// Throws Refused: the module needs a proposal that weft does not have.
[[noreturn]] void fail_proposal(std::string_view proposal, std::uint32_t offset);

// Walk over vectors that were decoded before: the next label of a br_table (count + 1 of them), the
// next clause of a try_table (count of them). `at` begins at Instruction::bytes.
std::uint32_t next_label(const std::uint8_t*& at);
CatchClause next_clause(const std::uint8_t*& at);

}  // namespace weft::wasm
