// SPDX-License-Identifier: Apache-2.0
// Calls: of functions, through tables, in tail position, and of helpers written in C++.
#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

constexpr std::uint8_t kIntRegisters[] = {7, 6, 2, 1};  // rdi rsi rdx rcx
constexpr std::uint8_t kCallee = 0;                     // rax

}  // namespace

// A word of the Context's arguments, or two for a vector. Uses the scratch register where it must.
void Compiler::store_to_context(const Value& value, std::uint32_t at) {
  const int reg = register_of(value);
  const bool in_reg = reg >= 0;
  if (value.type == ValType::v128) {
    if (!in_reg) load_float(kScratch, value);
    a_.movups(a_.ptr[a_.r15 + static_cast<int>(at)], x(in_reg ? reg : kScratch));
  } else if (in_reg && is_float(value.type)) {
    a_.movq(a_.ptr[a_.r15 + static_cast<int>(at)], x(reg));
  } else if (in_reg) {  // Of an i32 the upper half is zero.
    a_.mov(context(at, 64), r64(reg));
  } else if (is_constant(value)) {
    a_.mov(context(at, 32), static_cast<std::uint32_t>(value.bits));
    const std::uint64_t high = is_64(value.type) ? value.bits >> 32 : 0;
    a_.mov(context(at + 4, 32), static_cast<std::uint32_t>(high));
  } else {
    const std::uint32_t place = place_of(value);
    is_64(value.type) ? a_.movsd(x(kScratch), slot_64(place))
                      : a_.movss(x(kScratch), slot_32(place));  // Clears the rest.
    a_.movsd(context(at, 64), x(kScratch));
  }
}

// Pops the arguments and puts them where the callee wants them. `callee`, unless it is -1, is a
// held register, and goes to rax. All other operands survive the call.
void Compiler::arguments(std::span<const ValType> params, int callee) {
  arguments_.resize(params.size());
  for (std::size_t i = params.size(); i > 0; --i) arguments_[i - 1] = pop();
  spill_temps();
  std::array<Move, kIntArguments + 1> ints{};
  std::array<Move, kFloatArguments> floats{};
  std::array<std::pair<const Value*, std::uint8_t>, kIntArguments + kFloatArguments> loads{};
  std::size_t int_moves = 0;
  std::size_t float_moves = 0;
  std::size_t load_count = 0;
  std::size_t int_count = 0;
  std::size_t float_count = 0;
  std::uint32_t at = Layout::kArguments + 8 * kIntArguments;
  if (callee >= 0) ints[int_moves++] = {kCallee, static_cast<std::uint8_t>(callee), true};
  for (const Value& value : arguments_) {
    const bool floating = is_float(value.type);
    if (floating ? float_count == kFloatArguments : int_count == kIntArguments) {
      a_.make_room();
      store_to_context(value, at);
      at += bytes_of(value.type);
      continue;
    }
    const std::uint8_t to =
        floating ? static_cast<std::uint8_t>(float_count++) : kIntRegisters[int_count++];
    if (register_of(value) < 0) {
      loads[load_count++] = {&value, to};
      continue;
    }
    const auto from = static_cast<std::uint8_t>(register_of(value));
    if (floating) {
      floats[float_moves++] = {to, from, true};
    } else {
      ints[int_moves++] = {to, from, is_64(value.type)};
    }
  }
  parallel_moves({ints.data(), int_moves}, false);
  parallel_moves({floats.data(), float_moves}, true);
  for (std::size_t i = 0; i < load_count; ++i) load(loads[i].second, *loads[i].first);
  for (const Value& value : arguments_) release(value);
  if (callee >= 0) release_int(callee);
}

// Where the parameters go when the function begins; the homes are saved.
void Compiler::parameters_home() {
  const std::span<const ValType> params = module_.type_of_function(function_).params;
  std::size_t int_count = 0;
  std::size_t float_count = 0;
  std::uint32_t at = Layout::kArguments + 8 * kIntArguments;
  for (std::size_t i = 0; i < params.size(); ++i) {
    a_.make_room();
    const Local& local = locals_[i];
    Value value;
    value.kind = Value::Kind::reg;
    value.type = params[i];
    const bool floating = is_float(params[i]);
    if (floating ? float_count == kFloatArguments : int_count == kIntArguments) {
      value.reg = kScratch;
      if (params[i] == ValType::v128) {
        a_.movups(x(kScratch), a_.ptr[a_.r15 + static_cast<int>(at)]);
      } else {
        a_.movsd(x(kScratch), context(at, 64));
      }
      at += bytes_of(params[i]);
      if (!floating) {
        if (local.in_reg) {
          a_.movq(r64(local.reg), x(kScratch));
        } else {
          a_.movsd(slot_64(local.slot), x(kScratch));
        }
        continue;
      }
    } else {
      value.reg = floating ? static_cast<std::uint8_t>(float_count++) : kIntRegisters[int_count++];
    }
    if (local.in_reg) {
      load(local.reg, value);
    } else {
      store_to_slot(value, local.slot);
    }
  }
}

