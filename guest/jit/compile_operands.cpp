// SPDX-License-Identifier: Apache-2.0
// Where operands are (registers, slots, constants, locals), and instructions that only move them.
#include <algorithm>

#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

constexpr int kIntTemps[] = {0, 1, 2, 6, 7};  // rax rcx rdx rsi rdi
constexpr int kFloatTemps = 7;                // xmm0 to xmm6

}  // namespace

// --- addresses ---

Xbyak::Address Compiler::slot_32(std::uint32_t slot) const {
  return a_.dword[a_.rbp - static_cast<int>(slot)];
}

Xbyak::Address Compiler::slot_64(std::uint32_t slot) const {
  return a_.qword[a_.rbp - static_cast<int>(slot)];
}

Xbyak::Address Compiler::context(std::uint32_t offset, int bits) const {
  const int at = static_cast<int>(offset);
  return bits == 32 ? a_.dword[a_.r15 + at] : a_.qword[a_.r15 + at];
}

bool Compiler::is_in_frame(const Value& value) const {
  return value.kind == Value::Kind::slot ||
         (value.kind == Value::Kind::local && !locals_[value.local].in_reg);
}

std::uint32_t Compiler::place_of(const Value& value) const {
  return value.kind == Value::Kind::slot ? value.slot : locals_[value.local].slot;
}

// A temp or a home; -1: it is in none.
int Compiler::register_of(const Value& value) const {
  if (value.kind == Value::Kind::reg) return value.reg;
  const bool in_home = value.kind == Value::Kind::local && locals_[value.local].in_reg;
  return in_home ? locals_[value.local].reg : -1;
}

// As an immediate, which is extended by its sign.
bool Compiler::fits_32(const Value& value) {
  if (!is_constant(value)) return false;
  if (value.type == ValType::i32) return true;
  const auto bits = static_cast<std::int64_t>(value.bits);
  return bits == static_cast<std::int32_t>(bits);
}

// --- the stack ---

Compiler::Value& Compiler::push(ValType type, Value::Kind kind) {
  if (stack_.size() >= in_slots_below_ + kWindow) spill(in_slots_below_++);
  const std::uint32_t below = stack_.empty() ? memory_locals_end_ : stack_.back().slot;
  Value& value = stack_.emplace_back();
  value.kind = kind;
  value.type = type;
  value.slot = below + bytes_of(type);
  slots_end_ = std::max(slots_end_, value.slot);
  return value;
}

void Compiler::push_reg(ValType type, int reg) {
  push(type, Value::Kind::reg).reg = static_cast<std::uint8_t>(reg);
  (is_float(type) ? float_owner_ : int_owner_)[static_cast<std::size_t>(reg)] = stack_.size() - 1;
}

void Compiler::push_constant(ValType type, std::uint64_t bits) {
  push(type, Value::Kind::constant).bits = bits;
}

void Compiler::push_flags(Cond cond) {
  push(ValType::i32, Value::Kind::flags).cond = cond;
}

Compiler::Value Compiler::pop() {
  const Value value = stack_.back();
  stack_.pop_back();
  in_slots_below_ = std::min(in_slots_below_, stack_.size());
  if (value.kind == Value::Kind::reg) {
    (is_float(value.type) ? float_owner_ : int_owner_)[value.reg] = kHeld;
  } else if (value.kind == Value::Kind::local) {
    --locals_[value.local].uses;
  }
  return value;
}

void Compiler::release(const Value& value) {
  if (value.kind != Value::Kind::reg) return;
  is_float(value.type) ? release_float(value.reg) : release_int(value.reg);
}

void Compiler::drop_top() {
  release(pop());
}

// --- registers ---

int Compiler::take_int() {
  int victim = -1;
  std::size_t lowest = kHeld;
  for (const int reg : kIntTemps) {
    const std::size_t owner = int_owner_[static_cast<std::size_t>(reg)];
    if (owner == kFree) {
      victim = reg;
      break;
    }
    if (owner < lowest) {
      lowest = owner;
      victim = reg;
    }
  }
  WEFT_CHECK(victim >= 0, "an instruction holds no more registers than there are");
  reserve_int(victim);
  return victim;
}

