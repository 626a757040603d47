// SPDX-License-Identifier: Apache-2.0
// Vectors: lanes in and out, shuffles, shifts, and questions about all lanes.
#include <cstring>

#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

constexpr std::size_t kLanes = 16;  // Of a shuffle.

// The same bits in each lane.
constexpr std::uint64_t splat_bits(std::uint64_t bits, int bytes) {
  if (bytes == 8) return bits;
  const std::uint64_t lane = bits & ((std::uint64_t{1} << 8 * bytes) - 1);
  return UINT64_MAX / ((std::uint64_t{1} << 8 * bytes) - 1) * lane;
}

// --- shapes of shuffles; lanes from 16 on are of the second operand ---

struct Shuffle {
  std::array<std::uint8_t, kLanes> lanes;

  // Are `width` bytes everywhere neighbours, from a multiple of it on?
  [[nodiscard]] bool moves_whole(std::size_t width) const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (lanes[i] != lanes[i / width * width] + i % width) return false;
      if (lanes[i / width * width] % width != 0) return false;
    }
    return true;
  }
  // The operand of each group of four bytes, two bits each.
  [[nodiscard]] std::uint8_t dwords() const {
    std::uint32_t order = 0;
    for (std::size_t i = 0; i < 4; ++i) order |= (lanes[4 * i] % 16U / 4U) << (2 * i);
    return static_cast<std::uint8_t>(order);
  }
  [[nodiscard]] bool takes_from(std::size_t i, std::size_t operand) const {
    return lanes[i] / kLanes == operand;
  }
  [[nodiscard]] bool takes_all_from(std::size_t operand) const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (!takes_from(i, operand)) return false;
    }
    return true;
  }
  [[nodiscard]] bool unpacks(std::size_t width, bool high) const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const std::size_t group = i / width;
      const std::size_t at = (high ? 8 : 0) + group / 2 * width + i % width;
      if (lanes[i] != at + (group % 2 != 0 ? kLanes : 0)) return false;
    }
    return true;
  }
  [[nodiscard]] bool is_rotation() const {
    for (std::size_t i = 1; i < kLanes; ++i) {
      if (lanes[i] != lanes[0] + i) return false;
    }
    return true;
  }
  [[nodiscard]] bool blends_words() const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      if (lanes[i] % kLanes != i || lanes[i] / kLanes != lanes[i & ~1U] / kLanes) return false;
    }
    return true;
  }
  [[nodiscard]] std::uint8_t words_of_second() const {
    std::uint32_t words = 0;
    for (std::size_t i = 0; i < 8; ++i) words |= (takes_from(2 * i, 1) ? 1U : 0U) << i;
    return static_cast<std::uint8_t>(words);
  }
  // As pshufb wants them for one operand: 0x80 for lanes of the other.
  [[nodiscard]] std::array<std::uint64_t, 2> mask_of(std::size_t operand) const {
    std::array<std::uint8_t, kLanes> mask{};
    for (std::size_t i = 0; i < kLanes; ++i) {
      mask[i] = takes_from(i, operand) ? lanes[i] % kLanes : 0x80;
    }
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), mask.data(), kLanes);
    return words;
  }
  void swap_operands() {
    for (std::uint8_t& lane : lanes) lane ^= kLanes;
  }
};

}  // namespace

// --- shuffles ---

void Compiler::shuffle_one(const std::uint8_t* lanes, Value& value) {
  Shuffle shuffle{};
  std::memcpy(shuffle.lanes.data(), lanes, kLanes);
  if (shuffle.moves_whole(4)) {
    const int from = float_reg(value);
    const int to = value.kind == Value::Kind::reg ? value.reg : take_float();
    a_.pshufd(x(to), x(from), shuffle.dwords());
    return push_reg(ValType::v128, to);
  }
  const int to = own_float(value);
  const auto mask = shuffle.mask_of(0);
  set_float_constant(kScratch, ValType::v128, mask[0], mask[1]);
  a_.pshufb(x(to), x(kScratch));
  push_reg(ValType::v128, to);
}

