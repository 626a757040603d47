// SPDX-License-Identifier: Apache-2.0
// Whole numbers: arithmetic, comparisons, shifts, division, counts of bits.
#include <bit>

#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

using wasm::Op;

bool commutes(Op op) {
  return op != Op::i32_sub;
}

// The operand that stays on the right when the other becomes the left one.
Cond swap_sides(Cond cond) {
  switch (cond) {
    case Cond::below:
      return Cond::above;
    case Cond::above:
      return Cond::below;
    case Cond::below_equal:
      return Cond::above_equal;
    case Cond::above_equal:
      return Cond::below_equal;
    case Cond::less:
      return Cond::greater;
    case Cond::greater:
      return Cond::less;
    case Cond::less_equal:
      return Cond::greater_equal;
    case Cond::greater_equal:
      return Cond::less_equal;
    default:
      return cond;
  }
}

template <class To, class From>
void alu(Assembler& a, Op op, const To& to, const From& from) {
  switch (op) {
    case Op::i32_add:
      return a.add(to, from);
    case Op::i32_sub:
      return a.sub(to, from);
    case Op::i32_and:
      return a.and_(to, from);
    case Op::i32_or:
      return a.or_(to, from);
    default:
      return a.xor_(to, from);
  }
}

bool wants_flags(Op next) {
  return next == Op::br_if || next == Op::if_ || next == Op::select || next == Op::select_typed ||
         next == Op::i32_eqz;
}

}  // namespace

// Of two constants. Compilers leave few of them.
bool Compiler::fold(Op op, const Value& a, const Value& b, bool wide) {
  if (!is_constant(a) || !is_constant(b)) return false;
  std::uint64_t result = 0;
  switch (op) {
    case Op::i32_add:
      result = a.bits + b.bits;
      break;
    case Op::i32_sub:
      result = a.bits - b.bits;
      break;
    case Op::i32_mul:
      result = a.bits * b.bits;
      break;
    case Op::i32_and:
      result = a.bits & b.bits;
      break;
    case Op::i32_or:
      result = a.bits | b.bits;
      break;
    case Op::i32_xor:
      result = a.bits ^ b.bits;
      break;
    case Op::i32_shl:
      result = a.bits << (b.bits & (wide ? 63 : 31));
      break;
    default:
      return false;
  }
  push_constant(a.type, wide ? result : static_cast<std::uint32_t>(result));
  return true;
}

// An `and` that is only tested for zero.
bool Compiler::test_only(Value& a, Value& b, bool wide) {
  const bool asked = wide ? next_op() == Op::i64_eqz : wants_flags(next_op());
  if (!asked || (is_constant(b) && !fits_32(b))) return false;
  const int left = int_reg(a);
  if (is_constant(b)) {
    const auto mask = static_cast<std::uint32_t>(b.bits);
    wide ? a_.test(r64(left), mask) : a_.test(r32(left), mask);
  } else {
    const int right = int_reg(b);
    wide ? a_.test(r64(left), r64(right)) : a_.test(r32(left), r32(right));
  }
  release(a);
  release(b);
  if (!wide) return finish_flags(Cond::not_equal), true;
  skip_next();
  finish_flags(Cond::equal);
  return true;
}

void Compiler::int_multiply(Value& a, Value& b, const Goal& goal, bool wide) {
  int to = goal.reg;
  if (is_constant(b)) {
    const int left = int_reg(a);
    if (!goal.is_local) to = a.kind == Value::Kind::reg ? a.reg : take_int();
    const auto by = static_cast<int>(b.bits);
    wide ? a_.imul(r64(to), r64(left), by) : a_.imul(r32(to), r32(left), by);
  } else {
    if (is_in_frame(a) || (goal.is_local && is_reg(b, goal.reg))) std::swap(a, b);
    if (!goal.is_local && a.kind != Value::Kind::reg && b.kind == Value::Kind::reg) std::swap(a, b);
    if (goal.is_local) {
      load_int(to, a);
    } else {
      to = own_int(a);
    }
    if (is_in_frame(b)) {
      wide ? a_.imul(r64(to), slot_64(place_of(b))) : a_.imul(r32(to), slot_32(place_of(b)));
    } else {
      const int right = int_reg(b);
      wide ? a_.imul(r64(to), r64(right)) : a_.imul(r32(to), r32(right));
    }
  }
  if (a.kind == Value::Kind::reg && a.reg != to) release(a);
  release(b);
  finish(goal, wide ? ValType::i64 : ValType::i32, to);
}