int Compiler::take_float() {
  int victim = -1;
  std::size_t lowest = kHeld;
  for (int reg = 0; reg < kFloatTemps; ++reg) {
    const std::size_t owner = float_owner_[static_cast<std::size_t>(reg)];
    if (owner == kFree) {
      victim = reg;
      break;
    }
    if (owner < lowest) {
      lowest = owner;
      victim = reg;
    }
  }
  WEFT_CHECK(victim >= 0, "an instruction holds no more registers than there are");
  reserve_float(victim);
  return victim;
}

// Takes this register from the operand that has it. The current instruction may not hold it.
void Compiler::reserve_int(int reg) {
  std::size_t& owner = int_owner_[static_cast<std::size_t>(reg)];
  WEFT_CHECK(owner != kHeld, "an instruction takes a register once");
  if (owner != kFree) spill(owner);
  owner = kHeld;
}

void Compiler::reserve_float(int reg) {
  std::size_t& owner = float_owner_[static_cast<std::size_t>(reg)];
  WEFT_CHECK(owner != kHeld, "an instruction takes a register once");
  if (owner != kFree) spill(owner);
  owner = kHeld;
}

// Changes no flags.
void Compiler::spill(std::size_t index) {
  Value& value = stack_[index];
  if (value.kind == Value::Kind::slot) return;
  WEFT_CHECK(value.kind != Value::Kind::flags, "flags are used at once");
  a_.make_room();
  store_to_slot(value, value.slot);
  release(value);
  if (value.kind == Value::Kind::local) --locals_[value.local].uses;
  value.kind = Value::Kind::slot;
}

// All except the topmost `keep`.
void Compiler::spill_all(std::size_t keep) {
  const std::size_t end = stack_.size() - keep;
  for (std::size_t i = in_slots_below_; i < end; ++i) spill(i);
  in_slots_below_ = std::max(in_slots_below_, end);
}

// Those that a call would lose.
void Compiler::spill_temps() {
  for (std::size_t i = in_slots_below_; i < stack_.size(); ++i) {
    if (stack_[i].kind == Value::Kind::reg) spill(i);
  }
}

// --- moves; none changes flags ---

void Compiler::move_int(int to, int from, bool wide) {
  if (to == from) return;
  if (wide) {
    a_.mov(r64(to), r64(from));
  } else {
    a_.mov(r32(to), r32(from));
  }
}

void Compiler::move_float(int to, int from) {
  if (to != from) a_.movaps(x(to), x(from));
}

void Compiler::set_constant(int reg, std::uint64_t bits, bool wide) {
  if (!wide || bits <= UINT32_MAX) {
    a_.mov(r32(reg), static_cast<std::uint32_t>(bits));
  } else {
    a_.mov(r64(reg), bits);
  }
}

void Compiler::set_float_constant(int reg, ValType type, std::uint64_t low, std::uint64_t high) {
  if (low == 0 && high == 0) return a_.xorps(x(reg), x(reg));
  const std::uint32_t bytes = type == ValType::v128 ? 16 : type == ValType::f64 ? 8 : 4;
  PoolConstant* found = nullptr;
  const std::size_t from = pool_.size() > 16 ? pool_.size() - 16 : 0;
  for (std::size_t i = from; i < pool_.size(); ++i) {
    PoolConstant& known = pool_[i];
    if (known.bytes == bytes && known.low == low && known.high == high) found = &known;
  }
  if (found == nullptr) found = &pool_.emplace_back(PoolConstant{low, high, bytes, {}});
  if (bytes != 16) a_.db(bytes == 8 ? 0xf2 : 0xf3);
  if (reg >= 8) a_.db(0x44);
  a_.db(0x0f);
  a_.db(0x10);  // movss, movsd or movups, from memory
  a_.db(0x05 | (reg & 7) << 3);
  a_.displacement(found->label);
}

