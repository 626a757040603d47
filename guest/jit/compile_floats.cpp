// SPDX-License-Identifier: Apache-2.0
// Floats: arithmetic, comparisons, rounding.
#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

using wasm::Op;

// The rounding of roundss, which tells nobody of lost bits.
constexpr int kNearest = 8;
constexpr int kFloor = 9;
constexpr int kCeil = 10;
constexpr int kTruncate = 11;

template <class From>
void arithmetic(Assembler& a, Op op, bool wide, const Xbyak::Xmm& to, const From& from) {
  switch (op) {
    case Op::f32_add:
      return wide ? a.addsd(to, from) : a.addss(to, from);
    case Op::f32_sub:
      return wide ? a.subsd(to, from) : a.subss(to, from);
    case Op::f32_mul:
      return wide ? a.mulsd(to, from) : a.mulss(to, from);
    default:
      return wide ? a.divsd(to, from) : a.divss(to, from);
  }
}

}  // namespace

// Where a run must be the same everywhere, arithmetic makes one NaN only.
void Compiler::canonical(int reg, bool wide) {
  if (!options_.one_nan) return;
  Label number;
  wide ? a_.ucomisd(x(reg), x(reg)) : a_.ucomiss(x(reg), x(reg));
  a_.jump_if(Cond::no_parity, number);
  set_float_constant(reg, wide ? ValType::f64 : ValType::f32,
                     wide ? 0x7ff8ULL << 48 : std::uint64_t{0x7fc0'0000});
  a_.bind(number);
}

// add, sub, mul, div; `op` is that of f32.
void Compiler::float_binary(Op op, bool wide) {
  Value b = pop();
  Value a = pop();
  const ValType type = wide ? ValType::f64 : ValType::f32;
  const bool commutes = op == Op::f32_add || op == Op::f32_mul;
  const Goal goal = goal_for(type);
  if (goal.is_local && is_reg(b, goal.reg)) {
    if (commutes && !is_reg(a, goal.reg)) {
      std::swap(a, b);
    } else if (!is_reg(a, goal.reg)) {
      own_float(b);
    }
  }
  if (!goal.is_local && a.kind != Value::Kind::reg && b.kind == Value::Kind::reg && commutes) {
    std::swap(a, b);
  }
  const int to = goal.is_local ? goal.reg : own_float(a);
  if (goal.is_local) load_float(to, a);
  if (is_in_frame(b)) {
    arithmetic(a_, op, wide, x(to), wide ? slot_64(place_of(b)) : slot_32(place_of(b)));
  } else {
    arithmetic(a_, op, wide, x(to), x(float_reg(b)));
  }
  canonical(to, wide);
  if (a.kind == Value::Kind::reg && a.reg != to) release(a);
  release(b);
  finish(goal, type, to);
}

// eq, ne, lt, gt, le, ge; `op` is that of f32. Less is the other way around: the flags that say so
// are false for NaNs only on that side.
void Compiler::float_compare(Op op, bool wide) {
  Value b = pop();
  Value a = pop();
  if (op == Op::f32_lt || op == Op::f32_le) std::swap(a, b);
  const int left = float_reg(a);
  if (is_in_frame(b)) {
    wide ? a_.ucomisd(x(left), slot_64(place_of(b))) : a_.ucomiss(x(left), slot_32(place_of(b)));
  } else {
    const int right = float_reg(b);
    wide ? a_.ucomisd(x(left), x(right)) : a_.ucomiss(x(left), x(right));
  }
  release(a);
  release(b);
  switch (op) {
    case Op::f32_eq:
      return finish_flags(Cond::float_equal);
    case Op::f32_ne:
      return finish_flags(Cond::float_not_equal);
    case Op::f32_lt:
    case Op::f32_gt:
      return finish_flags(Cond::above);
    default:
      return finish_flags(Cond::above_equal);
  }
}

// abs, neg, ceil, floor, trunc, nearest, sqrt; `op` is that of f32.
void Compiler::float_unary(Op op, bool wide) {
  Value value = pop();
  const ValType type = wide ? ValType::f64 : ValType::f32;
  const auto round = [&](int reg, int how) {
    wide ? a_.roundsd(x(reg), x(reg), how) : a_.roundss(x(reg), x(reg), how);
  };
  const int reg = own_float(value);
  switch (op) {
    case Op::f32_abs:
    case Op::f32_neg: {
      const std::uint64_t sign = wide ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31;
      const std::uint64_t all = wide ? UINT64_MAX : UINT32_MAX;
      set_float_constant(kScratch, type, op == Op::f32_abs ? all ^ sign : sign);
      op == Op::f32_abs ? a_.andps(x(reg), x(kScratch)) : a_.xorps(x(reg), x(kScratch));
      return push_reg(type, reg);
    }
    case Op::f32_sqrt:
      wide ? a_.sqrtsd(x(reg), x(reg)) : a_.sqrtss(x(reg), x(reg));
      break;
    default:
      round(reg, op == Op::f32_ceil    ? kCeil
                 : op == Op::f32_floor ? kFloor
                 : op == Op::f32_trunc ? kTruncate
                                       : kNearest);
      break;
  }
  canonical(reg, wide);
  push_reg(type, reg);
}

void Compiler::float_min_max(bool is_min, bool wide) {
  Value b = pop();
  Value a = pop();
  const int to = own_float(a);
  const int other = float_reg(b);
  Label nan;
  Label equal;
  Label done;
  wide ? a_.ucomisd(x(to), x(other)) : a_.ucomiss(x(to), x(other));
  a_.jump_if(Cond::parity, nan);
  a_.jump_if(Cond::equal, equal);
  if (is_min) {
    wide ? a_.minsd(x(to), x(other)) : a_.minss(x(to), x(other));
  } else {
    wide ? a_.maxsd(x(to), x(other)) : a_.maxss(x(to), x(other));
  }
  a_.jump(done);
  a_.bind(equal);  // Zeroes of both signs are equal.
  is_min ? a_.orps(x(to), x(other)) : a_.andps(x(to), x(other));
  a_.jump(done);
  a_.bind(nan);
  wide ? a_.addsd(x(to), x(other)) : a_.addss(x(to), x(other));
  canonical(to, wide);
  a_.bind(done);
  release(b);
  push_reg(wide ? ValType::f64 : ValType::f32, to);
}

void Compiler::copysign(bool wide) {
  Value b = pop();
  Value a = pop();
  const ValType type = wide ? ValType::f64 : ValType::f32;
  const std::uint64_t sign = wide ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31;
  const int to = own_float(a);
  const int from = own_float(b);
  set_float_constant(kScratch, type, sign);
  a_.andps(x(from), x(kScratch));
  a_.andnps(x(kScratch), x(to));
  move_float(to, kScratch);
  a_.orps(x(to), x(from));
  release(b);
  push_reg(type, to);
}

bool Compiler::float_instruction(const wasm::Instruction& in) {
  const auto from = [&](Op first, Op last) { return in.op >= first && in.op <= last; };
  const auto as_f32 = [&](Op first_f64, Op first_f32) {
    return static_cast<Op>(static_cast<int>(in.op) - static_cast<int>(first_f64) +
                           static_cast<int>(first_f32));
  };
  if (from(Op::f32_eq, Op::f32_ge)) return float_compare(in.op, false), true;
  if (from(Op::f64_eq, Op::f64_ge))
    return float_compare(as_f32(Op::f64_eq, Op::f32_eq), true), true;
  const bool wide = from(Op::f64_abs, Op::f64_copysign);
  if (!wide && !from(Op::f32_abs, Op::f32_copysign)) return false;
  const Op op = wide ? as_f32(Op::f64_abs, Op::f32_abs) : in.op;
  switch (op) {
    case Op::f32_add:
    case Op::f32_sub:
    case Op::f32_mul:
    case Op::f32_div:
      return float_binary(op, wide), true;
    case Op::f32_min:
    case Op::f32_max:
      return float_min_max(op == Op::f32_min, wide), true;
    case Op::f32_copysign:
      return copysign(wide), true;
    default:
      return float_unary(op, wide), true;
  }
}

}  // namespace weft::jit