// add, sub, and, or, xor, mul; `op` is that of i32.
void Compiler::int_binary(Op op, bool wide) {
  Value b = pop();
  Value a = pop();
  if (fold(op, a, b, wide)) return;
  if (is_constant(a) && commutes(op)) std::swap(a, b);
  const ValType type = wide ? ValType::i64 : ValType::i32;
  if (op == Op::i32_and && test_only(a, b, wide)) return;
  const Goal goal = goal_for(type);
  if (is_constant(b) && !fits_32(b)) own_int(b);
  if (op == Op::i32_mul) return int_multiply(a, b, goal, wide);
  // Where the result goes, with the left operand in it.
  if (goal.is_local && is_reg(b, goal.reg)) {
    if (commutes(op)) {
      std::swap(a, b);
    } else {
      own_int(b);
    }
  }
  if (!goal.is_local && a.kind != Value::Kind::reg && b.kind == Value::Kind::reg && commutes(op)) {
    std::swap(a, b);
  }
  const bool left_in_reg = !is_in_frame(a) && !is_constant(a);
  const int to = goal.is_local ? goal.reg : a.kind == Value::Kind::reg ? a.reg : take_int();
  const bool adds = op == Op::i32_add || (op == Op::i32_sub && is_constant(b) &&
                                          static_cast<std::int32_t>(b.bits) != INT32_MIN);
  if (left_in_reg && adds && !is_reg(a, to) && !is_in_frame(b)) {  // lea: three operands.
    const int left = int_reg(a);
    Xbyak::RegExp sum = r64(left);
    if (is_constant(b)) {
      const auto by = static_cast<std::int32_t>(b.bits);
      sum = sum + (op == Op::i32_add ? by : -by);
    } else {
      sum = sum + r64(int_reg(b));
    }
    wide ? a_.lea(r64(to), a_.ptr[sum]) : a_.lea(r32(to), a_.ptr[sum]);
  } else {
    load_int(to, a);
    if (is_constant(b)) {
      const auto by = static_cast<std::uint32_t>(b.bits);
      wide ? alu(a_, op, r64(to), by) : alu(a_, op, r32(to), by);
    } else if (is_in_frame(b)) {
      wide ? alu(a_, op, r64(to), slot_64(place_of(b)))
           : alu(a_, op, r32(to), slot_32(place_of(b)));
    } else {
      const int right = int_reg(b);
      wide ? alu(a_, op, r64(to), r64(right)) : alu(a_, op, r32(to), r32(right));
    }
  }
  if (a.kind == Value::Kind::reg && a.reg != to) release(a);
  release(b);
  finish(goal, type, to);
}

void Compiler::finish_flags(Cond cond) {
  push_flags(cond);
  if (wants_flags(next_op())) return;
  Value flags = pop();
  materialize_flags(flags);
  push_reg(ValType::i32, flags.reg);
}

void Compiler::int_compare(Cond cond, bool wide) {
  Value b = pop();
  Value a = pop();
  if (is_constant(a) && !is_constant(b)) {
    std::swap(a, b);
    cond = swap_sides(cond);
  }
  if (is_constant(b) && !fits_32(b)) own_int(b);
  if (is_constant(b) && b.bits == 0 && !is_in_frame(a)) {
    const int left = int_reg(a);
    wide ? a_.test(r64(left), r64(left)) : a_.test(r32(left), r32(left));
  } else if (is_constant(b)) {
    const auto right = static_cast<std::uint32_t>(b.bits);
    if (is_in_frame(a)) {
      wide ? a_.cmp(slot_64(place_of(a)), right) : a_.cmp(slot_32(place_of(a)), right);
    } else {
      const int left = int_reg(a);
      wide ? a_.cmp(r64(left), right) : a_.cmp(r32(left), right);
    }
  } else {
    const int left = int_reg(a);
    if (is_in_frame(b)) {
      wide ? a_.cmp(r64(left), slot_64(place_of(b))) : a_.cmp(r32(left), slot_32(place_of(b)));
    } else {
      const int right = int_reg(b);
      wide ? a_.cmp(r64(left), r64(right)) : a_.cmp(r32(left), r32(right));
    }
  }
  release(a);
  release(b);
  finish_flags(cond);
}

