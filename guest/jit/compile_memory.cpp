// SPDX-License-Identifier: Apache-2.0
// Loads and stores.
//
//   --bounds=guard   memory 0 with 32-bit addresses: whatever such an address and its offset reach
//                    is reserved, so an access beyond the end faults
//   --bounds=check   the end of what is accessed is compared with the memory's size
//
// Other memories, and those with 64-bit addresses, are always compared with.
#include "guest/jit/compiler.h"

namespace weft::jit {

// The next instruction of the code may trap, at the instruction of the module that is compiled.
void Compiler::site() {
  facts_.sites.push_back({a_.position(), current_->offset});
}

Label& Compiler::trap_label(TrapCode code) {
  out_of_line_.push_back({.kind = OutOfLine::Kind::trap,
                          .trap = code,
                          .entry = {},
                          .resume = {},
                          .offset = current_->offset});
  return out_of_line_.back().entry;
}

void Compiler::trap_if(Cond cond, TrapCode code) {
  a_.jump_if(cond, trap_label(code));
}

Xbyak::RegExp Compiler::expression(const Access& at) const {
  Xbyak::RegExp place = r64(at.base);
  if (at.index >= 0) place = place + r64(at.index);
  return place + at.displacement;
}

void Compiler::release(const Access& at) {
  if (at.temp_a >= 0) release_int(at.temp_a);
  if (at.temp_b >= 0) release_int(at.temp_b);
}

// Pops the address.
Compiler::Access Compiler::access(const wasm::Instruction& in, std::uint32_t bytes) {
  Value address = pop();
  const bool is_64 = module_.memories[in.index].limits.is_64;
  if (!options_.guard_pages || in.index != 0 || is_64) return checked_access(address, in, bytes);
  Access at;
  if (is_constant(address)) {
    const std::uint64_t sum = std::uint64_t{static_cast<std::uint32_t>(address.bits)} + in.value;
    if (sum <= INT32_MAX) {
      at.displacement = static_cast<std::int32_t>(sum);
    } else {
      at.index = at.temp_a = take_int();
      set_constant(at.index, sum, true);
    }
    return at;
  }
  at.index = int_reg(address);
  if (address.kind == Value::Kind::reg) at.temp_a = address.reg;
  if (in.value <= INT32_MAX) {
    at.displacement = static_cast<std::int32_t>(in.value);
    return at;
  }
  const int sum = take_int();
  set_constant(sum, in.value, true);
  a_.add(r64(sum), r64(at.index));
  if (at.temp_a >= 0) release_int(at.temp_a);
  at.index = at.temp_a = sum;
  return at;
}

Compiler::Access Compiler::checked_access(Value& address, const wasm::Instruction& in,
                                          std::uint32_t bytes) {
  Access at;
  const bool first = in.index == 0;
  const bool size_in_register = first && !options_.guard_pages;
  at.index = int_reg(address);
  if (address.kind == Value::Kind::reg) at.temp_a = address.reg;
  const int end = take_int();
  Label& out = trap_label(TrapCode::memory);
  // Where it ends; an address that wraps around ends below where it began.
  if (in.value <= INT32_MAX - 16) {
    if (module_.memories[in.index].limits.is_64) {
      a_.mov(r64(end), r64(at.index));
      a_.add(r64(end), static_cast<std::uint32_t>(in.value + bytes));
      a_.jump_if(Cond::below, out);  // Carry.
    } else {
      a_.lea(r64(end), a_.ptr[r64(at.index) + static_cast<int>(in.value + bytes)]);
    }
    at.displacement = static_cast<std::int32_t>(in.value);
  } else {
    a_.mov(r64(end), in.value);
    a_.add(r64(end), r64(at.index));
    a_.jump_if(Cond::below, out);
    // From here on it is the address.
    if (at.temp_a >= 0) release_int(at.temp_a);
    at.index = at.temp_a = end;
    const int behind = take_int();
    a_.mov(r64(behind), r64(end));
    a_.add(r64(behind), bytes);
    a_.jump_if(Cond::below, out);
    at.temp_b = behind;
  }
  const int compared = at.temp_b >= 0 ? at.temp_b : end;
  if (size_in_register) {
    a_.cmp(r64(compared), a_.r12);
  } else {
    const std::uint32_t size = first ? static_cast<std::uint32_t>(offsetof(Context, memory_bytes))
                                     : options_.layout.memory(in.index) +
                                           static_cast<std::uint32_t>(offsetof(MemoryCell, bytes));
    a_.cmp(r64(compared), context(size, 64));
  }
  a_.jump_if(Cond::above, out);
  if (!first) {
    a_.mov(r64(compared), context(options_.layout.memory(in.index), 64));
    at.base = compared;
    at.temp_b = compared;
  } else {
    release_int(compared);
    at.temp_b = -1;
  }
  return at;
}

void Compiler::load_memory(const wasm::Instruction& in) {
  const std::uint32_t bytes = wasm::info(in.op).width;
  const Access at = access(in, bytes);
  const bool wide = wasm::info(in.op).results == "I";
  const ValType type = in.op == Op::f32_load   ? ValType::f32
                       : in.op == Op::f64_load ? ValType::f64
                       : wide                  ? ValType::i64
                                               : ValType::i32;
  const Goal goal = goal_for(type);
  const int to = goal.is_local                       ? goal.reg
                 : !is_float(type) && at.temp_a >= 0 ? at.temp_a
                                                     : take(type);
  const Xbyak::RegExp place = expression(at);
  facts_.sites.push_back({a_.position(), in.offset});
  switch (in.op) {
    case Op::i32_load:
    case Op::i64_load32_u:
      a_.mov(r32(to), a_.dword[place]);
      break;
    case Op::i64_load:
      a_.mov(r64(to), a_.qword[place]);
      break;
    case Op::f32_load:
      a_.movss(x(to), a_.dword[place]);
      break;
    case Op::f64_load:
      a_.movsd(x(to), a_.qword[place]);
      break;
    case Op::i32_load8_u:
    case Op::i64_load8_u:
      a_.movzx(r32(to), a_.byte[place]);
      break;
    case Op::i32_load16_u:
    case Op::i64_load16_u:
      a_.movzx(r32(to), a_.word[place]);
      break;
    case Op::i32_load8_s:
    case Op::i64_load8_s:
      wide ? a_.movsx(r64(to), a_.byte[place]) : a_.movsx(r32(to), a_.byte[place]);
      break;
    case Op::i32_load16_s:
    case Op::i64_load16_s:
      wide ? a_.movsx(r64(to), a_.word[place]) : a_.movsx(r32(to), a_.word[place]);
      break;
    default:
      a_.movsxd(r64(to), a_.dword[place]);
      break;
  }
  if (at.temp_a >= 0 && (at.temp_a != to || is_float(type))) release_int(at.temp_a);
  if (at.temp_b >= 0) release_int(at.temp_b);
  finish(goal, type, to);
}

void Compiler::store_memory(const wasm::Instruction& in) {
  Value value = pop();
  const std::uint32_t bytes = wasm::info(in.op).width;
  if (!is_constant(value) || is_float(value.type) || !fits_32(value)) {
    is_float(value.type) ? float_reg(value) : int_reg(value);
  }
  const Access at = access(in, bytes);
  const Xbyak::RegExp place = expression(at);
  facts_.sites.push_back({a_.position(), in.offset});
  const auto bits = static_cast<std::uint32_t>(value.bits);
  const bool constant = is_constant(value);
  const int reg = register_of(value);
  switch (in.op) {
    case Op::f32_store:
      a_.movss(a_.dword[place], x(reg));
      break;
    case Op::f64_store:
      a_.movsd(a_.qword[place], x(reg));
      break;
    case Op::i64_store:
      constant ? a_.mov(a_.qword[place], value.bits) : a_.mov(a_.qword[place], r64(reg));
      break;
    case Op::i32_store:
    case Op::i64_store32:
      constant ? a_.mov(a_.dword[place], bits) : a_.mov(a_.dword[place], r32(reg));
      break;
    case Op::i32_store16:
    case Op::i64_store16:
      constant ? a_.mov(a_.word[place], bits & 0xffff) : a_.mov(a_.word[place], r16(reg));
      break;
    default:
      constant ? a_.mov(a_.byte[place], bits & 0xff) : a_.mov(a_.byte[place], r8(reg));
      break;
  }
  release(at);
  release(value);
}

void Compiler::memory_size(std::uint32_t memory) {
  const bool is_64 = module_.memories[memory].limits.is_64;
  const int to = take_int();
  const std::uint32_t size = memory == 0
                                 ? static_cast<std::uint32_t>(offsetof(Context, memory_bytes))
                                 : options_.layout.memory(memory) +
                                       static_cast<std::uint32_t>(offsetof(MemoryCell, bytes));
  a_.mov(r64(to), context(size, 64));
  a_.shr(r64(to), 16);
  push_reg(is_64 ? ValType::i64 : ValType::i32, to);
}

}  // namespace weft::jit
