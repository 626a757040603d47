// SPDX-License-Identifier: Apache-2.0
// The function as a whole: homes, the frame, the walk over its instructions, what is out of line.
//
//   [rbp + 8]   where the caller goes on
//   [rbp]       the caller's frame
//   [rbp - 8]   homes that were saved: whole numbers, then floats
//               locals that have no home
//   [rsp]       operands' slots
#include "guest/jit/compiler.h"

#include <algorithm>

namespace weft::jit {
namespace {

constexpr std::uint8_t kIntHomes[] = {3, 12, 8, 9, 10, 11};  // rbx r12 r8 r9 r10 r11
constexpr std::uint8_t kR12 = 12;
constexpr std::uint8_t kFirstFloatHome = 8;
constexpr std::size_t kFloatHomes = 8;

// A home is worth its saving and restoring when a local is used so often.
constexpr std::uint32_t kWeightMin = 3;

// Locals in the frame that are zeroed one by one.
constexpr std::uint32_t kZeroesInline = 128;

// A function that calls nothing needs no stack check when its frame is smaller than the reserve
// below a stack's limit.
constexpr std::size_t kLeafBytesMax = 1'024;

// Weights of locals, the heaviest first; of equal ones the first.
std::vector<std::uint32_t> heaviest(const Survey& survey, bool floats, std::size_t count) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < survey.locals.size(); ++i) {
    const wasm::ValType type = survey.locals[i];
    const bool floating =
        type == wasm::ValType::f32 || type == wasm::ValType::f64 || type == wasm::ValType::v128;
    if (floating == floats && survey.weights[i] >= kWeightMin) found.push_back(i);
  }
  const std::size_t kept = std::min(count, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(),
                    [&](std::uint32_t a, std::uint32_t b) {
                      const std::uint32_t weight_a = survey.weights[a];
                      const std::uint32_t weight_b = survey.weights[b];
                      return weight_a != weight_b ? weight_a > weight_b : a < b;
                    });
  found.resize(kept);
  return found;
}

}  // namespace

// --- the frame ---

void Compiler::give_home(std::uint32_t local, std::uint8_t reg) {
  locals_[local].in_reg = true;
  locals_[local].reg = reg;
  const bool floating = is_float(locals_[local].type);
  (floating ? facts_.float_homes : facts_.int_homes) |= 1U << reg;
}

void Compiler::assign_homes() {
  locals_.assign(survey_.locals.size(), {});
  for (std::size_t i = 0; i < locals_.size(); ++i) locals_[i].type = survey_.locals[i];
  std::vector<std::uint8_t> ints(std::begin(kIntHomes), std::end(kIntHomes));
  if (!options_.guard_pages) std::erase(ints, kR12);
  const std::vector<std::uint32_t> of_ints = heaviest(survey_, false, ints.size());
  for (std::size_t i = 0; i < of_ints.size(); ++i) give_home(of_ints[i], ints[i]);
  const std::vector<std::uint32_t> of_floats = heaviest(survey_, true, kFloatHomes);
  for (std::size_t i = 0; i < of_floats.size(); ++i) {
    give_home(of_floats[i], static_cast<std::uint8_t>(kFirstFloatHome + i));
  }
  std::uint32_t slot = 8 * static_cast<std::uint32_t>(of_ints.size());
  slot += 16 * static_cast<std::uint32_t>(of_floats.size());
  memory_locals_begin_ = slot;
  for (Local& local : locals_) {
    if (!local.in_reg) local.slot = slot += bytes_of(local.type);
  }
  memory_locals_end_ = slots_end_ = slot;
}

