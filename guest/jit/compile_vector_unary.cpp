// SPDX-License-Identifier: Apache-2.0
// Vectors: what takes one of them: signs, rounding, conversions, lanes made wider.
#include "guest/jit/compiler.h"
#include "guest/jit/vector_rows.h"

namespace weft::jit {
namespace {

using X = Xbyak::CodeGenerator;
using Xmm = Xbyak::Xmm;
using wasm::Op;

// The rounding of roundps, which tells nobody of lost bits.
constexpr int kNearest = 8;
constexpr int kFloor = 9;
constexpr int kCeil = 10;
constexpr int kTruncate = 11;

template <auto instruction>
void of_high_half(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pshufd(to, from, 0xee);
  (a.*instruction)(to, to);
}

template <auto instruction, int how>
void rounded(Assembler& a, const Xmm& to, const Xmm& from) {
  (a.*instruction)(to, from, how);
}

template <auto subtract>
void negated(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pxor(vector_scratch(), vector_scratch());
  (a.*subtract)(vector_scratch(), from);
  a.movaps(to, vector_scratch());
}

void copy(Assembler& a, const Xmm& to, const Xmm& from) {
  if (to != from) a.movaps(to, from);
}

void absolute_64(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pxor(vector_scratch(), vector_scratch());
  a.pcmpgtq(vector_scratch(), from);
  copy(a, to, from);
  a.pxor(to, vector_scratch());
  a.psubq(to, vector_scratch());
}

using ByImmediate = void (X::*)(const Xbyak::Mmx&, int);

// All bits but the sign, or the sign alone: ones, shifted.
template <auto shift, int by, auto combine>
void with_sign_mask(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pcmpeqd(vector_scratch(), vector_scratch());
  (a.*shift)(vector_scratch(), by);
  copy(a, to, from);
  (a.*combine)(to, vector_scratch());
}

void not_(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pcmpeqd(vector_scratch(), vector_scratch());
  copy(a, to, from);
  a.pxor(to, vector_scratch());
}

// --- sums of neighbours ---

void ones_of_words(Assembler& a) {
  a.pcmpeqw(vector_scratch(), vector_scratch());
  a.psrlw(vector_scratch(), 15);
}

void add_pairs_8_signed(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pcmpeqb(vector_scratch(), vector_scratch());
  a.pabsb(vector_scratch(), vector_scratch());
  a.pmaddubsw(vector_scratch(), from);  // The first operand has no sign.
  a.movaps(to, vector_scratch());
}

void add_pairs_8_unsigned(Assembler& a, const Xmm& to, const Xmm& from) {
  a.pcmpeqb(vector_scratch(), vector_scratch());
  a.pabsb(vector_scratch(), vector_scratch());
  copy(a, to, from);
  a.pmaddubsw(to, vector_scratch());
}

void add_pairs_16_signed(Assembler& a, const Xmm& to, const Xmm& from) {
  ones_of_words(a);
  copy(a, to, from);
  a.pmaddwd(to, vector_scratch());
}

void add_pairs_16_unsigned(Assembler& a, const Xmm& to, const Xmm& from) {
  a.movaps(vector_scratch(), from);
  a.psrld(vector_scratch(), 16);
  copy(a, to, from);
  a.pslld(to, 16);
  a.psrld(to, 16);
  a.paddd(to, vector_scratch());
}

// --- to whole numbers ---

// NaNs become zero first; what is too large, which a conversion makes the lowest number, has all
// its bits turned.
void truncate_32_signed(Assembler& a, const Xmm& to, const Xmm& from) {
  copy(a, to, from);
  a.movaps(vector_scratch(), to);
  a.cmpeqps(vector_scratch(), vector_scratch());
  a.andps(to, vector_scratch());
  a.pxor(vector_scratch(), to);  // The sign: was it not negative?
  a.cvttps2dq(to, to);
  a.pand(vector_scratch(), to);  // And is it the lowest number now?
  a.psrad(vector_scratch(), 31);
  a.pxor(to, vector_scratch());
}

struct UnaryRow {
  Op op;
  EmitVector emit;
  int nan_of = 0;  // The size of its lanes, when it may make a NaN.
};

constexpr UnaryRow kUnaryRows[] = {
    {Op::v128_not, &not_},
    {Op::i8x16_abs, &emit_plain<&X::pabsb>},
    {Op::i16x8_abs, &emit_plain<&X::pabsw>},
    {Op::i32x4_abs, &emit_plain<&X::pabsd>},
    {Op::i64x2_abs, &absolute_64},
    {Op::i8x16_neg, &negated<&X::psubb>},
    {Op::i16x8_neg, &negated<&X::psubw>},
    {Op::i32x4_neg, &negated<&X::psubd>},
    {Op::i64x2_neg, &negated<&X::psubq>},

    {Op::f32x4_abs, &with_sign_mask<ByImmediate{&X::psrld}, 1, &X::andps>},
    {Op::f32x4_neg, &with_sign_mask<ByImmediate{&X::pslld}, 31, &X::xorps>},
    {Op::f64x2_abs, &with_sign_mask<ByImmediate{&X::psrlq}, 1, &X::andpd>},
    {Op::f64x2_neg, &with_sign_mask<ByImmediate{&X::psllq}, 63, &X::xorpd>},
    {Op::f32x4_sqrt, &emit_plain<&X::sqrtps>, 4},
    {Op::f32x4_ceil, &rounded<&X::roundps, kCeil>, 4},
    {Op::f32x4_floor, &rounded<&X::roundps, kFloor>, 4},
    {Op::f32x4_trunc, &rounded<&X::roundps, kTruncate>, 4},
    {Op::f32x4_nearest, &rounded<&X::roundps, kNearest>, 4},
    {Op::f64x2_sqrt, &emit_plain<&X::sqrtpd>, 8},
    {Op::f64x2_ceil, &rounded<&X::roundpd, kCeil>, 8},
    {Op::f64x2_floor, &rounded<&X::roundpd, kFloor>, 8},
    {Op::f64x2_trunc, &rounded<&X::roundpd, kTruncate>, 8},
    {Op::f64x2_nearest, &rounded<&X::roundpd, kNearest>, 8},

    {Op::i16x8_extend_low_i8x16_s, &emit_plain<&X::pmovsxbw>},
    {Op::i16x8_extend_high_i8x16_s, &of_high_half<&X::pmovsxbw>},
    {Op::i16x8_extend_low_i8x16_u, &emit_plain<&X::pmovzxbw>},
    {Op::i16x8_extend_high_i8x16_u, &of_high_half<&X::pmovzxbw>},
    {Op::i32x4_extend_low_i16x8_s, &emit_plain<&X::pmovsxwd>},
    {Op::i32x4_extend_high_i16x8_s, &of_high_half<&X::pmovsxwd>},
    {Op::i32x4_extend_low_i16x8_u, &emit_plain<&X::pmovzxwd>},
    {Op::i32x4_extend_high_i16x8_u, &of_high_half<&X::pmovzxwd>},
    {Op::i64x2_extend_low_i32x4_s, &emit_plain<&X::pmovsxdq>},
    {Op::i64x2_extend_high_i32x4_s, &of_high_half<&X::pmovsxdq>},
    {Op::i64x2_extend_low_i32x4_u, &emit_plain<&X::pmovzxdq>},
    {Op::i64x2_extend_high_i32x4_u, &of_high_half<&X::pmovzxdq>},
    {Op::i16x8_extadd_pairwise_i8x16_s, &add_pairs_8_signed},
    {Op::i16x8_extadd_pairwise_i8x16_u, &add_pairs_8_unsigned},
    {Op::i32x4_extadd_pairwise_i16x8_s, &add_pairs_16_signed},
    {Op::i32x4_extadd_pairwise_i16x8_u, &add_pairs_16_unsigned},

    {Op::f32x4_convert_i32x4_s, &emit_plain<&X::cvtdq2ps>},
    {Op::f64x2_convert_low_i32x4_s, &emit_plain<&X::cvtdq2pd>},
    {Op::f32x4_demote_f64x2_zero, &emit_plain<&X::cvtpd2ps>, 4},
    {Op::f64x2_promote_low_f32x4, &emit_plain<&X::cvtps2pd>},
    {Op::i32x4_trunc_sat_f32x4_s, &truncate_32_signed},
    {Op::i32x4_relaxed_trunc_f32x4_s, &truncate_32_signed},
};

constexpr auto kUnaryRowOf = row_numbers(kUnaryRows);

}  // namespace

// Where a run must be the same everywhere, arithmetic makes one NaN only.
void Compiler::canonical_lanes(int reg, bool wide) {
  if (!options_.one_nan) return;
  const std::uint64_t nan = wide ? 0x7ff8ULL << 48 : 0x7fc0'0000'7fc0'0000;
  const int numbers = take_float();
  a_.movaps(x(kScratch), x(reg));
  wide ? a_.cmpunordpd(x(kScratch), x(kScratch)) : a_.cmpunordps(x(kScratch), x(kScratch));
  a_.movaps(x(numbers), x(kScratch));
  a_.andnps(x(numbers), x(reg));
  set_float_constant(reg, ValType::v128, nan, nan);
  a_.andps(x(reg), x(kScratch));
  a_.orps(x(reg), x(numbers));
  release_float(numbers);
}

// --- what needs constants or more registers ---

// The bits of each half of a byte, looked up.
void Compiler::count_bits() {
  constexpr std::uint64_t kLowHalves = 0x0f0f'0f0f'0f0f'0f0f;
  const auto load_table = [&](int reg) {
    set_float_constant(reg, ValType::v128, 0x0302'0201'0201'0100, 0x0403'0302'0302'0201);
  };
  Value value = pop();
  const int to = own_float(value);
  const int high = take_float();
  set_float_constant(kScratch, ValType::v128, kLowHalves, kLowHalves);
  a_.movaps(x(high), x(to));
  a_.psrlw(x(high), 4);
  a_.pand(x(high), x(kScratch));
  a_.pand(x(to), x(kScratch));
  load_table(kScratch);
  a_.pshufb(x(kScratch), x(to));
  load_table(to);
  a_.pshufb(x(to), x(high));
  a_.paddb(x(to), x(kScratch));
  release_float(high);
  push_reg(ValType::v128, to);
}

// Numbers of 2^31 and more are converted as what they have above that.
void Compiler::truncate_lanes_32_unsigned() {
  Value value = pop();
  const int to = own_float(value);
  const int above = take_float();
  a_.xorps(x(kScratch), x(kScratch));
  a_.maxps(x(to), x(kScratch));  // NaNs and what is negative: zero.
  a_.pcmpeqd(x(kScratch), x(kScratch));
  a_.psrld(x(kScratch), 1);
  a_.cvtdq2ps(x(kScratch), x(kScratch));  // 2^31
  a_.movaps(x(above), x(to));
  a_.subps(x(above), x(kScratch));
  a_.cmpleps(x(kScratch), x(above));  // 2^32 and more
  a_.cvttps2dq(x(above), x(above));
  a_.pxor(x(above), x(kScratch));
  a_.pxor(x(kScratch), x(kScratch));
  a_.pmaxsd(x(above), x(kScratch));
  a_.cvttps2dq(x(to), x(to));
  a_.paddd(x(to), x(above));
  release_float(above);
  push_reg(ValType::v128, to);
}

void Compiler::truncate_lanes_64(bool is_signed) {
  Value value = pop();
  const int to = own_float(value);
  if (is_signed) {
    constexpr std::uint64_t kMost = 0x41df'ffff'ffc0'0000;  // 2^31 - 1
    const int most = take_float();
    set_float_constant(kScratch, ValType::v128, kMost, kMost);
    a_.movaps(x(most), x(to));
    a_.cmpeqpd(x(most), x(most));
    a_.andps(x(most), x(kScratch));  // Of NaNs: zero.
    a_.minpd(x(to), x(most));
    a_.cvttpd2dq(x(to), x(to));
    release_float(most);
  } else {
    constexpr std::uint64_t kMost = 0x41ef'ffff'ffe0'0000;  // 2^32 - 1
    constexpr std::uint64_t kTwoTo52 = 0x4330ULL << 48;     // A number below it is its low half.
    a_.xorps(x(kScratch), x(kScratch));
    a_.maxpd(x(to), x(kScratch));
    set_float_constant(kScratch, ValType::v128, kMost, kMost);
    a_.minpd(x(to), x(kScratch));
    a_.roundpd(x(to), x(to), kTruncate);
    set_float_constant(kScratch, ValType::v128, kTwoTo52, kTwoTo52);
    a_.addpd(x(to), x(kScratch));
    a_.xorps(x(kScratch), x(kScratch));
    a_.shufps(x(to), x(kScratch), 0x88);
  }
  push_reg(ValType::v128, to);
}

// Of numbers without a sign: to f32 by halves, which are exact, to f64 as the low half of 2^52.
void Compiler::convert_lanes_unsigned(bool wide) {
  Value value = pop();
  const int to = own_float(value);
  if (wide) {
    constexpr std::uint64_t kTwoTo52 = 0x4330ULL << 48;
    a_.xorps(x(kScratch), x(kScratch));
    a_.punpckldq(x(to), x(kScratch));
    set_float_constant(kScratch, ValType::v128, kTwoTo52, kTwoTo52);
    a_.orps(x(to), x(kScratch));
    a_.subpd(x(to), x(kScratch));
  } else {
    constexpr std::uint64_t kTwoTo16 = 0x4780'0000'4780'0000;
    const int low = take_float();
    a_.movaps(x(low), x(to));
    a_.pslld(x(low), 16);
    a_.psrld(x(low), 16);
    a_.psrld(x(to), 16);
    a_.cvtdq2ps(x(low), x(low));
    a_.cvtdq2ps(x(to), x(to));
    set_float_constant(kScratch, ValType::v128, kTwoTo16, kTwoTo16);
    a_.mulps(x(to), x(kScratch));
    a_.addps(x(to), x(low));
    release_float(low);
  }
  push_reg(ValType::v128, to);
}

bool Compiler::vector_unary(Op op) {
  switch (op) {
    case Op::i8x16_popcnt:
      return count_bits(), true;
    case Op::i32x4_trunc_sat_f32x4_u:
    case Op::i32x4_relaxed_trunc_f32x4_u:
      return truncate_lanes_32_unsigned(), true;
    case Op::i32x4_trunc_sat_f64x2_s_zero:
    case Op::i32x4_relaxed_trunc_f64x2_s_zero:
      return truncate_lanes_64(true), true;
    case Op::i32x4_trunc_sat_f64x2_u_zero:
    case Op::i32x4_relaxed_trunc_f64x2_u_zero:
      return truncate_lanes_64(false), true;
    case Op::f32x4_convert_i32x4_u:
      return convert_lanes_unsigned(false), true;
    case Op::f64x2_convert_low_i32x4_u:
      return convert_lanes_unsigned(true), true;
    default:
      break;
  }
  const std::size_t number = kUnaryRowOf[vector_index(op)];
  if (number == 0) return false;
  const UnaryRow& row = kUnaryRows[number - 1];
  Value value = pop();
  const Goal goal = goal_for(ValType::v128);
  const int from = float_reg(value);
  const int to = goal.is_local                    ? goal.reg
                 : value.kind == Value::Kind::reg ? value.reg
                                                  : take_float();
  row.emit(a_, x(to), x(from));
  if (row.nan_of != 0) canonical_lanes(to, row.nan_of == 8);
  finish_vector(goal, value, to);
  return true;
}

}  // namespace weft::jit
