// SPDX-License-Identifier: Apache-2.0
// Exceptions. They cost nothing until one is thrown. Tables lead from a range of code to its try,
// from a try to its clauses, from a clause to its landing (guest/jit/unwind.cpp reads them).
//
//   try_table   its clauses land behind its body, each with a branch to its label
//   try         catch and catch_all land at their beginnings. The exception is kept, for
//               rethrow, in an operand of its own at the bottom of the catch
//   delegate    a try without clauses, whose parent is not the next one around it
//
// At a landing all operands below the try are in their slots, as at the beginning of every block,
// and the homes are as they were at the call.
#include "guest/jit/compiler.h"

namespace weft::jit {

void Compiler::enter_range(std::uint32_t which) {
  try_ = which;
  facts_.ranges.push_back({a_.position(), which});
}

void Compiler::begin_try(const wasm::Instruction& in) {
  spill_all();
  Block& block = open(in.op, in);
  block.clauses = in.count;
  block.clause_bytes = in.bytes;
  block.own_try = static_cast<std::uint32_t>(facts_.tries.size());
  facts_.tries.push_back({.parent = try_});
  block.inside = block.own_try;
  enter_range(block.own_try);
}

// What follows stands in the block, and no more in its try.
void Compiler::leave_try(Block& block) {
  enter_range(facts_.tries[block.own_try].parent);
  block.inside = try_;
}

// That lands here.
void Compiler::add_clause(std::uint32_t which, std::uint32_t tag) {
  const auto index = static_cast<std::uint32_t>(facts_.clauses.size());
  facts_.clauses.push_back({tag, a_.position(), kNone});
  Try& of = facts_.tries[which];
  (of.last == kNone ? of.first : facts_.clauses[of.last].next) = index;
  of.last = index;
}

// What an exception carries; it is in rax. kNone: nothing.
void Compiler::push_caught(std::uint32_t tag) {
  if (tag == kNone) return;
  int at = 8;
  for (const ValType type : module_.type_of_tag(tag).params) {
    a_.make_room();
    const std::uint32_t slot = push(type, Value::Kind::slot).slot;
    if (type == ValType::v128) {
      a_.movups(x(kScratch), a_.ptr[a_.rax + at]);
      a_.movups(a_.ptr[a_.rbp - static_cast<int>(slot)], x(kScratch));
    } else {
      a_.movsd(x(kScratch), a_.qword[a_.rax + at]);
      a_.movsd(slot_64(slot), x(kScratch));
    }
    at += static_cast<int>(bytes_of(type));
  }
}

void Compiler::land(const wasm::CatchClause& clause, Block& block) {
  using Kind = wasm::CatchClause::Kind;
  const bool has_tag = clause.kind == Kind::tag || clause.kind == Kind::tag_ref;
  const bool has_reference = clause.kind == Kind::tag_ref || clause.kind == Kind::all_ref;
  const std::uint32_t tag = has_tag ? clause.tag : kNone;
  truncate_to(block.base);
  a_.make_room();
  add_clause(block.own_try, tag);
  a_.mov(a_.rax, context(offsetof(Context, exception), 64));
  push_caught(tag);
  if (has_reference) a_.mov(slot_64(push(ValType::exnref, Value::Kind::slot).slot), a_.rax);
  Block& target = block_at(clause.label + 1);  // Labels count from outside.
  to_label(target);
  a_.jump(target.label);
}

void Compiler::end_try_table(Block& block) {
  leave_try(block);
  if (reachable_) {
    to_label(block);
    a_.jump(block.label);
  }
  const std::uint8_t* at = block.clause_bytes;
  for (std::uint32_t i = 0; i < block.clauses; ++i) land(wasm::next_clause(at), block);
  reachable_ = false;
}

void Compiler::begin_catch(const wasm::Instruction& in) {
  Block& block = blocks_.back();
  if (block.op == Op::try_) leave_try(block);
  if (reachable_) {
    to_label(block);
    a_.jump(block.label);
  }
  block.op = Op::catch_;
  truncate_to(block.base);
  const std::uint32_t tag = in.op == Op::catch_ ? in.index : kNone;
  add_clause(block.own_try, tag);
  a_.mov(a_.rax, context(offsetof(Context, exception), 64));
  a_.mov(slot_64(push(ValType::exnref, Value::Kind::slot).slot), a_.rax);
  push_caught(tag);
  reachable_ = true;
}

// Of both kinds.
void Compiler::end_try() {
  Block& block = blocks_.back();
  if (block.op == Op::try_table) {
    end_try_table(block);
  } else {
    if (block.op == Op::try_) leave_try(block);
    if (reachable_) to_label(block);
  }
  truncate_to(block.base);
  const bool comes_here = reachable_ || block.label.is_used();
  a_.bind(block.label);
  if (comes_here) push_merged(block.results, in_slots(block));
  reachable_ = comes_here;
  blocks_.pop_back();
}

void Compiler::delegate(std::uint32_t depth) {
  Block& block = blocks_.back();
  facts_.tries[block.own_try].parent = block_at(depth + 1).inside;
  const std::uint32_t around = blocks_[blocks_.size() - 2].inside;
  enter_range(around);
  block.op = Op::catch_;  // Its try is left.
  end_try();
}

void Compiler::throw_tag(std::uint32_t tag) {
  const std::span<const ValType> types = module_.type_of_tag(tag).params;
  arguments_.resize(types.size());
  for (std::size_t i = types.size(); i > 0; --i) arguments_[i - 1] = pop();
  std::uint32_t at = Layout::kArguments + 8;
  for (const Value& value : arguments_) {
    a_.make_room();
    store_to_context(value, at);
    release(value);
    at += bytes_of(value.type);
  }
  a_.mov(context(Layout::kArguments, 32), tag);
  site();
  a_.call_outside(options_.stubs.helper(Helper::throw_tag));
  dead();
}

void Compiler::throw_reference() {
  const Value reference = pop();
  helper(Helper::throw_reference, {&reference, 1});
  dead();
}

void Compiler::rethrow(std::uint32_t depth) {
  const Value kept = stack_[block_at(depth).base];
  helper(Helper::throw_reference, {&kept, 1});
  dead();
}

bool Compiler::exception_instruction(const wasm::Instruction& in) {
  switch (in.op) {
    case Op::try_:
    case Op::try_table:
      return begin_try(in), true;
    case Op::catch_:
    case Op::catch_all:
      return begin_catch(in), true;
    case Op::delegate:
      return delegate(in.index), true;
    case Op::throw_:
      return throw_tag(in.index), true;
    case Op::throw_ref:
      return throw_reference(), true;
    case Op::rethrow:
      return rethrow(in.index), true;
    default:
      return false;
  }
}

}  // namespace weft::jit