void Compiler::prologue() {
  a_.bind(start_);
  a_.push(a_.rbp);
  a_.mov(a_.rbp, a_.rsp);
  a_.sub(a_.rsp, 0x7fff'fff0);
  frame_patch_ = a_.position() - 4;
  const std::size_t size = survey_.locals.size() + module_.body(function_).bytes;
  if (survey_.calls || size > kLeafBytesMax) {
    a_.cmp(a_.rsp, context(offsetof(Context, stack_limit), 64));
    out_of_line_.push_back(
        {.kind = OutOfLine::Kind::stack, .entry = {}, .resume = {}, .offset = 0});
    a_.jump_if(Cond::below, out_of_line_.back().entry);
  }
  std::uint32_t slot = 0;
  for (int reg = 0; reg < 16; ++reg) {
    if ((facts_.int_homes >> reg & 1U) != 0) a_.mov(slot_64(slot += 8), r64(reg));
  }
  for (int reg = 0; reg < 16; ++reg) {
    if ((facts_.float_homes >> reg & 1U) == 0) continue;
    slot += 16;
    a_.movups(a_.ptr[a_.rbp - static_cast<int>(slot)], x(reg));
  }
  parameters_home();
  zero_locals();
  tell_entry();
  if (survey_.entry_cost != 0) fuel_point(survey_.entry_cost);
}

// Go calls a function with 0, and again with another number to go on in the middle of it.
void Compiler::tell_entry() {
  const auto at = std::lower_bound(options_.told.begin(), options_.told.end(), function_,
                                   [](const guest::go::EntryPoint& point, std::uint32_t function) {
                                     return point.function < function;
                                   });
  if (at == options_.told.end() || at->function != function_) return;
  const Local& where = locals_[0];
  Label goes_on;
  where.in_reg ? a_.test(r32(where.reg), r32(where.reg)) : a_.cmp(slot_32(where.slot), 0);
  a_.jump_if(Cond::not_equal, goes_on);
  a_.mov(a_.eax, static_cast<std::uint32_t>(at->entry));
  a_.call_outside(options_.stubs.entered());
  a_.bind(goes_on);
}

void Compiler::zero_locals() {
  const std::size_t params = module_.type_of_function(function_).params.size();
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  for (std::size_t i = params; i < locals_.size(); ++i) {
    const Local& local = locals_[i];
    a_.make_room();
    if (local.in_reg) {
      is_float(local.type) ? a_.xorps(x(local.reg), x(local.reg))
                           : a_.xor_(r32(local.reg), r32(local.reg));
      continue;
    }
    if (begin == end) begin = local.slot - bytes_of(local.type);
    end = local.slot;
  }
  // From rbp - end up to rbp - begin.
  if (end - begin <= kZeroesInline) {
    for (std::uint32_t slot = begin; slot < end; slot += 8) a_.mov(slot_64(slot + 8), 0);
    return;
  }
  a_.lea(a_.rdi, a_.ptr[a_.rbp - static_cast<int>(end)]);
  a_.mov(a_.ecx, (end - begin) / 8);
  a_.xor_(a_.eax, a_.eax);
  a_.rep();
  a_.stosq();
}

void Compiler::restore_homes() {
  std::uint32_t slot = 0;
  for (int reg = 0; reg < 16; ++reg) {
    if ((facts_.int_homes >> reg & 1U) != 0) a_.mov(r64(reg), slot_64(slot += 8));
  }
  for (int reg = 0; reg < 16; ++reg) {
    if ((facts_.float_homes >> reg & 1U) == 0) continue;
    slot += 16;
    a_.movups(x(reg), a_.ptr[a_.rbp - static_cast<int>(slot)]);
  }
}

void Compiler::epilogue() {
  restore_homes();
  a_.leave();
  a_.ret();
}

// How deep the operands reach is known at the end.
void Compiler::finish_frame() {
  facts_.frame_bytes = (slots_end_ + 15) & ~15U;
  a_.write_32(frame_patch_, facts_.frame_bytes);
}

// --- the walk ---

void Compiler::skip_next() {
  if (code_.at_end()) {
    next_->op = Op::nop;
  } else {
    wasm::decode(code_, *next_);
  }
}

void Compiler::advance() {
  std::swap(current_, next_);
  skip_next();
}

CodeFacts Compiler::compile(std::uint32_t function, const CompileStep& step) {
  function_ = function;
  survey_ = survey(module_, function, step);
  int_owner_.fill(kFree);
  float_owner_.fill(kFree);
  assign_homes();
  prologue();
  const wasm::Body& body = module_.body(function);
  const std::uint32_t end = body.offset + body.bytes;
  code_ = wasm::ByteReader(
      module_.bytes.subspan(survey_.first_instruction, end - survey_.first_instruction),
      survey_.first_instruction);
  Block& whole = blocks_.emplace_back();
  whole.results = module_.type_of_function(function).results;
  skip_next();
  for (std::uint32_t compiled = 1; !blocks_.empty(); ++compiled) {
    advance();
    a_.make_room();
    if (!reachable_) skip_dead_code();
    instruction(*current_);
    if (step && compiled % kInstructionsOfStep == 0) step();
  }
  emit_out_of_line();
  emit_pool();
  finish_frame();
  return std::move(facts_);
}

void Compiler::instruction(const wasm::Instruction& in) {
  switch (in.op) {
    case Op::nop:
      return;
    case Op::unreachable:
      site();
      a_.call_outside(options_.stubs.trap(TrapCode::unreachable));
      return dead();
    case Op::block:
      return begin_block(in);
    case Op::loop:
      return begin_loop(in);
    case Op::if_:
      return begin_if(in);
    case Op::else_:
      return begin_else();
    case Op::end:
      return end_block();
    case Op::br:
      return branch(in.index);
    case Op::br_if:
      return branch_if(in.index);
    case Op::br_table:
      return branch_table(in);
    case Op::return_:
      return return_();
    case Op::call:
      return call(in.index);
    case Op::call_indirect:
      return call_indirect(in);
    case Op::return_call:
      return tail_call(in.index);
    case Op::return_call_indirect:
      return tail_call_indirect(in);
    case Op::drop:
      return drop_top();
    case Op::select:
    case Op::select_typed:
      return select();
    case Op::local_get:
      return get_local(in.index);
    case Op::local_set:
      return set_local(in.index, false);
    case Op::local_tee:
      return set_local(in.index, true);
    case Op::global_get:
      return get_global(in.index);
    case Op::global_set:
      return set_global(in.index);
    default:
      return number(in);
  }
}

// Everything that works on values.
void Compiler::number(const wasm::Instruction& in) {
  const Op op = in.op;
  if (op >= Op::i32_load && op <= Op::i64_load32_u) return load_memory(in);
  if (op >= Op::i32_store && op <= Op::i64_store32) return store_memory(in);
  switch (op) {
    case Op::i32_const:
      return push_constant(ValType::i32, in.value);
    case Op::i64_const:
      return push_constant(ValType::i64, in.value);
    case Op::f32_const:
      return push_constant(ValType::f32, in.value);
    case Op::f64_const:
      return push_constant(ValType::f64, in.value);
    default:
      break;
  }
  if (int_instruction(op)) return;
  if (float_instruction(in)) return;
  if (conversion(in)) return;
  if (table_instruction(in)) return;
  if (exception_instruction(in)) return;
  if (vector_instruction(in)) return;
  if (atomic_instruction(in)) return;
  throw NotCompiled{in.op};
}

// --- behind the code ---

void Compiler::emit_trap(OutOfLine& what) {
  facts_.sites.push_back({a_.position(), what.offset});
  a_.call_outside(options_.stubs.trap(what.trap));
}

void Compiler::emit_out_of_line() {
  for (std::size_t i = 0; i < out_of_line_.size(); ++i) {
    OutOfLine& what = out_of_line_[i];
    a_.make_room();
    if (what.kind == OutOfLine::Kind::trap && !what.entry.is_used()) continue;
    a_.bind(what.entry);
    switch (what.kind) {
      case OutOfLine::Kind::trap:
        emit_trap(what);
        break;
      case OutOfLine::Kind::refill:
        a_.call_outside(options_.stubs.refill());
        a_.jump(what.resume);
        break;
      case OutOfLine::Kind::stack:
        a_.mov(a_.rsp, a_.rbp);
        a_.call_outside(options_.stubs.trap(TrapCode::stack));
        break;
      case OutOfLine::Kind::convert:
        emit_convert(what);
        break;
    }
  }
}

void Compiler::emit_pool() {
  for (PoolConstant& constant : pool_) {
    a_.make_room();
    while (a_.position() % constant.bytes != 0) a_.int3();
    a_.bind(constant.label);
    a_.dd(static_cast<std::uint32_t>(constant.low));
    if (constant.bytes > 4) a_.dd(static_cast<std::uint32_t>(constant.low >> 32));
    if (constant.bytes <= 8) continue;
    a_.dd(static_cast<std::uint32_t>(constant.high));
    a_.dd(static_cast<std::uint32_t>(constant.high >> 32));
  }
}

}  // namespace weft::jit