// With one instruction, when there is one for these lanes.
bool Compiler::shuffle_at_once(const std::uint8_t* lanes, Value& a, Value& b) {
  Shuffle shuffle{};
  std::memcpy(shuffle.lanes.data(), lanes, kLanes);
  for (const std::size_t width : {8U, 4U, 2U, 1U}) {
    for (const bool high : {false, true}) {
      if (!shuffle.unpacks(width, high)) continue;
      const Xbyak::Xmm to = x(own_float(a));
      const Xbyak::Xmm from = x(float_reg(b));
      switch (width) {
        case 8:
          return (high ? a_.punpckhqdq(to, from) : a_.punpcklqdq(to, from)), true;
        case 4:
          return (high ? a_.punpckhdq(to, from) : a_.punpckldq(to, from)), true;
        case 2:
          return (high ? a_.punpckhwd(to, from) : a_.punpcklwd(to, from)), true;
        default:
          return (high ? a_.punpckhbw(to, from) : a_.punpcklbw(to, from)), true;
      }
    }
  }
  if (shuffle.blends_words()) {
    const int to = own_float(a);
    a_.pblendw(x(to), x(float_reg(b)), shuffle.words_of_second());
    return true;
  }
  if (shuffle.is_rotation()) {
    const int from = float_reg(a);
    const int to = own_float(b);
    a_.palignr(x(to), x(from), shuffle.lanes[0]);
    std::swap(a, b);  // The result is in `a`.
    return true;
  }
  const bool halves = shuffle.takes_from(0, 0) && shuffle.takes_from(4, 0) &&
                      shuffle.takes_from(8, 1) && shuffle.takes_from(12, 1);
  if (halves && shuffle.moves_whole(4)) {
    const int to = own_float(a);
    a_.shufps(x(to), x(float_reg(b)), shuffle.dwords());
    return true;
  }
  return false;
}

void Compiler::shuffle(const std::uint8_t* lanes) {
  Shuffle shuffle{};
  std::memcpy(shuffle.lanes.data(), lanes, kLanes);
  Value b = pop();
  Value a = pop();
  const bool same =
      a.kind == Value::Kind::local && b.kind == Value::Kind::local && a.local == b.local;
  if (same) {
    for (std::uint8_t& lane : shuffle.lanes) lane %= kLanes;
  }
  if (shuffle.takes_all_from(1)) {
    std::swap(a, b);
    shuffle.swap_operands();
  }
  if (shuffle.takes_all_from(0)) {
    release(b);
    return shuffle_one(shuffle.lanes.data(), a);
  }
  if (!shuffle_at_once(shuffle.lanes.data(), a, b)) {
    Shuffle other = shuffle;
    other.swap_operands();
    if (shuffle_at_once(other.lanes.data(), b, a)) {
      std::swap(a, b);
    } else {
      const auto of_a = shuffle.mask_of(0);
      const auto of_b = shuffle.mask_of(1);
      const int to = own_float(a);
      const int from = own_float(b);
      set_float_constant(kScratch, ValType::v128, of_a[0], of_a[1]);
      a_.pshufb(x(to), x(kScratch));
      set_float_constant(kScratch, ValType::v128, of_b[0], of_b[1]);
      a_.pshufb(x(from), x(kScratch));
      a_.por(x(to), x(from));
    }
  }
  release(b);
  push_reg(ValType::v128, a.reg);
}

// --- lanes in and out ---

