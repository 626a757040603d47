// SPDX-License-Identifier: Apache-2.0
// Atomic instructions, on memories that are not shared (shared ones are refused). One thread runs
// all guests, and a guest gives way only at fuel points and in host functions: so each is the plain
// loads and stores that it stands for.
//
//   an address that is no multiple of the width   traps, before all else
//   memory.atomic.wait                            traps: nobody could wake the guest
//   memory.atomic.notify                          wakes nobody: 0
#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

using wasm::Op;

Op plain(Op op) {
  switch (op) {
    case Op::i32_atomic_load:
      return Op::i32_load;
    case Op::i64_atomic_load:
      return Op::i64_load;
    case Op::i32_atomic_load8_u:
      return Op::i32_load8_u;
    case Op::i32_atomic_load16_u:
      return Op::i32_load16_u;
    case Op::i64_atomic_load8_u:
      return Op::i64_load8_u;
    case Op::i64_atomic_load16_u:
      return Op::i64_load16_u;
    case Op::i64_atomic_load32_u:
      return Op::i64_load32_u;
    case Op::i32_atomic_store:
      return Op::i32_store;
    case Op::i64_atomic_store:
      return Op::i64_store;
    case Op::i32_atomic_store8:
      return Op::i32_store8;
    case Op::i32_atomic_store16:
      return Op::i32_store16;
    case Op::i64_atomic_store8:
      return Op::i64_store8;
    case Op::i64_atomic_store16:
      return Op::i64_store16;
    default:
      return Op::i64_store32;
  }
}

// In the table these come in groups of seven, one for each width.
enum class Change : std::uint8_t { add, subtract, conjoin, disjoin, differ, exchange, compare };

Change change_of(Op op) {
  constexpr int kWidths = 7;
  return static_cast<Change>((static_cast<int>(op) - static_cast<int>(Op::i32_atomic_rmw_add)) /
                             kWidths);
}

template <class From>
void change(Assembler& a, Change how, const Xbyak::Address& place, const From& from) {
  switch (how) {
    case Change::add:
      return a.add(place, from);
    case Change::subtract:
      return a.sub(place, from);
    case Change::conjoin:
      return a.and_(place, from);
    case Change::disjoin:
      return a.or_(place, from);
    case Change::differ:
      return a.xor_(place, from);
    default:
      return a.mov(place, from);
  }
}

}  // namespace

// What was popped, as it was.
void Compiler::push_again(const Value& value) {
  if (value.kind == Value::Kind::reg) return push_reg(value.type, value.reg);
  Value& again = push(value.type, value.kind);
  again.local = value.local;
  again.bits = value.bits;
  if (value.kind == Value::Kind::local) ++locals_[value.local].uses;
}

// Of the address on top, which stays there.
void Compiler::check_alignment(const wasm::Instruction& in, std::uint32_t bytes) {
  if (bytes == 1) return;
  Value address = pop();
  const int reg = int_reg(address);
  const auto low = static_cast<int>(in.value & (bytes - 1));
  Label& out = trap_label(TrapCode::unaligned);
  if (low == 0) {
    a_.test(r32(reg), bytes - 1);
  } else {
    const int sum = take_int();
    a_.lea(r32(sum), a_.ptr[r64(reg) + low]);
    a_.test(r32(sum), bytes - 1);
    release_int(sum);
  }
  a_.jump_if(Cond::not_equal, out);
  push_again(address);
}

void Compiler::atomic_store(const wasm::Instruction& in) {
  Value value = pop();
  if (value.kind == Value::Kind::flags) int_reg(value);
  check_alignment(in, wasm::info(in.op).width);
  push_again(value);
  wasm::Instruction as_plain = in;
  as_plain.op = plain(in.op);
  store_memory(as_plain);
}

void Compiler::atomic_load(const wasm::Instruction& in) {
  check_alignment(in, wasm::info(in.op).width);
  wasm::Instruction as_plain = in;
  as_plain.op = plain(in.op);
  load_memory(as_plain);
}

// A load, a change, a store; the result is what was loaded. What is compared has the width of what
// is loaded: the upper bits of the operand do not count.
void Compiler::atomic_change(const wasm::Instruction& in) {
  const std::uint32_t bytes = wasm::info(in.op).width;
  const Change how = change_of(in.op);
  Value value = pop();
  const int from = int_reg(value);
  Value expected;
  if (how == Change::compare) {
    expected = pop();
    int_reg(expected);
  }
  check_alignment(in, bytes);
  const Access at = access(in, bytes);
  const Xbyak::RegExp place = expression(at);
  const int old = take_int();
  Label differs;
  const auto compared = [&](const auto& loaded, const auto& with) {
    if (how != Change::compare) return;
    a_.cmp(loaded, with);
    a_.jump_if(Cond::not_equal, differs);
  };
  const int with = how == Change::compare ? register_of(expected) : old;
  site();
  switch (bytes) {
    case 1:
      a_.movzx(r32(old), a_.byte[place]);
      compared(r8(old), r8(with));
      change(a_, how, a_.byte[place], r8(from));
      break;
    case 2:
      a_.movzx(r32(old), a_.word[place]);
      compared(r16(old), r16(with));
      change(a_, how, a_.word[place], r16(from));
      break;
    case 4:
      a_.mov(r32(old), a_.dword[place]);
      compared(r32(old), r32(with));
      change(a_, how, a_.dword[place], r32(from));
      break;
    default:
      a_.mov(r64(old), a_.qword[place]);
      compared(r64(old), r64(with));
      change(a_, how, a_.qword[place], r64(from));
      break;
  }
  if (how == Change::compare) {
    a_.bind(differs);
    release(expected);
  }
  release(at);
  release(value);
  push_reg(wasm::info(in.op).results == "I" ? ValType::i64 : ValType::i32, old);
}

// The place must be one of the memory, even where nobody waits.
void Compiler::touch(const wasm::Instruction& in) {
  const std::uint32_t bytes = wasm::info(in.op).width;
  check_alignment(in, bytes);
  const Access at = access(in, bytes);
  const int any = take_int();
  site();
  a_.mov(r32(any), a_.dword[expression(at)]);
  release_int(any);
  release(at);
}

void Compiler::atomic_wait(const wasm::Instruction& in) {
  const bool wakes = in.op == Op::memory_atomic_notify;
  for (int operands = wakes ? 1 : 2; operands > 0; --operands) drop_top();
  touch(in);
  if (!wakes) {
    site();
    a_.call_outside(options_.stubs.trap(TrapCode::unshared_wait));
  }
  push_constant(ValType::i32, 0);
}

bool Compiler::atomic_instruction(const wasm::Instruction& in) {
  if (in.op < Op::memory_atomic_notify || in.op > Op::i64_atomic_rmw32_cmpxchg_u) return false;
  if (in.op == Op::atomic_fence) return true;
  if (in.op < Op::atomic_fence) return atomic_wait(in), true;
  if (in.op < Op::i32_atomic_store) return atomic_load(in), true;
  if (in.op < Op::i32_atomic_rmw_add) return atomic_store(in), true;
  return atomic_change(in), true;
}

}  // namespace weft::jit
