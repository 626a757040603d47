// SPDX-License-Identifier: Apache-2.0
// Between whole numbers and floats. What a processor's instruction answers for most numbers is in
// line; NaNs and numbers that do not fit are out of line (emit_convert).
#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

using wasm::Op;

struct Truncation {
  bool wide;  // To i64.
  bool is_signed;
  bool from_f64;
  bool saturates;
};

Truncation truncation(Op op) {
  switch (op) {
    case Op::i32_trunc_f32_s:
      return {false, true, false, false};
    case Op::i32_trunc_f32_u:
      return {false, false, false, false};
    case Op::i32_trunc_f64_s:
      return {false, true, true, false};
    case Op::i32_trunc_f64_u:
      return {false, false, true, false};
    case Op::i64_trunc_f32_s:
      return {true, true, false, false};
    case Op::i64_trunc_f32_u:
      return {true, false, false, false};
    case Op::i64_trunc_f64_s:
      return {true, true, true, false};
    case Op::i64_trunc_f64_u:
      return {true, false, true, false};
    case Op::i32_trunc_sat_f32_s:
      return {false, true, false, true};
    case Op::i32_trunc_sat_f32_u:
      return {false, false, false, true};
    case Op::i32_trunc_sat_f64_s:
      return {false, true, true, true};
    case Op::i32_trunc_sat_f64_u:
      return {false, false, true, true};
    case Op::i64_trunc_sat_f32_s:
      return {true, true, false, true};
    case Op::i64_trunc_sat_f32_u:
      return {true, false, false, true};
    case Op::i64_trunc_sat_f64_s:
      return {true, true, true, true};
    default:
      return {true, false, true, true};
  }
}

}  // namespace

void Compiler::truncate(Op op) {
  const Truncation how = truncation(op);
  Value value = pop();
  const int from = float_reg(value);
  const int to = take_int();
  OutOfLine slow{.kind = OutOfLine::Kind::convert,
                 .entry = {},
                 .resume = {},
                 .offset = current_->offset,
                 .op = op,
                 .from = static_cast<std::uint8_t>(from),
                 .to = static_cast<std::uint8_t>(to)};
  how.from_f64 ? a_.cvttsd2si(r64(to), x(from)) : a_.cvttss2si(r64(to), x(from));
  if (how.wide && how.is_signed) {
    a_.cmp(r64(to), 1);
    a_.jump_if(Cond::overflow, slow.entry);  // The lowest number: what can't be converted gives.
  } else if (how.wide) {
    a_.test(r64(to), r64(to));
    a_.jump_if(Cond::sign, slow.entry);
  } else {
    const int same = take_int();
    how.is_signed ? a_.movsxd(r64(same), r32(to)) : a_.mov(r32(same), r32(to));
    a_.cmp(r64(same), r64(to));
    release_int(same);
    a_.jump_if(Cond::not_equal, slow.entry);
  }
  a_.bind(slow.resume);
  if (!how.wide && how.is_signed) a_.mov(r32(to), r32(to));
  out_of_line_.push_back(slow);
  release(value);
  push_reg(how.wide ? ValType::i64 : ValType::i32, to);
}

