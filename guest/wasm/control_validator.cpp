// SPDX-License-Identifier: Apache-2.0
// FunctionValidator's part for instructions that open, close or leave blocks, and for all whose
// types depend on what the module declares. The rest is in guest/wasm/function_validator.cpp.
#include <algorithm>
#include <string>

#include "guest/wasm/function_validator.h"

namespace weft::wasm {
namespace {

constexpr ValType kValues[] = {ValType::bottom,  ValType::i32,       ValType::i64,
                               ValType::f32,     ValType::f64,       ValType::v128,
                               ValType::funcref, ValType::externref, ValType::exnref};

// The types of blocks that are written as one value type.
constexpr std::array<FuncType, std::size(kValues)> kBlocksOfOneResult = [] {
  std::array<FuncType, std::size(kValues)> blocks{};
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].results = {&kValues[i], 1};
  return blocks;
}();
constexpr FuncType kEmptyBlock{};

bool same(std::span<const ValType> a, std::span<const ValType> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

void FunctionValidator::step(Instruction& in) {
  op_ = in.op;
  op_offset_ = in.offset;
  in.reachable = !frames_.back().unreachable;
  if (info(in.op).feature != Feature::core) use(info(in.op).feature, info(in.op).name);
  if (is_constant_) [[unlikely]]
    check_constant(in);
  switch (in.op) {
    case Op::unreachable:
      return never_goes_on();
    case Op::block:
    case Op::loop:
    case Op::if_:
    case Op::else_:
    case Op::end:
    case Op::br:
    case Op::br_if:
    case Op::br_table:
    case Op::return_:
      return step_control(in);
    case Op::try_:
    case Op::catch_:
    case Op::catch_all:
    case Op::delegate:
    case Op::throw_:
    case Op::rethrow:
    case Op::throw_ref:
    case Op::try_table:
      return step_exception(in);
    case Op::call:
    case Op::call_indirect:
    case Op::return_call:
    case Op::return_call_indirect:
      return step_call(in);
    case Op::drop:
    case Op::select:
    case Op::select_typed:
    case Op::ref_null:
    case Op::ref_is_null:
    case Op::ref_func:
      return step_parametric(in);
    case Op::local_get:
    case Op::local_set:
    case Op::local_tee:
    case Op::global_get:
    case Op::global_set:
      return step_variable(in);
    case Op::memory_copy:
      return step_memory_copy(in);
    case Op::table_get:
    case Op::table_set:
    case Op::table_grow:
    case Op::table_fill:
    case Op::table_init:
    case Op::table_copy:
      return step_table(in);
    default:
      return step_fixed(in);
  }
}

// --- frames ---

void FunctionValidator::open(Op op, const FuncType& type) {
  pop_all(type.params);
  frames_.push_back({&type, static_cast<std::uint32_t>(size_), op, false});
  push_all(type.params);
}

void FunctionValidator::close() {
  pop_all(frames_.back().type->results);
  if (size_ != frames_.back().height) {
    fail("type mismatch, " + std::to_string(size_ - frames_.back().height) +
         " more values on the stack than the block returns");
  }
  closed_ = frames_.back();
}

void FunctionValidator::never_goes_on() {
  size_ = frames_.back().height;
  frames_.back().unreachable = true;
}

const Frame& FunctionValidator::frame_of(std::uint32_t index) {
  if (index >= frames_.size()) fail_index("label", index, frames_.size());
  return label(index);
}

const FuncType& FunctionValidator::block_type(const Instruction& in) {
  if (in.block_code == kBlockEmpty) return kEmptyBlock;
  if (in.block_code < 0) {
    const auto result = static_cast<ValType>(-in.block_code);
    use(result);
    return kBlocksOfOneResult[static_cast<std::size_t>(result)];
  }
  const auto index = static_cast<std::size_t>(in.block_code);
  if (index >= module_.types.size()) {
    fail_index("type", static_cast<std::uint32_t>(index), module_.types.size());
  }
  const FuncType& type = module_.types[index];
  if (!type.params.empty() || type.results.size() > 1) use(Feature::multi_value, info(op_).name);
  return type;
}

// --- control ---

void FunctionValidator::step_control(Instruction& in) {
  switch (in.op) {
    case Op::if_:
      pop(ValType::i32);
      [[fallthrough]];
    case Op::block:
    case Op::loop:
      in.block = &block_type(in);
      return open(in.op, *in.block);
    case Op::else_:
      return step_else();
    case Op::end:
      return step_end(in);
    case Op::br:
      pop_all(frame_of(in.index).label_types());
      return never_goes_on();
    case Op::br_if: {
      pop(ValType::i32);
      const auto types = frame_of(in.index).label_types();
      pop_all(types);
      return push_all(types);
    }
    case Op::br_table:
      step_br_table(in);
      return never_goes_on();
    default:  // return
      pop_all(type_->results);
      return never_goes_on();
  }
}

void FunctionValidator::step_else() {
  if (frames_.back().op != Op::if_) fail("it stands in no if");
  close();
  frames_.back().op = Op::else_;
  frames_.back().unreachable = false;
  push_all(closed_.type->params);
}

void FunctionValidator::step_end(Instruction& in) {
  in.block = frames_.back().type;
  const Frame& frame = frames_.back();
  if (frame.op == Op::if_ && !same(frame.type->params, frame.type->results)) {
    fail("type mismatch, an if without an else has other results than parameters");
  }
  close();
  frames_.pop_back();
  push_all(closed_.type->results);
}

// Labels that take the same list of types along are compared once.
void FunctionValidator::step_br_table(const Instruction& in) {
  pop(ValType::i32);
  const std::uint8_t* at = in.bytes;
  std::span<const ValType> last;
  std::size_t arity = 0;
  for (std::uint32_t i = 0; i <= in.count; ++i) {
    const auto types = frame_of(next_label(at)).label_types();
    if (i == 0) arity = types.size();
    if (types.size() != arity) fail("type mismatch, targets that take different numbers of values");
    if (i != 0 && types.data() == last.data()) continue;
    check_top(types);
    last = types;
  }
}

// --- exceptions ---

void FunctionValidator::step_exception(Instruction& in) {
  switch (in.op) {
    case Op::try_:
      in.block = &block_type(in);
      return open(in.op, *in.block);
    case Op::try_table:
      return step_try_table(in);
    case Op::catch_:
    case Op::catch_all:
      return step_catch(in);
    case Op::delegate:
      if (frames_.back().op != Op::try_) fail("it stands in no try, or behind a catch");
      in.block = frames_.back().type;
      close();
      frames_.pop_back();
      frame_of(in.index);
      return push_all(closed_.type->results);
    case Op::throw_:
      pop_all(type_of_tag(in.index).params);
      return never_goes_on();
    case Op::rethrow:
      if (frame_of(in.index).op != Op::catch_ && frame_of(in.index).op != Op::catch_all) {
        fail("its label is no catch");
      }
      return never_goes_on();
    default:  // throw_ref
      pop(ValType::exnref);
      return never_goes_on();
  }
}

void FunctionValidator::step_catch(const Instruction& in) {
  if (frames_.back().op != Op::try_ && frames_.back().op != Op::catch_) {
    fail("it stands in no try, or behind a catch_all");
  }
  const FuncType* tag = in.op == Op::catch_ ? &type_of_tag(in.index) : nullptr;
  close();
  frames_.back().op = in.op;
  frames_.back().unreachable = false;
  if (tag != nullptr) push_all(tag->params);
}

// What a clause catches has to be what its label takes; labels count from outside the block.
void FunctionValidator::step_try_table(Instruction& in) {
  const std::uint8_t* at = in.bytes;
  for (std::uint32_t i = 0; i < in.count; ++i) {
    const CatchClause clause = next_clause(at);
    using Kind = CatchClause::Kind;
    const bool has_tag = clause.kind == Kind::tag || clause.kind == Kind::tag_ref;
    const bool has_ref = clause.kind == Kind::tag_ref || clause.kind == Kind::all_ref;
    const auto caught = has_tag ? type_of_tag(clause.tag).params : std::span<const ValType>{};
    const auto taken = frame_of(clause.label).label_types();
    const bool fits = taken.size() == caught.size() + (has_ref ? 1 : 0) &&
                      same(caught, taken.first(std::min(caught.size(), taken.size()))) &&
                      (!has_ref || taken.back() == ValType::exnref);
    if (!fits) fail("type mismatch, a clause catches other types than its label takes");
  }
  in.block = &block_type(in);
  open(in.op, *in.block);
}

// --- calls ---

const FuncType& FunctionValidator::type_of_function(std::uint32_t index) {
  if (index >= module_.functions()) fail_index("function", index, module_.functions());
  return module_.type_of_function(index);
}

const FuncType& FunctionValidator::type_of_tag(std::uint32_t index) {
  if (index >= module_.tag_types.size()) fail_index("tag", index, module_.tag_types.size());
  return module_.type_of_tag(index);
}

const FuncType& FunctionValidator::indirect_type(const Instruction& in) {
  const TableType& of = table(in.index);
  if (in.index != 0) use(Feature::reference_types, info(op_).name);
  if (of.element != ValType::funcref) {
    fail("type mismatch, table " + std::to_string(in.index) + " holds " +
         std::string(name(of.element)) + " and no functions");
  }
  if (in.index2 >= module_.types.size()) fail_index("type", in.index2, module_.types.size());
  pop(of.limits.address());
  return module_.types[in.index2];
}

void FunctionValidator::step_call(Instruction& in) {
  const bool indirect = in.op == Op::call_indirect || in.op == Op::return_call_indirect;
  const FuncType& type = indirect ? indirect_type(in) : type_of_function(in.index);
  pop_all(type.params);
  if (in.op == Op::call || in.op == Op::call_indirect) return push_all(type.results);
  if (!same(type.results, type_->results)) {
    fail("type mismatch, it returns other types than the function that it stands in");
  }
  never_goes_on();
}

// --- operands of any type ---

void FunctionValidator::step_parametric(Instruction& in) {
  switch (in.op) {
    case Op::drop:
      in.type = pop();
      return;
    case Op::select:
      return step_select(in);
    case Op::select_typed:
      use(in.type);
      pop(ValType::i32);
      pop(in.type);
      pop(in.type);
      return push(in.type);
    case Op::ref_null:
      use(in.type);
      return push(in.type);
    case Op::ref_is_null:
      in.type = pop();
      if (in.type != ValType::bottom && !is_reference(in.type)) {
        fail_type("a reference", name(in.type));
      }
      return push(ValType::i32);
    default:  // ref.func
      type_of_function(in.index);
      if (is_constant_) {
        (*referenced_)[in.index] = true;
      } else if (!module_.referenced[in.index]) {
        fail("function " + std::to_string(in.index) + " is an undeclared function reference");
      }
      return push(ValType::funcref);
  }
}

void FunctionValidator::step_select(Instruction& in) {
  pop(ValType::i32);
  const ValType second = pop();
  const ValType first = pop();
  if (is_reference(first) || is_reference(second)) {
    fail("type mismatch, references need the form that names their type");
  }
  if (first != second && first != ValType::bottom && second != ValType::bottom) {
    fail_type(name(first), name(second));
  }
  in.type = first == ValType::bottom ? second : first;
  push(in.type);
}

// --- locals, globals, memories, tables ---

void FunctionValidator::step_variable(Instruction& in) {
  if (in.op == Op::global_get || in.op == Op::global_set) {
    const std::size_t known = is_constant_ ? known_globals_ : module_.globals.size();
    if (in.index >= known) fail_index("global", in.index, known);
    const GlobalType& global = module_.globals[in.index].type;
    in.type = global.type;
    if (in.op == Op::global_get) return push(in.type);
    if (!global.is_mutable) fail("global " + std::to_string(in.index) + " is immutable");
    return pop(in.type);
  }
  if (in.index >= locals_) fail_index("local", in.index, locals_);
  in.type = local_type(in.index);
  if (in.op != Op::local_get) pop(in.type);
  if (in.op != Op::local_set) push(in.type);
}

void FunctionValidator::step_memory_copy(const Instruction& in) {
  const Limits& to = memory(in.index).limits;
  const Limits& from = memory(in.index2).limits;
  pop(to.is_64 && from.is_64 ? ValType::i64 : ValType::i32);
  pop(from.address());
  pop(to.address());
}

void FunctionValidator::step_table(Instruction& in) {
  const TableType& of = table(in.index);
  const ValType address = of.limits.address();
  in.type = of.element;
  switch (in.op) {
    case Op::table_get:
      pop(address);
      return push(of.element);
    case Op::table_set:
      pop(of.element);
      return pop(address);
    case Op::table_grow:
      pop(address);
      pop(of.element);
      return push(address);
    case Op::table_fill:
      pop(address);
      pop(of.element);
      return pop(address);
    default:
      return step_table_bulk(in);
  }
}

void FunctionValidator::step_table_bulk(const Instruction& in) {
  const TableType& to = table(in.index);
  if (in.op == Op::table_copy) {
    const TableType& from = table(in.index2);
    if (from.element != to.element) fail_type(name(to.element), name(from.element));
    pop(to.limits.is_64 && from.limits.is_64 ? ValType::i64 : ValType::i32);
    pop(from.limits.address());
  } else {  // table.init
    if (in.index2 >= module_.elements.size()) {
      fail_index("element segment", in.index2, module_.elements.size());
    }
    const ValType type = module_.elements[in.index2].type;
    if (type != to.element) fail_type(name(to.element), name(type));
    pop(ValType::i32);
    pop(ValType::i32);
  }
  pop(to.limits.address());
}

// --- constant expressions ---

void FunctionValidator::check_constant(const Instruction& in) {
  switch (in.op) {
    case Op::i32_add:
    case Op::i32_sub:
    case Op::i32_mul:
    case Op::i64_add:
    case Op::i64_sub:
    case Op::i64_mul:
      return use(Feature::extended_const, info(in.op).name);
    case Op::global_get:
      if (in.index < known_globals_ && module_.globals[in.index].type.is_mutable) {
        fail("a constant expression can't read a mutable global");
      }
      if (in.index >= module_.imported_globals && in.index < known_globals_) {
        use(Feature::extended_const, info(in.op).name);
      }
      return;
    case Op::i32_const:
    case Op::i64_const:
    case Op::f32_const:
    case Op::f64_const:
    case Op::v128_const:
    case Op::ref_null:
    case Op::ref_func:
    case Op::end:
      return;
    default:
      fail("no instruction of a constant expression");
  }
}

}  // namespace weft::wasm
