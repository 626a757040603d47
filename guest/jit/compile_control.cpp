// SPDX-License-Identifier: Apache-2.0
// Blocks, branches, fuel points, and code that can't be reached.
#include "guest/jit/compiler.h"

namespace weft::jit {
namespace {

using wasm::ValType;

// Types of blocks that are written as one type.
constexpr ValType kSingle[] = {ValType::i32,       ValType::i64,   ValType::f32,
                               ValType::f64,       ValType::v128,  ValType::funcref,
                               ValType::externref, ValType::exnref};

std::span<const ValType> single(std::int64_t code) {
  if (code == wasm::kBlockEmpty) return {};
  const auto nth = static_cast<std::size_t>(-code) - static_cast<std::size_t>(ValType::i32);
  return {&kSingle[nth], 1};
}

}  // namespace

std::span<const ValType> Compiler::params_of(const wasm::Instruction& in) const {
  if (in.block_code < 0) return {};
  return module_.types[static_cast<std::size_t>(in.block_code)].params;
}

std::span<const ValType> Compiler::results_of(const wasm::Instruction& in) const {
  if (in.block_code < 0) return single(in.block_code);
  return module_.types[static_cast<std::size_t>(in.block_code)].results;
}

// --- fuel points (guest/wabt/meter.h) ---

void Compiler::fuel_point(std::uint32_t cost) {
  OutOfLine ask{.kind = OutOfLine::Kind::refill, .entry = {}, .resume = {}, .offset = 0};
  a_.sub(a_.r13d, cost);
  a_.jump_if(Cond::less_equal, ask.entry);
  a_.bind(ask.resume);
  out_of_line_.push_back(ask);
}

// Before an instruction that moves much: its size is a held operand.
void Compiler::fuel_point_bulk(const Value& size, wasm::Cost cost, bool wide) {
  constexpr std::uint32_t kPagesMax = 65'536;
  const int reg = take_int();
  load_int(reg, size);
  if (cost == wasm::Cost::pages) {  // What is more than there can be fails at once.
    Label fits;
    wide ? a_.cmp(r64(reg), kPagesMax) : a_.cmp(r32(reg), kPagesMax);
    a_.jump_if(Cond::below_equal, fits);
    a_.xor_(r32(reg), r32(reg));
    a_.bind(fits);
    a_.shl(r32(reg), 6);
  } else {
    const int shift = cost == wasm::Cost::bytes ? 10 : 6;
    wide ? a_.shr(r64(reg), shift) : a_.shr(r32(reg), shift);
    if (wide) {  // A size above this is charged as this: it is more than any count.
      Label fits;
      a_.cmp(r64(reg), 1 << 30);
      a_.jump_if(Cond::below, fits);
      a_.mov(r32(reg), 1U << 30);
      a_.bind(fits);
    }
  }
  OutOfLine ask{.kind = OutOfLine::Kind::refill, .entry = {}, .resume = {}, .offset = 0};
  a_.sub(a_.r13d, r32(reg));
  a_.jump_if(Cond::less_equal, ask.entry);
  a_.bind(ask.resume);
  out_of_line_.push_back(ask);
  release_int(reg);
}

// --- what a label expects ---

std::span<const ValType> Compiler::label_types(const Block& block) const {
  return block.op == Op::loop ? block.params : block.results;
}

// Else a single one is in rax or xmm0.
bool Compiler::in_slots(const Block& block) const {
  return block.op == Op::loop || block.results.size() != 1;
}

// Does nothing need to move?
bool Compiler::is_at_label(Block& block) const {
  const std::span<const ValType> types = label_types(block);
  if (types.empty()) return true;
  if (&block == blocks_.data() && types.size() > 1) return false;
  const Value* values = stack_.data() + (stack_.size() - types.size());
  if (!in_slots(block)) {
    return values->kind == Value::Kind::reg && values->reg == 0;
  }
  std::uint32_t slot = block.base == 0 ? memory_locals_end_ : stack_[block.base - 1].slot;
  for (std::size_t i = 0; i < types.size(); ++i) {
    slot += bytes_of(types[i]);
    if (values[i].kind != Value::Kind::slot || values[i].slot != slot) return false;
  }
  return true;
}

// Moves the operands on top to where the label expects them. The stack stays as it is: the way that
// does not branch goes on with it.
void Compiler::to_label(Block& block) {
  const std::span<const ValType> types = label_types(block);
  if (types.empty()) return;
  const std::size_t first = stack_.size() - types.size();
  if (&block == blocks_.data() && types.size() > 1) {
    std::uint32_t at = Layout::kArguments;
    for (std::size_t i = 0; i < types.size(); ++i) {
      a_.make_room();
      store_to_context(stack_[first + i], at);
      at += bytes_of(types[i]);
    }
    return;
  }
  if (!in_slots(block)) return load(0, stack_[first]);
  // From the lowest: a slot that is written lies below all that are still to be read.
  std::uint32_t slot = block.base == 0 ? memory_locals_end_ : stack_[block.base - 1].slot;
  for (std::size_t i = 0; i < types.size(); ++i) {
    a_.make_room();
    slot += bytes_of(types[i]);
    store_to_slot(stack_[first + i], slot);
  }
}

void Compiler::truncate_to(std::size_t height) {
  while (stack_.size() > height) drop_top();
}

void Compiler::push_merged(std::span<const ValType> types, bool slots) {
  if (types.size() == 1 && !slots) return push_reg(types[0], 0);
  for (const ValType type : types) {
    a_.make_room();
    push(type, Value::Kind::slot);
  }
}

// --- blocks ---

// All operands are in their slots.
Compiler::Block& Compiler::open(Op op, const wasm::Instruction& in) {
  Block block;
  block.op = op;
  block.params = params_of(in);
  block.results = results_of(in);
  block.base = stack_.size() - block.params.size();
  block.inside = try_;
  return blocks_.emplace_back(block);
}

void Compiler::begin_block(const wasm::Instruction& in) {
  spill_all();
  open(in.op, in);
}

void Compiler::begin_loop(const wasm::Instruction& in) {
  spill_all();
  Block& block = open(in.op, in);
  a_.bind(block.label);
  if (const std::uint32_t cost = survey_.loop_costs[loops_seen_++]; cost != 0) fuel_point(cost);
}

// Pops the condition; the flags say whether it is not zero.
Cond Compiler::condition() {
  Value value = pop();
  if (value.kind == Value::Kind::flags) return value.cond;
  if (is_in_frame(value)) {
    a_.cmp(slot_32(place_of(value)), 0);
  } else {
    const int reg = int_reg(value);
    a_.test(r32(reg), r32(reg));
  }
  release(value);
  return Cond::not_equal;
}

void Compiler::begin_if(const wasm::Instruction& in) {
  const Cond cond = condition();
  spill_all();
  Block& block = open(in.op, in);
  a_.jump_if(negate(cond), block.else_label);
}

void Compiler::begin_else() {
  Block& block = blocks_.back();
  if (reachable_) {
    to_label(block);
    a_.jump(block.label);
  }
  a_.bind(block.else_label);
  truncate_to(block.base);
  push_merged(block.params, true);
  block.in_else = true;
  reachable_ = true;
}

// An if without else: what it was given is what it gives.
void Compiler::end_lone_if(Block& block) {
  if (reachable_) to_label(block);
  truncate_to(block.base);
  if (!in_slots(block)) {
    if (reachable_) a_.jump(block.label);
    a_.bind(block.else_label);
    push_merged(block.params, true);
    load(0, stack_.back());
    drop_top();
  } else {
    a_.bind(block.else_label);
  }
  a_.bind(block.label);
  push_merged(block.results, in_slots(block));
  reachable_ = true;
}

void Compiler::end_block() {
  if (blocks_.size() == 1) return end_function();
  Block& block = blocks_.back();
  if (block.own_try != kNone) return end_try();
  if (block.op == Op::if_ && !block.in_else) {
    end_lone_if(block);
  } else if (block.op == Op::loop || !block.label.is_used()) {
    if (!reachable_) truncate_to(block.base);
  } else {
    if (reachable_) to_label(block);
    truncate_to(block.base);
    a_.bind(block.label);
    push_merged(block.results, in_slots(block));
    reachable_ = true;
  }
  blocks_.pop_back();
}

void Compiler::end_function() {
  Block& block = blocks_.back();
  if (reachable_) to_label(block);
  if (reachable_ || block.label.is_used()) {
    a_.bind(block.label);
    epilogue();
  }
  truncate_to(0);
  blocks_.pop_back();
}

// --- branches ---

void Compiler::dead() {
  reachable_ = false;
}

void Compiler::branch(std::uint32_t depth) {
  Block& block = block_at(depth);
  to_label(block);
  a_.jump(block.label);
  dead();
}

void Compiler::branch_if(std::uint32_t depth) {
  const Cond cond = condition();
  Block& block = block_at(depth);
  if (is_at_label(block)) return a_.jump_if(cond, block.label);
  Label stay;
  a_.jump_if(negate(cond), stay);
  to_label(block);
  a_.jump(block.label);
  a_.bind(stay);
}

// A table of displacements, each from its own end.
void Compiler::branch_table(const wasm::Instruction& in) {
  Value value = pop();
  const std::uint8_t* at = in.bytes;
  if (in.count == 0) {
    release(value);
    return branch(wasm::next_label(at));
  }
  const int index = own_int(value);
  const int table = take_int();
  thunk_of_.assign(blocks_.size(), kNone);
  std::vector<Label> thunks;
  std::vector<std::uint32_t> depths;
  const auto target = [&](std::uint32_t depth) -> Label& {
    Block& block = block_at(depth);
    if (is_at_label(block)) return block.label;
    if (thunk_of_[depth] == kNone) {
      thunk_of_[depth] = static_cast<std::uint32_t>(thunks.size());
      thunks.emplace_back();
      depths.push_back(depth);
    }
    return thunks[thunk_of_[depth]];
  };
  const std::uint8_t* last = in.bytes;
  for (std::uint32_t i = 0; i < in.count; ++i) wasm::next_label(last);
  a_.cmp(r32(index), in.count);
  a_.jump_if(Cond::above_equal, target(wasm::next_label(last)));
  Label entries;
  a_.address_of(r64(table), entries);
  a_.lea(r64(table), a_.ptr[r64(table) + r64(index) * 4]);
  a_.movsxd(r64(index), a_.dword[r64(table)]);
  a_.lea(r64(table), a_.ptr[r64(table) + r64(index) + 4]);
  a_.jmp(r64(table));
  a_.bind(entries);
  for (std::uint32_t i = 0; i < in.count; ++i) {
    a_.make_room();
    a_.displacement(target(wasm::next_label(at)));
  }
  for (std::size_t i = 0; i < thunks.size(); ++i) {
    a_.make_room();
    a_.bind(thunks[i]);
    Block& block = block_at(depths[i]);
    to_label(block);
    a_.jump(block.label);
  }
  release(value);
  release_int(table);
  dead();
}

void Compiler::return_() {
  branch(static_cast<std::uint32_t>(blocks_.size() - 1));
}

// Up to where code can be reached again, or the block ends.
void Compiler::skip_dead_code() {
  for (std::size_t depth = 0;; advance()) {
    switch (current_->op) {
      case Op::loop:
        ++loops_seen_;
        ++depth;
        break;
      case Op::block:
      case Op::if_:
      case Op::try_:
      case Op::try_table:
        ++depth;
        break;
      case Op::else_:
      case Op::catch_:
      case Op::catch_all:
        if (depth == 0) return;
        break;
      case Op::end:
      case Op::delegate:
        if (depth == 0) return;
        --depth;
        break;
      default:
        break;
    }
  }
}

}  // namespace weft::jit
