// SPDX-License-Identifier: Apache-2.0
// Vectors: constants, loads and stores, whole or of a lane.
#include <cstring>

#include "guest/jit/compiler.h"

namespace weft::jit {

void Compiler::vector_constant(const std::uint8_t* bytes) {
  std::uint64_t words[2];
  std::memcpy(words, bytes, sizeof words);
  const Goal goal = goal_for(ValType::v128);
  const int to = goal.is_local ? goal.reg : take_float();
  set_float_constant(to, ValType::v128, words[0], words[1]);
  finish(goal, ValType::v128, to);
}

// The first instruction that is emitted reads the memory.
void Compiler::read_vector(Op op, const Xbyak::Xmm& to, const Xbyak::Address& place) {
  switch (op) {
    case Op::v128_load:
      return a_.movups(to, place);
    case Op::v128_load8x8_s:
      return a_.pmovsxbw(to, place);
    case Op::v128_load8x8_u:
      return a_.pmovzxbw(to, place);
    case Op::v128_load16x4_s:
      return a_.pmovsxwd(to, place);
    case Op::v128_load16x4_u:
      return a_.pmovzxwd(to, place);
    case Op::v128_load32x2_s:
      return a_.pmovsxdq(to, place);
    case Op::v128_load32x2_u:
      return a_.pmovzxdq(to, place);
    case Op::v128_load8_splat:
      a_.pinsrb(to, place, 0);
      a_.pxor(x(kScratch), x(kScratch));
      return a_.pshufb(to, x(kScratch));
    case Op::v128_load16_splat:
      a_.pinsrw(to, place, 0);
      a_.pshuflw(to, to, 0);
      return a_.pshufd(to, to, 0);
    case Op::v128_load32_splat:
      a_.movss(to, place);
      return a_.pshufd(to, to, 0);
    case Op::v128_load64_splat:
      return a_.movddup(to, place);
    case Op::v128_load32_zero:
      return a_.movss(to, place);
    default:
      return a_.movsd(to, place);
  }
}

void Compiler::load_vector(const wasm::Instruction& in) {
  const Access at = access(in, wasm::info(in.op).width);
  const Goal goal = goal_for(ValType::v128);
  const int to = goal.is_local ? goal.reg : take_float();
  site();
  read_vector(in.op, x(to), a_.ptr[expression(at)]);
  release(at);
  finish(goal, ValType::v128, to);
}

void Compiler::load_lane(const wasm::Instruction& in) {
  Value vector = pop();
  const Xbyak::Xmm to = x(own_float(vector));
  const Access at = access(in, wasm::info(in.op).width);
  const Xbyak::Address place = a_.ptr[expression(at)];
  site();
  switch (in.op) {
    case Op::v128_load8_lane:
      a_.pinsrb(to, place, in.lane);
      break;
    case Op::v128_load16_lane:
      a_.pinsrw(to, place, in.lane);
      break;
    case Op::v128_load32_lane:
      a_.pinsrd(to, place, in.lane);
      break;
    default:
      a_.pinsrq(to, place, in.lane);
      break;
  }
  release(at);
  push_reg(ValType::v128, vector.reg);
}

void Compiler::store_vector(const wasm::Instruction& in) {
  Value vector = pop();
  const Xbyak::Xmm from = x(float_reg(vector));
  const Access at = access(in, wasm::info(in.op).width);
  const Xbyak::Address place = a_.ptr[expression(at)];
  site();
  switch (in.op) {
    case Op::v128_store:
      a_.movups(place, from);
      break;
    case Op::v128_store8_lane:
      a_.pextrb(place, from, in.lane);
      break;
    case Op::v128_store16_lane:
      a_.pextrw(place, from, in.lane);
      break;
    case Op::v128_store32_lane:
      a_.pextrd(place, from, in.lane);
      break;
    default:
      a_.pextrq(place, from, in.lane);
      break;
  }
  release(at);
  release(vector);
}

bool Compiler::vector_memory(const wasm::Instruction& in) {
  if (in.op == Op::v128_const) return vector_constant(in.bytes), true;
  const bool loads = in.op <= Op::v128_load64_splat || in.op == Op::v128_load32_zero ||
                     in.op == Op::v128_load64_zero;
  if (loads) return load_vector(in), true;
  if (in.op >= Op::v128_load8_lane && in.op <= Op::v128_load64_lane) return load_lane(in), true;
  const bool stores =
      in.op == Op::v128_store || (in.op >= Op::v128_store8_lane && in.op <= Op::v128_store64_lane);
  if (stores) return store_vector(in), true;
  return false;
}

}  // namespace weft::jit