void Compiler::int_eqz(bool wide) {
  Value value = pop();
  if (value.kind == Value::Kind::flags) return finish_flags(negate(value.cond));
  if (is_in_frame(value)) {
    wide ? a_.cmp(slot_64(place_of(value)), 0) : a_.cmp(slot_32(place_of(value)), 0);
  } else {
    const int reg = int_reg(value);
    wide ? a_.test(r64(reg), r64(reg)) : a_.test(r32(reg), r32(reg));
  }
  release(value);
  finish_flags(Cond::equal);
}

// i32.const 2, i32.shl, i32.add: an address in an array.
bool Compiler::fuse_scaled_add(const Value& a, const Value& shift) {
  if (next_op() != Op::i32_add || !is_constant(shift) || stack_.empty()) return false;
  const unsigned by = shift.bits & 31;
  if (by == 0 || by > 3) return false;
  const Value& under = stack_.back();
  if (is_constant(under) || is_in_frame(under)) return false;
  if (is_constant(a)) return false;
  skip_next();
  Value scaled = a;
  Value base = pop();
  const Goal goal = goal_for(ValType::i32);
  const int index = int_reg(scaled);
  const int left = int_reg(base);
  const int to = goal.is_local                     ? goal.reg
                 : scaled.kind == Value::Kind::reg ? scaled.reg
                 : base.kind == Value::Kind::reg   ? base.reg
                                                   : take_int();
  a_.lea(r32(to), a_.ptr[r64(left) + r64(index) * (1 << by)]);
  if (scaled.kind == Value::Kind::reg && scaled.reg != to) release(scaled);
  if (base.kind == Value::Kind::reg && base.reg != to) release(base);
  finish(goal, ValType::i32, to);
  return true;
}

// shl, shr_s, shr_u, rotl, rotr; `op` is that of i32.
void Compiler::int_shift(Op op, bool wide) {
  Value b = pop();
  Value a = pop();
  if (op == Op::i32_shl && fold(op, a, b, wide)) return;
  if (op == Op::i32_shl && !wide && fuse_scaled_add(a, b)) return;
  const ValType type = wide ? ValType::i64 : ValType::i32;
  const auto emit = [&](int to, const auto& by) {
    const auto shift = [&](const auto& reg) {
      switch (op) {
        case Op::i32_shl:
          return a_.shl(reg, by);
        case Op::i32_shr_s:
          return a_.sar(reg, by);
        case Op::i32_shr_u:
          return a_.shr(reg, by);
        case Op::i32_rotl:
          return a_.rol(reg, by);
        default:
          return a_.ror(reg, by);
      }
    };
    wide ? shift(r64(to)) : shift(r32(to));
  };
  if (is_constant(b)) {
    const Goal goal = goal_for(type);
    const int to = goal.is_local ? goal.reg : own_int(a);
    if (goal.is_local) load_int(to, a);
    const int by = static_cast<int>(b.bits & (wide ? 63 : 31));
    if (by != 0) emit(to, by);
    if (a.kind == Value::Kind::reg && a.reg != to) release(a);
    return finish(goal, type, to);
  }
  const bool rotates = op == Op::i32_rotl || op == Op::i32_rotr;
  if (options_.has_bmi && !rotates) {
    const Goal goal = goal_for(type);
    const int value = int_reg(a);
    const int by = int_reg(b);
    const int to = goal.is_local ? goal.reg : a.kind == Value::Kind::reg ? a.reg : take_int();
    const auto shift = [&](const auto& r, const auto& v, const auto& n) {
      op == Op::i32_shl     ? a_.shlx(r, v, n)
      : op == Op::i32_shr_s ? a_.sarx(r, v, n)
                            : a_.shrx(r, v, n);
    };
    wide ? shift(r64(to), r64(value), r64(by)) : shift(r32(to), r32(value), r32(by));
    if (a.kind == Value::Kind::reg && a.reg != to) release(a);
    release(b);
    return finish(goal, type, to);
  }
  // By cl.
  constexpr int kRcx = 1;
  if (is_reg(a, kRcx)) {
    const int other = take_int();
    move_int(other, kRcx, true);
    release_int(kRcx);
    a.reg = static_cast<std::uint8_t>(other);
  }
  if (!is_reg(b, kRcx)) {
    reserve_int(kRcx);
    load_int(kRcx, b);
    release(b);
  }
  const int to = own_int(a);
  emit(to, a_.cl);
  release_int(kRcx);
  push_reg(type, to);
}