void Compiler::load_int(int reg, const Value& value) {
  const bool wide = is_64(value.type);
  switch (value.kind) {
    case Value::Kind::constant:
      return set_constant(reg, value.bits, wide);
    case Value::Kind::reg:
      return move_int(reg, value.reg, wide);
    case Value::Kind::flags:
      WEFT_CHECK(false, "flags are no value to move");
      return;
    case Value::Kind::local:
      if (locals_[value.local].in_reg) return move_int(reg, locals_[value.local].reg, wide);
      break;
    case Value::Kind::slot:
      break;
  }
  const std::uint32_t place = place_of(value);
  wide ? a_.mov(r64(reg), slot_64(place)) : a_.mov(r32(reg), slot_32(place));
}

void Compiler::load_float(int reg, const Value& value) {
  switch (value.kind) {
    case Value::Kind::constant:
      return set_float_constant(reg, value.type, value.bits);
    case Value::Kind::reg:
      return move_float(reg, value.reg);
    case Value::Kind::flags:
      WEFT_CHECK(false, "flags are no value to move");
      return;
    case Value::Kind::local:
      if (locals_[value.local].in_reg) return move_float(reg, locals_[value.local].reg);
      break;
    case Value::Kind::slot:
      break;
  }
  const std::uint32_t place = place_of(value);
  if (value.type == ValType::f32) {
    a_.movss(x(reg), slot_32(place));
  } else if (value.type == ValType::f64) {
    a_.movsd(x(reg), slot_64(place));
  } else {
    a_.movups(x(reg), a_.ptr[a_.rbp - static_cast<int>(place)]);
  }
}

void Compiler::load(int reg, const Value& value) {
  is_float(value.type) ? load_float(reg, value) : load_int(reg, value);
}

// By the scratch register.
void Compiler::copy_slot(std::uint32_t to, std::uint32_t from, ValType type) {
  if (to == from) return;
  if (type == ValType::v128) {
    a_.movups(x(kScratch), a_.ptr[a_.rbp - static_cast<int>(from)]);
    a_.movups(a_.ptr[a_.rbp - static_cast<int>(to)], x(kScratch));
  } else {
    a_.movsd(x(kScratch), slot_64(from));
    a_.movsd(slot_64(to), x(kScratch));
  }
}

// Also of a local in the frame, which has the same form.
void Compiler::store_to_slot(const Value& value, std::uint32_t slot) {
  int reg = value.reg;
  switch (value.kind) {
    case Value::Kind::constant: {
      const auto low = static_cast<std::uint32_t>(value.bits);
      const auto high = static_cast<std::uint32_t>(value.bits >> 32);
      if (is_64(value.type) &&
          static_cast<std::int32_t>(low) >> 31 == static_cast<std::int32_t>(high)) {
        return a_.mov(slot_64(slot), static_cast<std::uint64_t>(static_cast<std::int32_t>(low)));
      }
      a_.mov(slot_32(slot), low);
      if (is_64(value.type)) a_.mov(slot_32(slot - 4), high);
      return;
    }
    case Value::Kind::slot:
      return copy_slot(slot, value.slot, value.type);
    case Value::Kind::local:
      if (!locals_[value.local].in_reg) {
        return copy_slot(slot, locals_[value.local].slot, value.type);
      }
      reg = locals_[value.local].reg;
      break;
    case Value::Kind::reg:
      break;
    case Value::Kind::flags:
      WEFT_CHECK(false, "flags are no value to move");
  }
  if (value.type == ValType::v128) {
    a_.movups(a_.ptr[a_.rbp - static_cast<int>(slot)], x(reg));
  } else if (value.type == ValType::f64) {
    a_.movsd(slot_64(slot), x(reg));
  } else if (value.type == ValType::f32) {
    a_.movss(slot_32(slot), x(reg));
  } else if (value.type == ValType::i32) {
    a_.mov(slot_32(slot), r32(reg));
  } else {
    a_.mov(slot_64(slot), r64(reg));
  }
}

// --- operands in registers ---