void Compiler::push_results(std::span<const ValType> results) {
  if (results.size() == 1) return push_reg(results[0], 0);
  std::uint32_t at = Layout::kArguments;
  for (const ValType type : results) {
    a_.make_room();
    const std::uint32_t slot = push(type, Value::Kind::slot).slot;
    if (type == ValType::v128) {
      a_.movups(x(kScratch), a_.ptr[a_.r15 + static_cast<int>(at)]);
      a_.movups(a_.ptr[a_.rbp - static_cast<int>(slot)], x(kScratch));
    } else {
      a_.movsd(x(kScratch), context(at, 64));
      a_.movsd(slot_64(slot), x(kScratch));
    }
    at += bytes_of(type);
  }
}

void Compiler::call(std::uint32_t function) {
  const wasm::FuncType& type = module_.type_of_function(function);
  arguments(type.params, -1);
  const void* code = options_.entries[function].code;
  if (function == function_) {
    a_.db(0xe8);
    a_.displacement(start_);
  } else if (!is_lazy(code)) {
    a_.call_outside(code);
  } else {
    a_.call_through(&options_.entries[function].code);
  }
  push_results(type.results);
}

// Pops the index; returns a held register with the FunctionEntry, which has the right type.
int Compiler::callee(const wasm::Instruction& in) {
  Value value = pop();
  const int index = int_reg(value);
  const int entry = take_int();
  const std::uint32_t table = options_.layout.table(in.index);
  const bool wide = module_.tables[in.index].limits.is_64;
  const auto size =
      context(table + static_cast<std::uint32_t>(offsetof(TableCell, size)), wide ? 64 : 32);
  wide ? a_.cmp(r64(index), size) : a_.cmp(r32(index), size);
  trap_if(Cond::above_equal, TrapCode::no_element);
  a_.mov(r64(entry), context(table, 64));
  a_.mov(r64(entry), a_.qword[r64(entry) + r64(index) * 8]);
  a_.test(r64(entry), r64(entry));
  trap_if(Cond::equal, TrapCode::null_element);
  a_.cmp(a_.dword[r64(entry) + static_cast<int>(offsetof(FunctionEntry, type))],
         module_.types[in.index2].canonical);
  trap_if(Cond::not_equal, TrapCode::signature);
  release(value);
  return entry;
}

void Compiler::call_indirect(const wasm::Instruction& in) {
  const wasm::FuncType& type = module_.types[in.index2];
  const int entry = callee(in);
  arguments(type.params, entry);
  a_.call(a_.qword[r64(kCallee)]);
  push_results(type.results);
}

void Compiler::tail_call(std::uint32_t function) {
  arguments(module_.type_of_function(function).params, -1);
  restore_homes();
  a_.leave();
  const void* code = options_.entries[function].code;
  if (function == function_) {
    a_.jump(start_);
  } else if (!is_lazy(code)) {
    a_.jump_outside(code);
  } else {
    a_.jump_through(&options_.entries[function].code);
  }
  dead();
}

void Compiler::tail_call_indirect(const wasm::Instruction& in) {
  const int entry = callee(in);
  arguments(module_.types[in.index2].params, entry);
  restore_homes();
  a_.leave();
  a_.jmp(a_.qword[r64(kCallee)]);
  dead();
}

// Held operands, in the order of the helper's arguments. The result, if any, is in rax.
void Compiler::helper(Helper which, std::span<const Value> values) {
  std::uint32_t at = Layout::kArguments;
  for (const Value& value : values) {
    store_to_context(value, at);
    at += 8;
    release(value);
  }
  spill_temps();
  site();
  a_.call_outside(options_.stubs.helper(which));
}

}  // namespace weft::jit
