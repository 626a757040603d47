// SPDX-License-Identifier: Apache-2.0
// Vectors of 128 bits: what takes two of them, or three, lane by lane. One table says which
// instruction of SSE (up to 4.2) each is; a few need more than that.
//
// Relaxed instructions do what the specification's deterministic profile says: the same on every
// processor, so also in every run.
#include "guest/jit/compiler.h"
#include "guest/jit/vector_rows.h"

namespace weft::jit {
namespace {

using X = Xbyak::CodeGenerator;
using Xmm = Xbyak::Xmm;
using wasm::Op;

// What a row's instruction is, beside its code.
enum Trait : std::uint8_t {
  kPlain = 0,
  kCommutes = 1,
  kSwapped = 2,   // It changes its second operand.
  kInverted = 4,  // All bits of what the code leaves.
  kNan32 = 8,     // May make NaNs: lanes of f32;
  kNan64 = 16,    // of f64.
};

template <auto compare, std::uint8_t how>
void compare_floats(Assembler& a, const Xmm& to, const Xmm& from) {
  (a.*compare)(to, from, how);
}
constexpr std::uint8_t kEqual = 0;
constexpr std::uint8_t kLess = 1;
constexpr std::uint8_t kLessEqual = 2;
constexpr std::uint8_t kNotEqual = 4;

// a >= b is max(a, b) == a; a <= b is min(a, b) == a.
template <auto min_or_max, auto equal>
void compare_by(Assembler& a, const Xmm& to, const Xmm& from) {
  a.movaps(vector_scratch(), to);
  (a.*min_or_max)(vector_scratch(), from);
  (a.*equal)(to, vector_scratch());
}

// Both ways around, since SSE's answer for NaNs and zeroes is its second operand.
template <auto min, auto or_, auto unordered, auto shift, int bits, auto and_not>
void minimum(Assembler& a, const Xmm& to, const Xmm& from) {
  a.movaps(vector_scratch(), from);
  (a.*min)(vector_scratch(), to);
  (a.*min)(to, from);
  (a.*or_)(vector_scratch(), to);  // -0 and NaNs come through.
  (a.*unordered)(to, vector_scratch());
  (a.*or_)(vector_scratch(), to);
  (a.*shift)(to, bits);  // Clears what is below a NaN's quiet bit.
  (a.*and_not)(to, vector_scratch());
}

template <auto max, auto or_, auto xor_, auto subtract, auto unordered, auto shift, int bits,
          auto and_not>
void maximum(Assembler& a, const Xmm& to, const Xmm& from) {
  a.movaps(vector_scratch(), from);
  (a.*max)(vector_scratch(), to);
  (a.*max)(to, from);
  (a.*xor_)(to, vector_scratch());
  (a.*or_)(vector_scratch(), to);
  (a.*subtract)(vector_scratch(), to);  // +0 and NaNs come through.
  (a.*unordered)(to, vector_scratch());
  (a.*shift)(to, bits);
  (a.*and_not)(to, vector_scratch());
}

using ByImmediate = void (X::*)(const Xbyak::Mmx&, int);
constexpr auto kMin32 =
    &minimum<&X::minps, &X::orps, &X::cmpunordps, ByImmediate{&X::psrld}, 10, &X::andnps>;
constexpr auto kMin64 =
    &minimum<&X::minpd, &X::orpd, &X::cmpunordpd, ByImmediate{&X::psrlq}, 13, &X::andnpd>;
constexpr auto kMax32 = &maximum<&X::maxps, &X::orps, &X::xorps, &X::subps, &X::cmpunordps,
                                 ByImmediate{&X::psrld}, 10, &X::andnps>;
constexpr auto kMax64 = &maximum<&X::maxpd, &X::orpd, &X::xorpd, &X::subpd, &X::cmpunordpd,
                                 ByImmediate{&X::psrlq}, 13, &X::andnpd>;

// Halves of both, extended and multiplied.
template <auto extend, bool high>
void extended_multiply_8(Assembler& a, const Xmm& to, const Xmm& from) {
  if (high) {
    a.pshufd(vector_scratch(), from, 0xee);
    a.pshufd(to, to, 0xee);
    (a.*extend)(vector_scratch(), vector_scratch());
  } else {
    (a.*extend)(vector_scratch(), from);
  }
  (a.*extend)(to, to);
  a.pmullw(to, vector_scratch());
}

template <auto multiply_high, auto unpack>
void extended_multiply_16(Assembler& a, const Xmm& to, const Xmm& from) {
  a.movaps(vector_scratch(), to);
  a.pmullw(vector_scratch(), from);
  (a.*multiply_high)(to, from);
  (a.*unpack)(vector_scratch(), to);
  a.movaps(to, vector_scratch());
}

template <auto multiply, std::uint8_t half>
void extended_multiply_32(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pshufd(vector_scratch(), from, half);
  a.pshufd(to, to, half);
  (a.*multiply)(to, vector_scratch());
}
constexpr std::uint8_t kLowHalf = 0x50;
constexpr std::uint8_t kHighHalf = 0xfa;

// The one product that does not fit, of the lowest number with itself, is made the highest.
void q15_multiply(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pmulhrsw(to, from);
  a.pcmpeqw(vector_scratch(), vector_scratch());
  a.psllw(vector_scratch(), 15);
  a.pcmpeqw(vector_scratch(), to);
  a.pxor(to, vector_scratch());
}

// An index of 16 or more becomes one with its highest bit set, which gives zero.
void swizzle(Assembler& a, const Xmm& to, const Xmm& from) {
  a.paddusb(vector_scratch(), from);
  a.pshufb(to, vector_scratch());
}

struct BinaryRow {
  Op op;
  EmitVector emit;
  int traits = kPlain;
};

constexpr BinaryRow kBinaryRows[] = {
    {Op::v128_and, &emit_plain<&X::pand>, kCommutes},
    {Op::v128_andnot, &emit_plain<&X::pandn>, kSwapped},
    {Op::v128_or, &emit_plain<&X::por>, kCommutes},
    {Op::v128_xor, &emit_plain<&X::pxor>, kCommutes},

    {Op::i8x16_eq, &emit_plain<&X::pcmpeqb>, kCommutes},
    {Op::i8x16_ne, &emit_plain<&X::pcmpeqb>, kCommutes | kInverted},
    {Op::i8x16_lt_s, &emit_plain<&X::pcmpgtb>, kSwapped},
    {Op::i8x16_lt_u, &compare_by<&X::pmaxub, &X::pcmpeqb>, kInverted},
    {Op::i8x16_gt_s, &emit_plain<&X::pcmpgtb>},
    {Op::i8x16_gt_u, &compare_by<&X::pminub, &X::pcmpeqb>, kInverted},
    {Op::i8x16_le_s, &emit_plain<&X::pcmpgtb>, kInverted},
    {Op::i8x16_le_u, &compare_by<&X::pminub, &X::pcmpeqb>},
    {Op::i8x16_ge_s, &emit_plain<&X::pcmpgtb>, kSwapped | kInverted},
    {Op::i8x16_ge_u, &compare_by<&X::pmaxub, &X::pcmpeqb>},
    {Op::i16x8_eq, &emit_plain<&X::pcmpeqw>, kCommutes},
    {Op::i16x8_ne, &emit_plain<&X::pcmpeqw>, kCommutes | kInverted},
    {Op::i16x8_lt_s, &emit_plain<&X::pcmpgtw>, kSwapped},
    {Op::i16x8_lt_u, &compare_by<&X::pmaxuw, &X::pcmpeqw>, kInverted},
    {Op::i16x8_gt_s, &emit_plain<&X::pcmpgtw>},
    {Op::i16x8_gt_u, &compare_by<&X::pminuw, &X::pcmpeqw>, kInverted},
    {Op::i16x8_le_s, &emit_plain<&X::pcmpgtw>, kInverted},
    {Op::i16x8_le_u, &compare_by<&X::pminuw, &X::pcmpeqw>},
    {Op::i16x8_ge_s, &emit_plain<&X::pcmpgtw>, kSwapped | kInverted},
    {Op::i16x8_ge_u, &compare_by<&X::pmaxuw, &X::pcmpeqw>},
    {Op::i32x4_eq, &emit_plain<&X::pcmpeqd>, kCommutes},
    {Op::i32x4_ne, &emit_plain<&X::pcmpeqd>, kCommutes | kInverted},
    {Op::i32x4_lt_s, &emit_plain<&X::pcmpgtd>, kSwapped},
    {Op::i32x4_lt_u, &compare_by<&X::pmaxud, &X::pcmpeqd>, kInverted},
    {Op::i32x4_gt_s, &emit_plain<&X::pcmpgtd>},
    {Op::i32x4_gt_u, &compare_by<&X::pminud, &X::pcmpeqd>, kInverted},
    {Op::i32x4_le_s, &emit_plain<&X::pcmpgtd>, kInverted},
    {Op::i32x4_le_u, &compare_by<&X::pminud, &X::pcmpeqd>},
    {Op::i32x4_ge_s, &emit_plain<&X::pcmpgtd>, kSwapped | kInverted},
    {Op::i32x4_ge_u, &compare_by<&X::pmaxud, &X::pcmpeqd>},
    {Op::i64x2_eq, &emit_plain<&X::pcmpeqq>, kCommutes},
    {Op::i64x2_ne, &emit_plain<&X::pcmpeqq>, kCommutes | kInverted},
    {Op::i64x2_lt_s, &emit_plain<&X::pcmpgtq>, kSwapped},
    {Op::i64x2_gt_s, &emit_plain<&X::pcmpgtq>},
    {Op::i64x2_le_s, &emit_plain<&X::pcmpgtq>, kInverted},
    {Op::i64x2_ge_s, &emit_plain<&X::pcmpgtq>, kSwapped | kInverted},
    {Op::f32x4_eq, &compare_floats<&X::cmpps, kEqual>, kCommutes},
    {Op::f32x4_ne, &compare_floats<&X::cmpps, kNotEqual>, kCommutes},
    {Op::f32x4_lt, &compare_floats<&X::cmpps, kLess>},
    {Op::f32x4_gt, &compare_floats<&X::cmpps, kLess>, kSwapped},
    {Op::f32x4_le, &compare_floats<&X::cmpps, kLessEqual>},
    {Op::f32x4_ge, &compare_floats<&X::cmpps, kLessEqual>, kSwapped},
    {Op::f64x2_eq, &compare_floats<&X::cmppd, kEqual>, kCommutes},
    {Op::f64x2_ne, &compare_floats<&X::cmppd, kNotEqual>, kCommutes},
    {Op::f64x2_lt, &compare_floats<&X::cmppd, kLess>},
    {Op::f64x2_gt, &compare_floats<&X::cmppd, kLess>, kSwapped},
    {Op::f64x2_le, &compare_floats<&X::cmppd, kLessEqual>},
    {Op::f64x2_ge, &compare_floats<&X::cmppd, kLessEqual>, kSwapped},

    {Op::i8x16_narrow_i16x8_s, &emit_plain<&X::packsswb>},
    {Op::i8x16_narrow_i16x8_u, &emit_plain<&X::packuswb>},
    {Op::i8x16_add, &emit_plain<&X::paddb>, kCommutes},
    {Op::i8x16_add_sat_s, &emit_plain<&X::paddsb>, kCommutes},
    {Op::i8x16_add_sat_u, &emit_plain<&X::paddusb>, kCommutes},
    {Op::i8x16_sub, &emit_plain<&X::psubb>},
    {Op::i8x16_sub_sat_s, &emit_plain<&X::psubsb>},
    {Op::i8x16_sub_sat_u, &emit_plain<&X::psubusb>},
    {Op::i8x16_min_s, &emit_plain<&X::pminsb>, kCommutes},
    {Op::i8x16_min_u, &emit_plain<&X::pminub>, kCommutes},
    {Op::i8x16_max_s, &emit_plain<&X::pmaxsb>, kCommutes},
    {Op::i8x16_max_u, &emit_plain<&X::pmaxub>, kCommutes},
    {Op::i8x16_avgr_u, &emit_plain<&X::pavgb>, kCommutes},

    {Op::i16x8_q15mulr_sat_s, &q15_multiply, kCommutes},
    {Op::i16x8_narrow_i32x4_s, &emit_plain<&X::packssdw>},
    {Op::i16x8_narrow_i32x4_u, &emit_plain<&X::packusdw>},
    {Op::i16x8_add, &emit_plain<&X::paddw>, kCommutes},
    {Op::i16x8_add_sat_s, &emit_plain<&X::paddsw>, kCommutes},
    {Op::i16x8_add_sat_u, &emit_plain<&X::paddusw>, kCommutes},
    {Op::i16x8_sub, &emit_plain<&X::psubw>},
    {Op::i16x8_sub_sat_s, &emit_plain<&X::psubsw>},
    {Op::i16x8_sub_sat_u, &emit_plain<&X::psubusw>},
    {Op::i16x8_mul, &emit_plain<&X::pmullw>, kCommutes},
    {Op::i16x8_min_s, &emit_plain<&X::pminsw>, kCommutes},
    {Op::i16x8_min_u, &emit_plain<&X::pminuw>, kCommutes},
    {Op::i16x8_max_s, &emit_plain<&X::pmaxsw>, kCommutes},
    {Op::i16x8_max_u, &emit_plain<&X::pmaxuw>, kCommutes},
    {Op::i16x8_avgr_u, &emit_plain<&X::pavgw>, kCommutes},
    {Op::i16x8_extmul_low_i8x16_s, &extended_multiply_8<&X::pmovsxbw, false>, kCommutes},
    {Op::i16x8_extmul_high_i8x16_s, &extended_multiply_8<&X::pmovsxbw, true>, kCommutes},
    {Op::i16x8_extmul_low_i8x16_u, &extended_multiply_8<&X::pmovzxbw, false>, kCommutes},
    {Op::i16x8_extmul_high_i8x16_u, &extended_multiply_8<&X::pmovzxbw, true>, kCommutes},

    {Op::i32x4_add, &emit_plain<&X::paddd>, kCommutes},
    {Op::i32x4_sub, &emit_plain<&X::psubd>},
    {Op::i32x4_mul, &emit_plain<&X::pmulld>, kCommutes},
    {Op::i32x4_min_s, &emit_plain<&X::pminsd>, kCommutes},
    {Op::i32x4_min_u, &emit_plain<&X::pminud>, kCommutes},
    {Op::i32x4_max_s, &emit_plain<&X::pmaxsd>, kCommutes},
    {Op::i32x4_max_u, &emit_plain<&X::pmaxud>, kCommutes},
    {Op::i32x4_dot_i16x8_s, &emit_plain<&X::pmaddwd>, kCommutes},
    {Op::i32x4_extmul_low_i16x8_s, &extended_multiply_16<&X::pmulhw, &X::punpcklwd>, kCommutes},
    {Op::i32x4_extmul_high_i16x8_s, &extended_multiply_16<&X::pmulhw, &X::punpckhwd>, kCommutes},
    {Op::i32x4_extmul_low_i16x8_u, &extended_multiply_16<&X::pmulhuw, &X::punpcklwd>, kCommutes},
    {Op::i32x4_extmul_high_i16x8_u, &extended_multiply_16<&X::pmulhuw, &X::punpckhwd>, kCommutes},

    {Op::i64x2_add, &emit_plain<&X::paddq>, kCommutes},
    {Op::i64x2_sub, &emit_plain<&X::psubq>},
    {Op::i64x2_extmul_low_i32x4_s, &extended_multiply_32<&X::pmuldq, kLowHalf>, kCommutes},
    {Op::i64x2_extmul_high_i32x4_s, &extended_multiply_32<&X::pmuldq, kHighHalf>, kCommutes},
    {Op::i64x2_extmul_low_i32x4_u, &extended_multiply_32<&X::pmuludq, kLowHalf>, kCommutes},
    {Op::i64x2_extmul_high_i32x4_u, &extended_multiply_32<&X::pmuludq, kHighHalf>, kCommutes},

    {Op::f32x4_add, &emit_plain<&X::addps>, kCommutes | kNan32},
    {Op::f32x4_sub, &emit_plain<&X::subps>, kNan32},
    {Op::f32x4_mul, &emit_plain<&X::mulps>, kCommutes | kNan32},
    {Op::f32x4_div, &emit_plain<&X::divps>, kNan32},
    {Op::f32x4_min, kMin32, kNan32},
    {Op::f32x4_max, kMax32, kNan32},
    {Op::f32x4_pmin, &emit_plain<&X::minps>, kSwapped},
    {Op::f32x4_pmax, &emit_plain<&X::maxps>, kSwapped},
    {Op::f64x2_add, &emit_plain<&X::addpd>, kCommutes | kNan64},
    {Op::f64x2_sub, &emit_plain<&X::subpd>, kNan64},
    {Op::f64x2_mul, &emit_plain<&X::mulpd>, kCommutes | kNan64},
    {Op::f64x2_div, &emit_plain<&X::divpd>, kNan64},
    {Op::f64x2_min, kMin64, kNan64},
    {Op::f64x2_max, kMax64, kNan64},
    {Op::f64x2_pmin, &emit_plain<&X::minpd>, kSwapped},
    {Op::f64x2_pmax, &emit_plain<&X::maxpd>, kSwapped},

    {Op::f32x4_relaxed_min, kMin32, kNan32},
    {Op::f32x4_relaxed_max, kMax32, kNan32},
    {Op::f64x2_relaxed_min, kMin64, kNan64},
    {Op::f64x2_relaxed_max, kMax64, kNan64},
    {Op::i16x8_relaxed_q15mulr_s, &q15_multiply, kCommutes},
};

constexpr auto kBinaryRowOf = row_numbers(kBinaryRows);

}  // namespace

// A register with the first operand, which the instruction changes: the goal's or a temp.
int Compiler::vector_target(Value& a, Value& b, const Goal& goal, bool commutes) {
  if (goal.is_local && is_reg(b, goal.reg) && !is_reg(a, goal.reg)) {
    if (commutes) {
      std::swap(a, b);
    } else {
      own_float(b);
    }
  }
  if (!goal.is_local) {
    if (commutes && a.kind != Value::Kind::reg && b.kind == Value::Kind::reg) std::swap(a, b);
    return own_float(a);
  }
  load_float(goal.reg, a);
  return goal.reg;
}

void Compiler::finish_vector(const Goal& goal, const Value& first, int reg) {
  if (first.kind == Value::Kind::reg && first.reg != reg) release(first);
  finish(goal, ValType::v128, reg);
}

bool Compiler::vector_binary(Op op) {
  const std::size_t number = kBinaryRowOf[vector_index(op)];
  if (number == 0) return false;
  const BinaryRow& row = kBinaryRows[number - 1];
  Value b = pop();
  Value a = pop();
  if ((row.traits & kSwapped) != 0) std::swap(a, b);
  const Goal goal = goal_for(ValType::v128);
  const int to = vector_target(a, b, goal, (row.traits & kCommutes) != 0);
  row.emit(a_, x(to), x(float_reg(b)));
  if ((row.traits & kInverted) != 0) {
    a_.pcmpeqd(x(kScratch), x(kScratch));
    a_.pxor(x(to), x(kScratch));
  }
  if ((row.traits & (kNan32 | kNan64)) != 0) {
    canonical_lanes(to, (row.traits & kNan64) != 0);
  }
  release(b);
  finish_vector(goal, a, to);
  return true;
}

// --- what needs more than a scratch register ---

// The products of halves that a product of 64 bits is made of.
void Compiler::multiply_64() {
  Value b = pop();
  Value a = pop();
  const int to = own_float(a);
  const int by = float_reg(b);
  const int cross = take_float();
  a_.movaps(x(kScratch), x(to));
  a_.psrlq(x(kScratch), 32);
  a_.pmuludq(x(kScratch), x(by));
  a_.movaps(x(cross), x(by));
  a_.psrlq(x(cross), 32);
  a_.pmuludq(x(cross), x(to));
  a_.paddq(x(kScratch), x(cross));
  a_.psllq(x(kScratch), 32);
  a_.pmuludq(x(to), x(by));
  a_.paddq(x(to), x(kScratch));
  release_float(cross);
  release(b);
  push_reg(ValType::v128, to);
}

void Compiler::swizzle_lanes() {
  Value b = pop();
  Value a = pop();
  const int to = own_float(a);
  const int from = float_reg(b);
  constexpr std::uint64_t kAbove = 0x7070'7070'7070'7070;
  set_float_constant(kScratch, ValType::v128, kAbove, kAbove);
  swizzle(a_, x(to), x(from));
  release(b);
  push_reg(ValType::v128, to);
}

// ((a ^ b) & mask) ^ b
void Compiler::bitselect() {
  Value mask = pop();
  Value b = pop();
  Value a = pop();
  const int to = own_float(a);
  const int other = float_reg(b);
  a_.pxor(x(to), x(other));
  a_.pand(x(to), x(float_reg(mask)));
  a_.pxor(x(to), x(other));
  release(mask);
  release(b);
  push_reg(ValType::v128, to);
}

// a * b + c, or c - a * b, rounded twice.
void Compiler::multiply_add(bool wide, bool negated) {
  Value c = pop();
  Value b = pop();
  Value a = pop();
  int to = own_float(a);
  const int by = float_reg(b);
  wide ? a_.mulpd(x(to), x(by)) : a_.mulps(x(to), x(by));
  if (negated) {
    const int from = own_float(c);
    wide ? a_.subpd(x(from), x(to)) : a_.subps(x(from), x(to));
    release(a);
    to = from;
  } else {
    const int plus = float_reg(c);
    wide ? a_.addpd(x(to), x(plus)) : a_.addps(x(to), x(plus));
    release(c);
  }
  canonical_lanes(to, wide);
  release(b);
  push_reg(ValType::v128, to);
}

// Products of bytes with a sign, pairs of them added; leaves words. `from` is kept. The one sum
// that does not fit wraps around, as the official tests want it.
void Compiler::dot_bytes(int to, int from) {
  const int by = take_float();
  a_.movaps(x(kScratch), x(to));
  a_.psraw(x(kScratch), 8);
  a_.movaps(x(by), x(from));
  a_.psraw(x(by), 8);
  a_.pmullw(x(kScratch), x(by));
  a_.movaps(x(by), x(from));
  a_.psllw(x(by), 8);
  a_.psraw(x(by), 8);
  a_.psllw(x(to), 8);
  a_.psraw(x(to), 8);
  a_.pmullw(x(to), x(by));
  a_.paddw(x(to), x(kScratch));
  release_float(by);
}

void Compiler::dot(bool adds) {
  Value sum;
  if (adds) sum = pop();
  Value b = pop();
  Value a = pop();
  const int to = own_float(a);
  dot_bytes(to, float_reg(b));
  if (adds) {
    a_.pcmpeqw(x(kScratch), x(kScratch));
    a_.psrlw(x(kScratch), 15);
    a_.pmaddwd(x(to), x(kScratch));
    a_.paddd(x(to), x(float_reg(sum)));
    release(sum);
  }
  release(b);
  push_reg(ValType::v128, to);
}

bool Compiler::vector_of_several(Op op) {
  switch (op) {
    case Op::i64x2_mul:
      return multiply_64(), true;
    case Op::i8x16_swizzle:
    case Op::i8x16_relaxed_swizzle:
      return swizzle_lanes(), true;
    case Op::v128_bitselect:
    case Op::i8x16_relaxed_laneselect:
    case Op::i16x8_relaxed_laneselect:
    case Op::i32x4_relaxed_laneselect:
    case Op::i64x2_relaxed_laneselect:
      return bitselect(), true;
    case Op::f32x4_relaxed_madd:
    case Op::f32x4_relaxed_nmadd:
      return multiply_add(false, op == Op::f32x4_relaxed_nmadd), true;
    case Op::f64x2_relaxed_madd:
    case Op::f64x2_relaxed_nmadd:
      return multiply_add(true, op == Op::f64x2_relaxed_nmadd), true;
    case Op::i16x8_relaxed_dot_i8x16_i7x16_s:
    case Op::i32x4_relaxed_dot_i8x16_i7x16_add_s:
      return dot(op == Op::i32x4_relaxed_dot_i8x16_i7x16_add_s), true;
    default:
      return false;
  }
}

bool Compiler::vector_instruction(const wasm::Instruction& in) {
  if (in.op < Op::v128_load || in.op > Op::i32x4_relaxed_dot_i8x16_i7x16_add_s) return false;
  return vector_memory(in) || vector_binary(in.op) || vector_lanes(in) || vector_unary(in.op) ||
         vector_shift(in.op) || vector_of_several(in.op);
}

}  // namespace weft::jit