void Compiler::materialize_flags(Value& value) {
  const int reg = take_int();
  if (value.cond == Cond::float_equal || value.cond == Cond::float_not_equal) {
    const int other = take_int();
    const bool equal = value.cond == Cond::float_equal;
    equal ? a_.sete(r8(reg)) : a_.setne(r8(reg));
    equal ? a_.setnp(r8(other)) : a_.setp(r8(other));
    equal ? a_.and_(r8(reg), r8(other)) : a_.or_(r8(reg), r8(other));
    release_int(other);
  } else {  // setcc
    if (reg >= 4) a_.db(0x40);
    a_.db(0x0f);
    a_.db(0x90 | static_cast<int>(value.cond));
    a_.db(0xc0 | reg);
  }
  a_.movzx(r32(reg), r8(reg));
  value.kind = Value::Kind::reg;
  value.reg = static_cast<std::uint8_t>(reg);
}

// A register that holds it, not to be changed.
int Compiler::int_reg(Value& value) {
  const int reg = register_of(value);
  return reg >= 0 ? reg : own_int(value);
}

// A temp that holds it, for the instruction to use as it likes.
int Compiler::own_int(Value& value) {
  if (value.kind == Value::Kind::flags) materialize_flags(value);
  if (value.kind == Value::Kind::reg) return value.reg;
  const int reg = take_int();
  load_int(reg, value);
  value.kind = Value::Kind::reg;
  value.reg = static_cast<std::uint8_t>(reg);
  return reg;
}

int Compiler::float_reg(Value& value) {
  const int reg = register_of(value);
  return reg >= 0 ? reg : own_float(value);
}

int Compiler::own_float(Value& value) {
  if (value.kind == Value::Kind::reg) return value.reg;
  const int reg = take_float();
  load_float(reg, value);
  value.kind = Value::Kind::reg;
  value.reg = static_cast<std::uint8_t>(reg);
  return reg;
}

// --- results ---

// The local is about to change: operands that are its value of now get places of their own.
void Compiler::free_local(std::uint32_t local) {
  Local& of = locals_[local];
  for (std::size_t i = stack_.size(); of.uses > 0 && i > in_slots_below_; --i) {
    Value& value = stack_[i - 1];
    if (value.kind == Value::Kind::local && value.local == local) spill(i - 1);
  }
  WEFT_CHECK(of.uses == 0, "operands below the window are in their slots");
}

Compiler::Goal Compiler::goal_for(ValType type) {
  if (next_op() != Op::local_set && next_op() != Op::local_tee) return {};
  const Local& local = locals_[next_->index];
  if (!local.in_reg || local.type != type) return {};
  free_local(next_->index);
  return {true, local.reg};
}

// The result is in `reg`: the goal's, or a temp that the instruction holds.
void Compiler::finish(const Goal& goal, ValType type, int reg) {
  if (!goal.is_local) return push_reg(type, reg);
  if (reg != goal.reg) {
    is_float(type) ? move_float(goal.reg, reg) : move_int(goal.reg, reg, is_64(type));
    is_float(type) ? release_float(reg) : release_int(reg);
  }
  const bool tee = next_op() == Op::local_tee;
  const std::uint32_t local = next_->index;
  skip_next();
  if (tee) get_local(local);
}

void Compiler::parallel_moves(std::span<Move> moves, bool floats) {
  std::size_t left = moves.size();
  const auto done = [&](std::size_t i) { std::swap(moves[i], moves[--left]); };
  const auto is_source = [&](std::uint8_t reg, std::size_t but) {
    for (std::size_t i = 0; i < left; ++i) {
      if (i != but && moves[i].from == reg) return true;
    }
    return false;
  };
  while (left > 0) {
    bool moved = false;
    for (std::size_t i = 0; i < left; ++i) {
      if (moves[i].to != moves[i].from && is_source(moves[i].to, i)) continue;
      floats ? move_float(moves[i].to, moves[i].from)
             : move_int(moves[i].to, moves[i].from, moves[i].wide);
      done(i);
      moved = true;
      break;
    }
    if (moved) continue;
    // A cycle: one value goes where it belongs, and what was there takes its place.
    const Move first = moves[0];
    if (floats) {
      move_float(kScratch, first.to);
      move_float(first.to, first.from);
      move_float(first.from, kScratch);
    } else {
      a_.xchg(r64(first.to), r64(first.from));
    }
    done(0);
    for (std::size_t i = 0; i < left; ++i) {
      if (moves[i].from == first.to) {
        moves[i].from = first.from;
      } else if (moves[i].from == first.from) {
        moves[i].from = first.to;
      }
    }
  }
}

