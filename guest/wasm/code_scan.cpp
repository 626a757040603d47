// SPDX-License-Identifier: Apache-2.0
// The instruction formats of the core specification 2.0, section 5.4, as a table from opcode to
// immediates. What is not in the table is either another proposal's, and named, or no instruction.
#include "guest/wasm/code_scan.h"

#include <array>

namespace weft {
namespace {

// The immediates that follow an opcode.
enum class Imm : std::uint8_t {
  invalid,
  none,
  index,        // One u32.
  index_index,  // Two.
  block,        // A block type.
  br_table,
  memarg,  // Alignment and offset.
  i32,
  i64,
  f32,
  f64,
  byte,
  types,  // select t*: a vector of types.
  prefix_fc,
  prefix_simd,
  // Other proposals.
  exceptions,
  tail_call,
  function_references,
  gc,
  threads,
};

constexpr std::array<Imm, 256> make_opcodes() {
  std::array<Imm, 256> table{};
  const auto fill = [&](int from, int to, Imm imm) {
    for (int op = from; op <= to; ++op) table[static_cast<std::size_t>(op)] = imm;
  };
  fill(0x00, 0x01, Imm::none);  // unreachable, nop
  fill(0x02, 0x04, Imm::block);
  table[0x05] = Imm::none;  // else
  fill(0x06, 0x0a, Imm::exceptions);
  table[0x0b] = Imm::none;  // end
  fill(0x0c, 0x0d, Imm::index);
  table[0x0e] = Imm::br_table;
  table[0x0f] = Imm::none;   // return
  table[0x10] = Imm::index;  // call
  table[0x11] = Imm::index_index;
  fill(0x12, 0x13, Imm::tail_call);
  fill(0x14, 0x15, Imm::function_references);
  fill(0x18, 0x19, Imm::exceptions);
  fill(0x1a, 0x1b, Imm::none);
  table[0x1c] = Imm::types;
  table[0x1f] = Imm::exceptions;
  fill(0x20, 0x26, Imm::index);
  fill(0x28, 0x3e, Imm::memarg);
  fill(0x3f, 0x40, Imm::index);
  table[0x41] = Imm::i32;
  table[0x42] = Imm::i64;
  table[0x43] = Imm::f32;
  table[0x44] = Imm::f64;
  fill(0x45, 0xc4, Imm::none);
  table[0xd0] = Imm::byte;  // ref.null
  table[0xd1] = Imm::none;
  table[0xd2] = Imm::index;
  fill(0xd3, 0xd6, Imm::function_references);
  table[0xfb] = Imm::gc;
  table[0xfc] = Imm::prefix_fc;
  table[0xfd] = Imm::prefix_simd;
  table[0xfe] = Imm::threads;
  return table;
}

constexpr auto kOpcodes = make_opcodes();

constexpr std::uint8_t kBlock = 0x02;
constexpr std::uint8_t kIf = 0x04;
constexpr std::uint8_t kEnd = 0x0b;

void scan_prefix_fc(WasmReader& code) {
  const std::uint32_t op = code.u32();
  if (op <= 7) return;  // Saturating truncation.
  switch (op) {
    case 8:   // memory.init
    case 10:  // memory.copy
    case 12:  // table.init
    case 14:  // table.copy
      code.u32();
      code.u32();
      return;
    case 9:   // data.drop
    case 11:  // memory.fill
    case 13:  // elem.drop
    case 15:  // table.grow
    case 16:  // table.size
    case 17:  // table.fill
      code.u32();
      return;
    default:
      code.fail("an unknown instruction 0xfc " + std::to_string(op));
  }
}

void scan_memarg(WasmReader& code) {
  const std::uint32_t alignment = code.u32();
  if (alignment >= 64) throw UnsupportedWasm{"multi-memory"};
  code.skip_leb(10);
}

void scan_prefix_simd(WasmReader& code) {
  const std::uint32_t op = code.u32();
  if (op <= 11 || op == 92 || op == 93) {  // Loads, stores, load zero.
    scan_memarg(code);
  } else if (op == 12 || op == 13) {  // v128.const, shuffle
    code.skip(16);
  } else if (op >= 21 && op <= 34) {  // Lanes.
    code.skip(1);
  } else if (op >= 84 && op <= 91) {  // Load and store a lane.
    scan_memarg(code);
    code.skip(1);
  } else if (op >= 0x100) {
    throw UnsupportedWasm{"relaxed-simd"};
  }
}

void scan_immediates(WasmReader& code, std::uint8_t opcode) {
  switch (kOpcodes[opcode]) {
    case Imm::none:
      return;
    case Imm::index:
      code.u32();
      return;
    case Imm::index_index:
      code.u32();
      code.u32();
      return;
    case Imm::block:
      return scan_block_type(code);
    case Imm::br_table:
      for (std::uint32_t n = code.count("targets of a br_table") + 1; n > 0; --n) code.u32();
      return;
    case Imm::memarg:
      return scan_memarg(code);
    case Imm::i32:
      return code.skip_leb(5);
    case Imm::i64:
      return code.skip_leb(10);
    case Imm::f32:
      return code.skip(4);
    case Imm::f64:
      return code.skip(8);
    case Imm::byte:
      return code.skip(1);
    case Imm::types:
      return code.skip(code.count("types of a select"));
    case Imm::prefix_fc:
      return scan_prefix_fc(code);
    case Imm::prefix_simd:
      return scan_prefix_simd(code);
    case Imm::exceptions:
      throw UnsupportedWasm{"exception-handling"};
    case Imm::tail_call:
      throw UnsupportedWasm{"tail-call"};
    case Imm::function_references:
      throw UnsupportedWasm{"function-references"};
    case Imm::gc:
      throw UnsupportedWasm{"gc"};
    case Imm::threads:
      throw UnsupportedWasm{"threads"};
    case Imm::invalid:
      break;
  }
  code.fail("an unknown instruction");
}

}  // namespace

void scan_block_type(WasmReader& code) {
  // A value type, or 0x40, or the index of a type: all are LEB128 numbers of at most 33 bits.
  code.skip_leb(5);
}

void scan_instructions(WasmReader& code, std::vector<std::uint32_t>* may_trap_at) {
  std::uint32_t open_blocks = 1;  // The function's own is one.
  while (!code.at_end()) {
    if (open_blocks == 0) code.fail("instructions behind the end of a function");
    const auto start = static_cast<std::uint32_t>(code.offset());
    const std::uint8_t opcode = code.u8();
    WasmReader immediates = code;
    scan_immediates(code, opcode);
    if (opcode >= kBlock && opcode <= kIf) ++open_blocks;
    if (opcode == kEnd) --open_blocks;
    if (may_trap_at == nullptr) continue;
    const bool prefixed = kOpcodes[opcode] == Imm::prefix_fc;
    if (may_trap(opcode, prefixed ? immediates.u32() : 0)) may_trap_at->push_back(start);
  }
  if (open_blocks != 0) code.fail("a block without an end");  // libwabt 1.0.32 would let it pass.
}

void scan_const_expr(WasmReader& code) {
  for (;;) {
    const std::uint8_t opcode = code.u8();
    if (opcode == kEnd) return;
    const bool arithmetic =
        (opcode >= 0x6a && opcode <= 0x6c) || (opcode >= 0x7c && opcode <= 0x7e);
    if (arithmetic) throw UnsupportedWasm{"extended-const"};
    scan_immediates(code, opcode);
  }
}

}  // namespace weft
