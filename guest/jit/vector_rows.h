// SPDX-License-Identifier: Apache-2.0
// What the tables of vector instructions share: how a row emits its code, and how an instruction
// finds its row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "guest/jit/assembler.h"
#include "guest/wasm/instructions.h"

namespace weft::jit {

// Changes `to`; may use vector_scratch(). With one operand `from` may be `to`; with two it is
// neither `to` nor the scratch register.
using EmitVector = void (*)(Assembler& a, const Xbyak::Xmm& to, const Xbyak::Xmm& from);

inline const Xbyak::Xmm& vector_scratch() {
  static const Xbyak::Xmm kXmm7(7);
  return kXmm7;
}

// An instruction that is the whole row.
template <auto instruction>
void emit_plain(Assembler& a, const Xbyak::Xmm& to, const Xbyak::Xmm& from) {
  (a.*instruction)(to, from);
}

constexpr std::size_t vector_index(wasm::Op op) {
  return static_cast<std::size_t>(op) - static_cast<std::size_t>(wasm::Op::v128_load);
}

// For each vector instruction the number of its row, from 1; 0: it has none.
template <class Row, std::size_t count>
constexpr auto row_numbers(const Row (&rows)[count]) {
  constexpr std::size_t kOps = vector_index(wasm::Op::i32x4_relaxed_dot_i8x16_i7x16_add_s) + 1;
  static_assert(count < 255);
  std::array<std::uint8_t, kOps> numbers{};
  for (std::size_t i = 0; i < count; ++i) {
    numbers[vector_index(rows[i].op)] = static_cast<std::uint8_t>(i + 1);
  }
  return numbers;
}

}  // namespace weft::jit