// --- locals and globals ---

void Compiler::get_local(std::uint32_t local) {
  push(locals_[local].type, Value::Kind::local).local = local;
  ++locals_[local].uses;
}

void Compiler::set_local(std::uint32_t local, bool tee) {
  Value value = pop();
  if (value.kind == Value::Kind::flags) materialize_flags(value);
  Local& to = locals_[local];
  if (value.kind == Value::Kind::local && value.local == local) {
    if (tee) get_local(local);
    return;
  }
  free_local(local);
  if (to.in_reg) {
    load(to.reg, value);
  } else {
    store_to_slot(value, to.slot);
    if (tee && value.kind == Value::Kind::reg) return push_reg(value.type, value.reg);
  }
  release(value);
  if (tee) get_local(local);
}

void Compiler::get_global(std::uint32_t global) {
  const ValType type = module_.globals[global].type.type;
  const std::uint32_t at = options_.layout.global(global);
  const Goal goal = goal_for(type);
  const int reg = goal.is_local ? goal.reg : take(type);
  if (type == ValType::v128) {
    a_.movups(x(reg), a_.ptr[a_.r15 + static_cast<int>(at)]);
  } else if (type == ValType::f64) {
    a_.movsd(x(reg), context(at, 64));
  } else if (type == ValType::f32) {
    a_.movss(x(reg), context(at, 32));
  } else if (type == ValType::i32) {
    a_.mov(r32(reg), context(at, 32));
  } else {
    a_.mov(r64(reg), context(at, 64));
  }
  finish(goal, type, reg);
}

void Compiler::set_global(std::uint32_t global) {
  Value value = pop();
  const std::uint32_t at = options_.layout.global(global);
  if (value.type == ValType::v128) {
    a_.movups(a_.ptr[a_.r15 + static_cast<int>(at)], x(float_reg(value)));
  } else if (value.type == ValType::f64) {
    a_.movsd(context(at, 64), x(float_reg(value)));
  } else if (value.type == ValType::f32) {
    a_.movss(context(at, 32), x(float_reg(value)));
  } else if (value.type == ValType::i32) {
    if (is_constant(value)) {
      a_.mov(context(at, 32), static_cast<std::uint32_t>(value.bits));
    } else {
      a_.mov(context(at, 32), r32(int_reg(value)));
    }
  } else {
    a_.mov(context(at, 64), r64(int_reg(value)));
  }
  release(value);
}

// Flags live through what loads the other two.
void Compiler::select() {
  Value condition = pop();
  Value otherwise = pop();
  Value then = pop();
  const bool floats = is_float(then.type);
  const bool wide = is_64(then.type);
  int result = 0;
  int chosen = 0;
  if (floats) {
    result = own_float(otherwise);
    chosen = float_reg(then);
  } else {
    result = own_int(otherwise);
    chosen = int_reg(then);
  }
  Cond cond = condition.cond;
  if (condition.kind != Value::Kind::flags) {
    const int reg = int_reg(condition);
    a_.test(r32(reg), r32(reg));
    cond = Cond::not_equal;
  }
  const auto move = [&](Cond when) {  // cmov
    const int rex = (wide ? 8 : 0) | (result >= 8 ? 4 : 0) | (chosen >= 8 ? 1 : 0);
    if (rex != 0) a_.db(0x40 | rex);
    a_.db(0x0f);
    a_.db(0x40 | static_cast<int>(when));
    a_.db(0xc0 | (result & 7) << 3 | (chosen & 7));
  };
  const bool by_jump = floats || cond == Cond::float_equal;
  if (by_jump) {
    Label keep;
    a_.jump_if(negate(cond), keep);
    floats ? move_float(result, chosen) : move_int(result, chosen, wide);
    a_.bind(keep);
  } else if (cond == Cond::float_not_equal) {
    move(Cond::parity);
    move(Cond::not_equal);
  } else {
    move(cond);
  }
  release(condition);
  release(then);
  push_reg(then.type, result);
}

}  // namespace weft::jit