// --- division ---

// By a power of two, without a sign.
bool Compiler::divide_by_constant(const Value& a, const Value& b, bool wide, bool is_signed,
                                  bool remainder) {
  if (!is_constant(b) || is_constant(a)) return false;
  const std::uint64_t by = wide ? b.bits : static_cast<std::uint32_t>(b.bits);
  if (by == 0 || is_signed || !std::has_single_bit(by)) return false;
  const ValType type = wide ? ValType::i64 : ValType::i32;
  if (remainder && by - 1 > INT32_MAX) return false;
  const Goal goal = goal_for(type);
  Value from = a;
  const int to = goal.is_local ? goal.reg : own_int(from);
  if (goal.is_local) load_int(to, from);
  if (remainder) {
    a_.and_(r32(to), static_cast<std::uint32_t>(by - 1));
  } else if (by != 1) {
    wide ? a_.shr(r64(to), std::countr_zero(by)) : a_.shr(r32(to), std::countr_zero(by));
  }
  if (from.kind == Value::Kind::reg && from.reg != to) release(from);
  finish(goal, type, to);
  return true;
}

void Compiler::int_divide(bool wide, bool is_signed, bool remainder) {
  Value b = pop();
  Value a = pop();
  if (divide_by_constant(a, b, wide, is_signed, remainder)) return;
  constexpr int kRax = 0;
  constexpr int kRdx = 2;
  const std::uint64_t known =
      is_constant(b) ? (wide ? b.bits : static_cast<std::uint32_t>(b.bits)) : 0;
  const std::uint64_t minus_one = wide ? UINT64_MAX : UINT32_MAX;
  // The divisor in neither of the two that the instruction takes.
  if (is_reg(b, kRax) || is_reg(b, kRdx)) {
    const int other = [&] {
      if (int_owner_[6] != kHeld) return reserve_int(6), 6;
      return reserve_int(7), 7;
    }();
    load_int(other, b);
    release(b);
    b.kind = Value::Kind::reg;
    b.reg = static_cast<std::uint8_t>(other);
  }
  if (!is_reg(a, kRax)) {
    reserve_int(kRax);
    load_int(kRax, a);
    release(a);
  }
  reserve_int(kRdx);
  const int by = int_reg(b);
  const auto test = [&](int reg) {
    wide ? a_.test(r64(reg), r64(reg)) : a_.test(r32(reg), r32(reg));
  };
  if (known == 0) {
    test(by);
    trap_if(Cond::equal, TrapCode::divide);
  }
  Label done;
  if (is_signed) {
    if (known == 0 || known == minus_one) {
      Label divide;
      wide ? a_.cmp(r64(by), -1) : a_.cmp(r32(by), -1);
      a_.jump_if(Cond::not_equal, divide);
      if (remainder) {
        a_.xor_(r32(kRdx), r32(kRdx));
        a_.jump(done);
      } else {  // The lowest number has no counterpart: 0 - it overflows.
        wide ? a_.cmp(r64(kRax), 1) : a_.cmp(r32(kRax), 1);
        trap_if(Cond::overflow, TrapCode::overflow);
      }
      a_.bind(divide);
    }
    wide ? a_.cqo() : a_.cdq();
    wide ? a_.idiv(r64(by)) : a_.idiv(r32(by));
  } else {
    a_.xor_(r32(kRdx), r32(kRdx));
    wide ? a_.div(r64(by)) : a_.div(r32(by));
  }
  a_.bind(done);
  release(b);
  release_int(remainder ? kRax : kRdx);
  push_reg(wide ? ValType::i64 : ValType::i32, remainder ? kRdx : kRax);
}

// --- bits ---