void Compiler::splat(int bytes) {
  Value value = pop();
  if (is_constant(value)) {
    const std::uint64_t bits = splat_bits(value.bits, bytes);
    const int to = take_float();
    set_float_constant(to, ValType::v128, bits, bits);
    return push_reg(ValType::v128, to);
  }
  const bool floating = is_float(value.type);
  const int from = floating ? float_reg(value) : int_reg(value);
  const int to = floating && value.kind == Value::Kind::reg ? value.reg : take_float();
  if (!floating) bytes == 8 ? a_.movq(x(to), r64(from)) : a_.movd(x(to), r32(from));
  const int lanes = floating ? from : to;
  switch (bytes) {
    case 1:
      a_.pxor(x(kScratch), x(kScratch));
      a_.pshufb(x(to), x(kScratch));
      break;
    case 2:
      a_.pshuflw(x(to), x(to), 0);
      a_.pshufd(x(to), x(to), 0);
      break;
    case 4:
      a_.pshufd(x(to), x(lanes), 0);
      break;
    default:
      a_.pshufd(x(to), x(lanes), 0x44);
      break;
  }
  if (!floating) release(value);
  push_reg(ValType::v128, to);
}

void Compiler::extract_int(Op op, std::uint8_t lane) {
  Value value = pop();
  const int from = float_reg(value);
  const int to = take_int();
  switch (op) {
    case Op::i8x16_extract_lane_s:
    case Op::i8x16_extract_lane_u:
      a_.pextrb(r32(to), x(from), lane);
      if (op == Op::i8x16_extract_lane_s) a_.movsx(r32(to), r8(to));
      break;
    case Op::i16x8_extract_lane_s:
    case Op::i16x8_extract_lane_u:
      a_.pextrw(r32(to), x(from), lane);
      if (op == Op::i16x8_extract_lane_s) a_.movsx(r32(to), r16(to));
      break;
    case Op::i32x4_extract_lane:
      lane == 0 ? a_.movd(r32(to), x(from)) : a_.pextrd(r32(to), x(from), lane);
      break;
    default:
      lane == 0 ? a_.movq(r64(to), x(from)) : a_.pextrq(r64(to), x(from), lane);
      break;
  }
  release(value);
  push_reg(op == Op::i64x2_extract_lane ? ValType::i64 : ValType::i32, to);
}

void Compiler::extract_float(bool wide, std::uint8_t lane) {
  Value value = pop();
  const int from = float_reg(value);
  const int to = value.kind == Value::Kind::reg ? value.reg : take_float();
  if (lane == 0) {
    move_float(to, from);
  } else {
    a_.pshufd(x(to), x(from), wide ? 0xee : lane);
  }
  push_reg(wide ? ValType::f64 : ValType::f32, to);
}

void Compiler::replace_lane(Op op, std::uint8_t lane) {
  Value value = pop();
  const int from = is_float(value.type) ? float_reg(value) : int_reg(value);
  Value vector = pop();
  const int to = own_float(vector);
  switch (op) {
    case Op::i8x16_replace_lane:
      a_.pinsrb(x(to), r32(from), lane);
      break;
    case Op::i16x8_replace_lane:
      a_.pinsrw(x(to), r32(from), lane);
      break;
    case Op::i32x4_replace_lane:
      a_.pinsrd(x(to), r32(from), lane);
      break;
    case Op::i64x2_replace_lane:
      a_.pinsrq(x(to), r64(from), lane);
      break;
    case Op::f32x4_replace_lane:
      a_.insertps(x(to), x(from), static_cast<std::uint8_t>(lane << 4));
      break;
    default:
      lane == 0 ? a_.movsd(x(to), x(from)) : a_.movlhps(x(to), x(from));
      break;
  }
  release(value);
  push_reg(ValType::v128, to);
}

// --- questions ---

void Compiler::any_true() {
  Value value = pop();
  const int reg = float_reg(value);
  a_.ptest(x(reg), x(reg));
  release(value);
  finish_flags(Cond::not_equal);
}

