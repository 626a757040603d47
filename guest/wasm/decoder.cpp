// SPDX-License-Identifier: Apache-2.0
// The formats of immediates, one case each.
#include "guest/wasm/decoder.h"

#include <cstring>
#include <string>

#include "guest/wasm/module_view.h"

namespace weft::wasm {
namespace {

[[noreturn, gnu::cold]] void fail_opcode(std::uint32_t offset, std::uint8_t byte,
                                         std::uint32_t code) {
  const std::string_view proposal = missing_proposal(byte, code);
  if (!proposal.empty()) fail_proposal(proposal, offset);
  char text[64];
  if (is_prefix(byte)) {
    std::snprintf(text, sizeof text, "an unknown instruction 0x%02x %u", byte, code);
  } else {
    std::snprintf(text, sizeof text, "an unknown instruction 0x%02x", byte);
  }
  ByteReader::fail_at(text, offset);
}

void read_memarg(ByteReader& code, Instruction& in) {
  constexpr std::uint32_t kHasMemory = 0x40;
  std::uint32_t align = code.u32();
  in.index = 0;
  if ((align & kHasMemory) != 0) {
    align &= ~kHasMemory;
    in.index = code.u32();
  }
  if (align >= 32) code.fail("an alignment that is too large");
  in.align = static_cast<std::uint8_t>(align);
  in.value = code.u64();
}

void read_br_table(ByteReader& code, Instruction& in) {
  in.count = code.count("targets of a br_table", kFunctionBytesMax);
  in.bytes = code.position();
  for (std::uint32_t i = 0; i <= in.count; ++i) code.u32();
}

void read_block_type(ByteReader& code, Instruction& in) {
  const std::uint8_t byte = code.peek();
  if (byte == 0x40) {
    code.u8();
    in.block_code = kBlockEmpty;
  } else if ((byte & 0xc0) == 0x40) {  // A negative number of one byte.
    in.block_code = block_of(read_val_type(code));
  } else {
    in.block_code = code.s33();
    if (in.block_code < 0) code.fail("an unknown type of a block");
  }
}

void read_try_table(ByteReader& code, Instruction& in) {
  read_block_type(code, in);
  in.count = code.count("clauses of a try_table", kCatchClausesMax);
  in.bytes = code.position();
  for (std::uint32_t i = 0; i < in.count; ++i) {
    const std::uint8_t kind = code.u8();
    if (kind > 3) code.fail("an unknown clause of a try_table");
    if (kind < 2) code.u32();
    code.u32();
  }
}

void read_select_types(ByteReader& code, Instruction& in) {
  if (code.count("types of a select", 1'000) != 1) code.fail("a select of other than one type");
  in.type = read_val_type(code);
}

void read_fence(ByteReader& code) {
  if (code.u8() != 0) code.fail("an atomic.fence with something other than zero");
}

template <class Float>
std::uint64_t read_bits(ByteReader& code) {
  Float bits;
  std::memcpy(&bits, code.take(sizeof bits), sizeof bits);
  return bits;
}

// In brackets of Immediates: two indices that are written in another order than they are kept.
void read_two(ByteReader& code, std::uint32_t& first, std::uint32_t& second) {
  first = code.u32();
  second = code.u32();
}

inline void read_immediates(ByteReader& code, Instruction& in) {
  switch (info(in.op).immediates) {
    case Immediates::none:
      return;
    case Immediates::label:
    case Immediates::function:
    case Immediates::local:
    case Immediates::global:
    case Immediates::table:
    case Immediates::memory:
    case Immediates::tag:
    case Immediates::data:
    case Immediates::elem:
      in.index = code.u32();
      return;
    case Immediates::block:
      return read_block_type(code, in);
    case Immediates::memarg:
      return read_memarg(code, in);
    case Immediates::i32:
      in.value = static_cast<std::uint32_t>(code.s32());
      return;
    case Immediates::i64:
      in.value = static_cast<std::uint64_t>(code.s64());
      return;
    case Immediates::f32:
      in.value = read_bits<std::uint32_t>(code);
      return;
    case Immediates::f64:
      in.value = read_bits<std::uint64_t>(code);
      return;
    case Immediates::br_table:
      return read_br_table(code, in);
    case Immediates::memarg_lane:
      read_memarg(code, in);
      in.lane = code.u8();
      return;
    case Immediates::lane:
      in.lane = code.u8();
      return;
    case Immediates::v128:
    case Immediates::shuffle:
      in.bytes = code.take(16);
      return;
    case Immediates::select_types:
      return read_select_types(code, in);
    case Immediates::heap_type:
      in.type = read_heap_type(code);
      return;
    case Immediates::call_indirect:
    case Immediates::data_memory:
    case Immediates::elem_table:
      return read_two(code, in.index2, in.index);
    case Immediates::memory_memory:
    case Immediates::table_table:
      return read_two(code, in.index, in.index2);
    case Immediates::try_table:
      return read_try_table(code, in);
    case Immediates::fence:
      return read_fence(code);
  }
}

}  // namespace

void fail_proposal(std::string_view proposal, std::uint32_t offset) {
  throw Refused{"the module uses the WebAssembly proposal \"" + std::string(proposal) +
                "\" at byte " + std::to_string(offset) + ", which weft does not support"};
}

void decode(ByteReader& code, Instruction& in) {
  in.offset = code.offset();
  const std::uint8_t byte = code.u8();
  in.op = op_of(byte);
  if (in.op == kNoOp) [[unlikely]] {
    const std::uint32_t behind = is_prefix(byte) ? code.u32() : 0;
    in.op = op_of(byte, behind);
    if (in.op == kNoOp) fail_opcode(in.offset, byte, behind);
  }
  read_immediates(code, in);
}

ValType val_type_of(std::uint8_t byte, std::uint32_t offset) {
  switch (byte) {
    case 0x7f:
      return ValType::i32;
    case 0x7e:
      return ValType::i64;
    case 0x7d:
      return ValType::f32;
    case 0x7c:
      return ValType::f64;
    case 0x7b:
      return ValType::v128;
    case 0x70:
      return ValType::funcref;
    case 0x6f:
      return ValType::externref;
    case 0x69:
      return ValType::exnref;
    case 0x6a:  // Abstract types: any, eq, i31, struct, array and the bottom types.
    case 0x6b:
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x71:
    case 0x72:
    case 0x73:
    case 0x74:
      fail_proposal("gc", offset);
    case 0x64:  // References that are not null.
      fail_proposal("function-references", offset);
    case 0x68:
    case 0x75:
      fail_proposal("stack-switching", offset);
    default:
      ByteReader::fail_at("an unknown type", offset);
  }
}

// What a reference refers to: func, extern, exn; concrete types are the other proposal's.
ValType read_heap_type(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  if ((in.peek() & 0x80) != 0 || in.peek() < 0x40) {
    if (in.s33() >= 0) fail_proposal("function-references", offset);
    ByteReader::fail_at("an unknown type", offset);
  }
  const ValType type = val_type_of(in.u8(), offset);
  if (!is_reference(type)) ByteReader::fail_at("a type that is not a reference", offset);
  return type;
}

ValType read_val_type(ByteReader& in) {
  constexpr std::uint8_t kRefNull = 0x63;  // The long form of funcref, externref and exnref.
  const std::uint32_t offset = in.offset();
  const std::uint8_t byte = in.u8();
  if (byte != kRefNull) return val_type_of(byte, offset);
  in.note_long_type();
  return read_heap_type(in);
}

ValType read_ref_type(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const ValType type = read_val_type(in);
  if (!is_reference(type)) ByteReader::fail_at("a type that is not a reference", offset);
  return type;
}

std::uint32_t next_label(const std::uint8_t*& at) {
  std::uint32_t value = 0;
  for (int shift = 0;; shift += 7) {
    const std::uint8_t byte = *at++;
    value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
}

CatchClause next_clause(const std::uint8_t*& at) {
  CatchClause clause{static_cast<CatchClause::Kind>(*at++), 0, 0};
  if (clause.kind <= CatchClause::Kind::tag_ref) clause.tag = next_label(at);
  clause.label = next_label(at);
  return clause;
}

}  // namespace weft::wasm