// clz, ctz, popcnt; `op` is that of i32.
void Compiler::int_count(Op op, bool wide) {
  Value value = pop();
  const int from = int_reg(value);
  const int to = value.kind == Value::Kind::reg ? value.reg : take_int();
  const auto both = [&](auto&& emit) {
    wide ? emit(r64(to), r64(from)) : emit(r32(to), r32(from));
  };
  const std::uint32_t bits = wide ? 64 : 32;
  if (op == Op::i32_popcnt) {
    both([&](const auto& t, const auto& f) { a_.popcnt(t, f); });
  } else if (options_.has_bmi) {
    both(
        [&](const auto& t, const auto& f) { op == Op::i32_clz ? a_.lzcnt(t, f) : a_.tzcnt(t, f); });
  } else {
    Label some;
    Label done;
    both([&](const auto&, const auto& f) { a_.test(f, f); });
    a_.jump_if(Cond::not_equal, some);
    a_.mov(r32(to), bits);
    a_.jump(done);
    a_.bind(some);
    both([&](const auto& t, const auto& f) { op == Op::i32_clz ? a_.bsr(t, f) : a_.bsf(t, f); });
    if (op == Op::i32_clz) a_.xor_(r32(to), bits - 1);
    a_.bind(done);
  }
  push_reg(wide ? ValType::i64 : ValType::i32, to);
}

void Compiler::int_extend(Op op) {
  Value value = pop();
  const ValType type = op == Op::i32_wrap_i64 || op == Op::i32_extend8_s || op == Op::i32_extend16_s
                           ? ValType::i32
                           : ValType::i64;
  const Goal goal = goal_for(type);
  const int from = int_reg(value);
  const int to = goal.is_local ? goal.reg : value.kind == Value::Kind::reg ? value.reg : take_int();
  switch (op) {
    case Op::i32_wrap_i64:
      a_.mov(r32(to), r32(from));
      break;
    case Op::i64_extend_i32_u:
      move_int(to, from, false);
      break;
    case Op::i64_extend_i32_s:
    case Op::i64_extend32_s:
      a_.movsxd(r64(to), r32(from));
      break;
    case Op::i32_extend8_s:
      a_.movsx(r32(to), r8(from));
      break;
    case Op::i32_extend16_s:
      a_.movsx(r32(to), r16(from));
      break;
    case Op::i64_extend8_s:
      a_.movsx(r64(to), r8(from));
      break;
    default:
      a_.movsx(r64(to), r16(from));
      break;
  }
  if (value.kind == Value::Kind::reg && value.reg != to) release(value);
  finish(goal, type, to);
}

bool Compiler::int_instruction(Op op) {
  const bool wide_compare = op >= Op::i64_eqz && op <= Op::i64_ge_u;
  if (wide_compare || (op >= Op::i32_eqz && op <= Op::i32_ge_u)) {
    constexpr Cond kConds[] = {Cond::equal,         Cond::equal,      Cond::not_equal,
                               Cond::less,          Cond::below,      Cond::greater,
                               Cond::above,         Cond::less_equal, Cond::below_equal,
                               Cond::greater_equal, Cond::above_equal};
    const int nth =
        static_cast<int>(op) - static_cast<int>(wide_compare ? Op::i64_eqz : Op::i32_eqz);
    if (nth == 0) return int_eqz(wide_compare), true;
    return int_compare(kConds[nth], wide_compare), true;
  }
  const bool wide = op >= Op::i64_clz && op <= Op::i64_rotr;
  if (!wide && (op < Op::i32_clz || op > Op::i32_rotr)) return false;
  const int to_i32 = static_cast<int>(Op::i64_clz) - static_cast<int>(Op::i32_clz);
  const Op narrow = wide ? static_cast<Op>(static_cast<int>(op) - to_i32) : op;
  switch (narrow) {
    case Op::i32_clz:
    case Op::i32_ctz:
    case Op::i32_popcnt:
      return int_count(narrow, wide), true;
    case Op::i32_div_s:
    case Op::i32_div_u:
      return int_divide(wide, narrow == Op::i32_div_s, false), true;
    case Op::i32_rem_s:
    case Op::i32_rem_u:
      return int_divide(wide, narrow == Op::i32_rem_s, true), true;
    case Op::i32_shl:
    case Op::i32_shr_s:
    case Op::i32_shr_u:
    case Op::i32_rotl:
    case Op::i32_rotr:
      return int_shift(narrow, wide), true;
    default:
      return int_binary(narrow, wide), true;
  }
}

}  // namespace weft::jit