void Compiler::all_true(int bytes) {
  Value value = pop();
  const Xbyak::Xmm from = x(float_reg(value));
  const Xbyak::Xmm zeroes = x(kScratch);
  a_.pxor(zeroes, zeroes);
  bytes == 1   ? a_.pcmpeqb(zeroes, from)
  : bytes == 2 ? a_.pcmpeqw(zeroes, from)
  : bytes == 4 ? a_.pcmpeqd(zeroes, from)
               : a_.pcmpeqq(zeroes, from);
  a_.ptest(zeroes, zeroes);
  release(value);
  finish_flags(Cond::equal);
}

void Compiler::bitmask(int bytes) {
  Value value = pop();
  const Xbyak::Xmm from = x(float_reg(value));
  const int to = take_int();
  switch (bytes) {
    case 1:
      a_.pmovmskb(r32(to), from);
      break;
    case 2:
      a_.movaps(x(kScratch), from);
      a_.packsswb(x(kScratch), x(kScratch));
      a_.pmovmskb(r32(to), x(kScratch));
      a_.movzx(r32(to), r8(to));
      break;
    case 4:
      a_.movmskps(r32(to), from);
      break;
    default:
      a_.movmskpd(r32(to), from);
      break;
  }
  release(value);
  push_reg(ValType::i32, to);
}

// --- shifts ---

// Of lanes of two bytes and more, by an immediate or the scratch register.
void Compiler::shift_lanes(int bytes, Shift how, int reg, std::optional<int> by) {
  const auto emit = [&](auto by_what) {
    const Xbyak::Xmm to = x(reg);
    if (how == Shift::left) {
      bytes == 2   ? a_.psllw(to, by_what)
      : bytes == 4 ? a_.pslld(to, by_what)
                   : a_.psllq(to, by_what);
    } else if (how == Shift::right_unsigned) {
      bytes == 2   ? a_.psrlw(to, by_what)
      : bytes == 4 ? a_.psrld(to, by_what)
                   : a_.psrlq(to, by_what);
    } else {
      bytes == 2 ? a_.psraw(to, by_what) : a_.psrad(to, by_what);
    }
  };
  by ? emit(*by) : emit(x(kScratch));
}

// Of i64 with a sign: the sign bit goes with the others, and is then extended.
void Compiler::shift_signed_64(int reg, std::optional<int> by) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  if (by) {
    const std::uint64_t bit = kSign >> *by;
    a_.psrlq(x(reg), *by);
    set_float_constant(kScratch, ValType::v128, bit, bit);
    a_.pxor(x(reg), x(kScratch));
    return a_.psubq(x(reg), x(kScratch));
  }
  const int bit = take_float();
  set_float_constant(bit, ValType::v128, kSign, kSign);
  a_.psrlq(x(bit), x(kScratch));
  a_.psrlq(x(reg), x(kScratch));
  a_.pxor(x(reg), x(bit));
  a_.psubq(x(reg), x(bit));
  release_float(bit);
}

// There are no shifts of bytes: as words. The scratch register holds the count and 8.
void Compiler::shift_bytes(Shift how, int reg, std::optional<int> by) {
  const auto shift = [&](int of, Shift way) {
    shift_lanes(2, way, of, by ? std::optional(*by + 8) : std::nullopt);
  };
  const int high = take_float();
  a_.movaps(x(high), x(reg));
  if (how == Shift::left) {
    a_.psrlw(x(high), 8);
    shift(high, how);
    shift(reg, how);
    a_.psrlw(x(reg), 8);
    a_.por(x(reg), x(high));
  } else {
    a_.punpckhbw(x(high), x(high));
    a_.punpcklbw(x(reg), x(reg));
    shift(high, how);
    shift(reg, how);
    how == Shift::right_signed ? a_.packsswb(x(reg), x(high)) : a_.packuswb(x(reg), x(high));
  }
  release_float(high);
}

