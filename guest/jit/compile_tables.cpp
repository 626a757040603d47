// SPDX-License-Identifier: Apache-2.0
// Tables, references, and instructions that work on many bytes or elements at once.
#include "guest/jit/compiler.h"

namespace weft::jit {

// A held register with where the element is.
int Compiler::element_place(std::uint32_t table, Value& index) {
  const int at = int_reg(index);
  const int place = take_int();
  const std::uint32_t cell = options_.layout.table(table);
  const bool wide = module_.tables[table].limits.is_64;
  const auto size =
      context(cell + static_cast<std::uint32_t>(offsetof(TableCell, size)), wide ? 64 : 32);
  wide ? a_.cmp(r64(at), size) : a_.cmp(r32(at), size);
  trap_if(Cond::above_equal, TrapCode::table);
  a_.mov(r64(place), context(cell, 64));
  a_.lea(r64(place), a_.ptr[r64(place) + r64(at) * 8]);
  release(index);
  return place;
}

void Compiler::table_get(std::uint32_t table) {
  Value index = pop();
  const int place = element_place(table, index);
  a_.mov(r64(place), a_.qword[r64(place)]);
  push_reg(module_.tables[table].element, place);
}

void Compiler::table_set(std::uint32_t table) {
  Value value = pop();
  Value index = pop();
  const int reg = int_reg(value);
  const int place = element_place(table, index);
  a_.mov(a_.qword[r64(place)], r64(reg));
  release_int(place);
  release(value);
}

void Compiler::table_size(std::uint32_t table) {
  const std::uint32_t cell = options_.layout.table(table);
  const int to = take_int();
  a_.mov(r64(to), context(cell + static_cast<std::uint32_t>(offsetof(TableCell, size)), 64));
  push_reg(module_.tables[table].limits.address(), to);
}

void Compiler::ref_func(std::uint32_t function) {
  const int to = take_int();
  a_.address_outside(r64(to), &options_.entries[function]);
  push_reg(ValType::funcref, to);
}

void Compiler::ref_is_null() {
  Value value = pop();
  const int reg = int_reg(value);
  a_.test(r64(reg), r64(reg));
  release(value);
  finish_flags(Cond::equal);
}

// The helper gets the operands in their order, then the two indices.
void Compiler::bulk(const wasm::Instruction& in, Helper which, std::size_t operands) {
  std::array<Value, 5> values{};
  for (std::size_t i = operands; i > 0; --i) values[i - 1] = pop();
  const wasm::Cost cost = wasm::info(in.op).cost;
  if (cost != wasm::Cost::one) {
    const Value& size = values[operands - 1];
    fuel_point_bulk(size, cost, size.type == ValType::i64);
  }
  for (const std::uint32_t index : {in.index, in.index2}) {
    Value& value = values[operands++];
    value.kind = Value::Kind::constant;
    value.type = ValType::i32;
    value.bits = index;
  }
  helper(which, {values.data(), operands});
}

bool Compiler::table_instruction(const wasm::Instruction& in) {
  switch (in.op) {
    case Op::table_get:
      return table_get(in.index), true;
    case Op::table_set:
      return table_set(in.index), true;
    case Op::table_size:
      return table_size(in.index), true;
    case Op::ref_null:
      return push_constant(in.type, 0), true;
    case Op::ref_is_null:
      return ref_is_null(), true;
    case Op::ref_func:
      return ref_func(in.index), true;
    case Op::memory_size:
      return memory_size(in.index), true;
    case Op::memory_grow:
      bulk(in, Helper::memory_grow, 1);
      return push_reg(module_.memories[in.index].limits.address(), 0), true;
    case Op::memory_init:
      return bulk(in, Helper::memory_init, 3), true;
    case Op::data_drop:
      return bulk(in, Helper::data_drop, 0), true;
    case Op::memory_copy:
      return bulk(in, Helper::memory_copy, 3), true;
    case Op::memory_fill:
      return bulk(in, Helper::memory_fill, 3), true;
    case Op::table_init:
      return bulk(in, Helper::table_init, 3), true;
    case Op::elem_drop:
      return bulk(in, Helper::elem_drop, 0), true;
    case Op::table_copy:
      return bulk(in, Helper::table_copy, 3), true;
    case Op::table_grow:
      bulk(in, Helper::table_grow, 2);
      return push_reg(module_.tables[in.index].limits.address(), 0), true;
    case Op::table_fill:
      return bulk(in, Helper::table_fill, 3), true;
    default:
      return false;
  }
}

}  // namespace weft::jit