// Of a number that does not fit, or that only an unsigned one can hold.
void Compiler::emit_convert(OutOfLine& what) {
  const Truncation how = truncation(what.op);
  const Xbyak::Xmm from = x(what.from);
  const Xbyak::Reg64 to = r64(what.to);
  const ValType type = how.from_f64 ? ValType::f64 : ValType::f32;
  const auto trap = [&](TrapCode code) {
    facts_.sites.push_back({a_.position(), what.offset});
    a_.call_outside(options_.stubs.trap(code));
  };
  const auto compare = [&](const Xbyak::Xmm& with) {
    how.from_f64 ? a_.ucomisd(from, with) : a_.ucomiss(from, with);
  };
  Label number;
  compare(from);
  a_.jump_if(Cond::no_parity, number);
  if (how.saturates) {
    a_.xor_(to.cvt32(), to.cvt32());
    a_.jump(what.resume);
  } else {
    trap(TrapCode::conversion);
  }
  a_.bind(number);
  if (how.wide && !how.is_signed) {  // Half of the numbers are above those that have a sign.
    set_float_constant(kScratch, type, how.from_f64 ? 0xc3e0ULL << 48 : 0xdf00'0000ULL);
    how.from_f64 ? a_.addsd(x(kScratch), from) : a_.addss(x(kScratch), from);
    how.from_f64 ? a_.cvttsd2si(to, x(kScratch)) : a_.cvttss2si(to, x(kScratch));
    Label too_large;
    a_.test(to, to);
    a_.jump_if(Cond::sign, too_large);
    a_.btc(to, 63);
    a_.jump(what.resume);
    a_.bind(too_large);
  } else if (how.wide && !how.saturates) {
    set_float_constant(kScratch, type, how.from_f64 ? 0xc3e0ULL << 48 : 0xdf00'0000ULL);
    compare(x(kScratch));
    a_.jump_if(Cond::equal, what.resume);
  }
  if (!how.saturates) return trap(TrapCode::overflow);
  Label below;
  a_.xorps(x(kScratch), x(kScratch));
  compare(x(kScratch));
  a_.jump_if(Cond::below, below);
  const std::uint64_t most = how.wide ? UINT64_MAX : UINT32_MAX;
  a_.mov(to, how.is_signed ? most >> 1 : most);
  a_.jump(what.resume);
  a_.bind(below);
  a_.mov(to, how.is_signed ? (most >> 1) + 1 : 0);
  a_.jump(what.resume);
}

void Compiler::convert_to_float(Op op) {
  Value value = pop();
  const bool wide = op >= Op::f64_convert_i32_s;
  if (op == Op::f32_demote_f64 || op == Op::f64_promote_f32) {
    const int reg = own_float(value);
    wide ? a_.cvtss2sd(x(reg), x(reg)) : a_.cvtsd2ss(x(reg), x(reg));
    // A conversion of a NaN keeps what it can of its bits; the others make one NaN.
    if (!wide) canonical(reg, wide);
    return push_reg(wide ? ValType::f64 : ValType::f32, reg);
  }
  const int to = take_float();
  const auto convert = [&](const auto& from) {
    wide ? a_.cvtsi2sd(x(to), from) : a_.cvtsi2ss(x(to), from);
  };
  a_.xorps(x(to), x(to));
  switch (op) {
    case Op::f32_convert_i32_s:
    case Op::f64_convert_i32_s:
      convert(r32(int_reg(value)));
      break;
    case Op::f32_convert_i64_u:
    case Op::f64_convert_i64_u: {
      Label large;
      Label done;
      const int from = own_int(value);
      const int bit = take_int();
      a_.test(r64(from), r64(from));
      a_.jump_if(Cond::sign, large);
      convert(r64(from));
      a_.jump(done);
      a_.bind(large);  // Half of it, with the lost bit kept for rounding, twice.
      a_.mov(r32(bit), r32(from));
      a_.and_(r32(bit), 1);
      a_.shr(r64(from), 1);
      a_.or_(r64(from), r64(bit));
      convert(r64(from));
      wide ? a_.addsd(x(to), x(to)) : a_.addss(x(to), x(to));
      a_.bind(done);
      release_int(bit);
      break;
    }
    default:  // Of i64, or of i32 without a sign, whose upper half is zero.
      convert(r64(int_reg(value)));
      break;
  }
  release(value);
  push_reg(wide ? ValType::f64 : ValType::f32, to);
}

void Compiler::reinterpret(Op op) {
  Value value = pop();
  const bool to_float = op == Op::f32_reinterpret_i32 || op == Op::f64_reinterpret_i64;
  const bool wide = op == Op::f64_reinterpret_i64 || op == Op::i64_reinterpret_f64;
  if (to_float) {
    const int from = int_reg(value);
    const int to = take_float();
    wide ? a_.movq(x(to), r64(from)) : a_.movd(x(to), r32(from));
    release(value);
    return push_reg(wide ? ValType::f64 : ValType::f32, to);
  }
  const int from = float_reg(value);
  const int to = take_int();
  wide ? a_.movq(r64(to), x(from)) : a_.movd(r32(to), x(from));
  release(value);
  push_reg(wide ? ValType::i64 : ValType::i32, to);
}

bool Compiler::conversion(const wasm::Instruction& in) {
  const Op op = in.op;
  switch (op) {
    case Op::i32_wrap_i64:
    case Op::i64_extend_i32_s:
    case Op::i64_extend_i32_u:
      return int_extend(op), true;
    case Op::i32_reinterpret_f32:
    case Op::i64_reinterpret_f64:
    case Op::f32_reinterpret_i32:
    case Op::f64_reinterpret_i64:
      return reinterpret(op), true;
    default:
      break;
  }
  if (op >= Op::i32_extend8_s && op <= Op::i64_extend32_s) return int_extend(op), true;
  if (op >= Op::i32_trunc_sat_f32_s && op <= Op::i64_trunc_sat_f64_u) return truncate(op), true;
  if (op >= Op::f32_convert_i32_s && op <= Op::f64_promote_f32) return convert_to_float(op), true;
  if (op >= Op::i32_trunc_f32_s && op <= Op::i64_trunc_f64_u) return truncate(op), true;
  return false;
}

}  // namespace weft::jit