void Compiler::shift_vector(int bytes, Shift how) {
  Value count = pop();
  const std::uint32_t mask = static_cast<std::uint32_t>(8 * bytes - 1);
  std::optional<int> by;
  if (is_constant(count)) {
    by = static_cast<int>(count.bits & mask);
  } else {
    const int reg = own_int(count);
    a_.and_(r32(reg), mask);
    if (bytes == 1) a_.add(r32(reg), 8);
    a_.movd(x(kScratch), r32(reg));
  }
  release(count);
  Value value = pop();
  const int reg = own_float(value);
  if (bytes == 1) {
    shift_bytes(how, reg, by);
  } else if (bytes == 8 && how == Shift::right_signed) {
    shift_signed_64(reg, by);
  } else {
    shift_lanes(bytes, how, reg, by);
  }
  push_reg(ValType::v128, reg);
}

bool Compiler::vector_shift(Op op) {
  switch (op) {
    case Op::i8x16_shl:
      return shift_vector(1, Shift::left), true;
    case Op::i8x16_shr_s:
      return shift_vector(1, Shift::right_signed), true;
    case Op::i8x16_shr_u:
      return shift_vector(1, Shift::right_unsigned), true;
    case Op::i16x8_shl:
      return shift_vector(2, Shift::left), true;
    case Op::i16x8_shr_s:
      return shift_vector(2, Shift::right_signed), true;
    case Op::i16x8_shr_u:
      return shift_vector(2, Shift::right_unsigned), true;
    case Op::i32x4_shl:
      return shift_vector(4, Shift::left), true;
    case Op::i32x4_shr_s:
      return shift_vector(4, Shift::right_signed), true;
    case Op::i32x4_shr_u:
      return shift_vector(4, Shift::right_unsigned), true;
    case Op::i64x2_shl:
      return shift_vector(8, Shift::left), true;
    case Op::i64x2_shr_s:
      return shift_vector(8, Shift::right_signed), true;
    case Op::i64x2_shr_u:
      return shift_vector(8, Shift::right_unsigned), true;
    default:
      return false;
  }
}

bool Compiler::vector_lanes(const wasm::Instruction& in) {
  switch (in.op) {
    case Op::i8x16_shuffle:
      return shuffle(in.bytes), true;
    case Op::i8x16_splat:
      return splat(1), true;
    case Op::i16x8_splat:
      return splat(2), true;
    case Op::i32x4_splat:
    case Op::f32x4_splat:
      return splat(4), true;
    case Op::i64x2_splat:
    case Op::f64x2_splat:
      return splat(8), true;
    case Op::i8x16_extract_lane_s:
    case Op::i8x16_extract_lane_u:
    case Op::i16x8_extract_lane_s:
    case Op::i16x8_extract_lane_u:
    case Op::i32x4_extract_lane:
    case Op::i64x2_extract_lane:
      return extract_int(in.op, in.lane), true;
    case Op::f32x4_extract_lane:
    case Op::f64x2_extract_lane:
      return extract_float(in.op == Op::f64x2_extract_lane, in.lane), true;
    case Op::i8x16_replace_lane:
    case Op::i16x8_replace_lane:
    case Op::i32x4_replace_lane:
    case Op::i64x2_replace_lane:
    case Op::f32x4_replace_lane:
    case Op::f64x2_replace_lane:
      return replace_lane(in.op, in.lane), true;
    case Op::v128_any_true:
      return any_true(), true;
    case Op::i8x16_all_true:
      return all_true(1), true;
    case Op::i16x8_all_true:
      return all_true(2), true;
    case Op::i32x4_all_true:
      return all_true(4), true;
    case Op::i64x2_all_true:
      return all_true(8), true;
    case Op::i8x16_bitmask:
      return bitmask(1), true;
    case Op::i16x8_bitmask:
      return bitmask(2), true;
    case Op::i32x4_bitmask:
      return bitmask(4), true;
    case Op::i64x2_bitmask:
      return bitmask(8), true;
    default:
      return false;
  }
}

}  // namespace weft::jit
