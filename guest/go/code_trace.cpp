// SPDX-License-Identifier: Apache-2.0
#include "guest/go/code_trace.h"

#include <algorithm>
#include <cstdlib>

#include "guest/wasm/byte_reader.h"

namespace weft::guest::go {
namespace {

using wasm::Instruction;
using wasm::Op;

constexpr std::uint32_t kSpGlobal = 0;
constexpr std::uint32_t kSpLocal = 1;
constexpr std::int64_t kReturnAddressBytes = 8;
constexpr std::int64_t kArgumentBytesMax = 128;  // What is looked at of a call.
constexpr std::uint32_t kLocalsMax = 256;        // Go's compiler uses about 60.
constexpr std::int64_t kFrameBytesMax = std::int64_t{1} << 30;
constexpr std::int64_t kLowHalf = 0xffffffff;

// Code that nobody validated.
[[noreturn]] void in_fault() {
  throw wasm::Refused{"its code is not valid"};
}

bool is_any_of(Op op, std::initializer_list<Op> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

}  // namespace

CodeTrace::CodeTrace(const wasm::ModuleView& module, std::uint32_t function) {
  add_node({.kind = Node::Kind::constant});
  entry_sp_ = add_node({.kind = Node::Kind::entry_sp});
  sp_ = frame_sp_ = entry_sp_;
  if (module.body(function).bytes <= kBodyBytesMax) walk(module, function);
}

void CodeTrace::walk(const wasm::ModuleView& module, std::uint32_t function) {
  const wasm::Body& body = module.body(function);
  wasm::ByteReader code(module.bytes.subspan(body.offset, body.bytes), body.offset);
  for (std::uint32_t groups = code.u32(); groups > 0; --groups) {
    code.u32();
    wasm::read_val_type(code);
  }
  Instruction in;
  while (!code.at_end()) {
    wasm::decode(code, in);
    step(module, in);
  }
}

NodeId CodeTrace::add_node(const Node& node) {
  const auto [at, is_new] = known_.try_emplace(node, static_cast<NodeId>(nodes_.size()));
  if (is_new) nodes_.push_back(node);
  return at->second;
}

NodeId CodeTrace::unknown() {
  nodes_.push_back({});
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId CodeTrace::constant_node(std::int64_t value) {
  return add_node({.kind = Node::Kind::constant, .value = value});
}

NodeId CodeTrace::global(std::uint32_t index) {
  return add_node({.kind = Node::Kind::global, .value = index});
}

NodeId CodeTrace::load(NodeId base, std::int64_t offset, std::uint8_t width) {
  return add_node({.kind = Node::Kind::load, .width = width, .left = base, .value = offset});
}

NodeId CodeTrace::argument(std::int64_t offset, std::uint8_t width) {
  return load(entry_sp_, kReturnAddressBytes + offset, width);
}

std::optional<std::uint64_t> CodeTrace::constant(NodeId id) const {
  if (nodes_[id].kind != Node::Kind::constant) return {};
  return static_cast<std::uint64_t>(nodes_[id].value);
}

Place CodeTrace::place(NodeId id) const {
  const Node& node = nodes_[id];
  if (node.kind == Node::Kind::constant) return {kNothing, node.value};
  if (node.kind == Node::Kind::sum && node.right == kNothing) return {node.left, node.value};
  return {id, 0};
}

NodeId CodeTrace::sum(NodeId left, NodeId right) {
  const Place a = place(left);
  const Place b = place(right);
  // Numbers of foreign code may be of any size: they wrap around, as the machine's.
  const auto offset = static_cast<std::int64_t>(static_cast<std::uint64_t>(a.offset) +
                                                static_cast<std::uint64_t>(b.offset));
  NodeId base = a.base == kNothing ? b.base : a.base;
  if (a.base != kNothing && b.base != kNothing) {
    base = add_node({.kind = Node::Kind::sum, .left = a.base, .right = b.base});
  }
  if (base == kNothing) return constant_node(offset);
  if (offset == 0) return base;
  return add_node({.kind = Node::Kind::sum, .left = base, .value = offset});
}

NodeId CodeTrace::pop() {
  if (stack_.empty()) return unknown();
  const NodeId top = stack_.back();
  stack_.pop_back();
  return top;
}

void CodeTrace::pop(std::size_t count) {
  stack_.resize(stack_.size() - std::min(count, stack_.size()));
}

void CodeTrace::step(const wasm::ModuleView& module, const Instruction& in) {
  const wasm::OpInfo& info = wasm::info(in.op);
  switch (info.immediates) {
    case wasm::Immediates::block:
    case wasm::Immediates::label:
    case wasm::Immediates::br_table:
    case wasm::Immediates::function:
    case wasm::Immediates::call_indirect:
      return step_control(module, in);
    case wasm::Immediates::local:
    case wasm::Immediates::global:
      return step_local(in);
    case wasm::Immediates::memarg:
      if (info.results.empty()) return step_store(in);
      if (info.params == "a") return step_load(in);
      break;
    case wasm::Immediates::i32:
      return push(constant_node(static_cast<std::int32_t>(in.value)));
    case wasm::Immediates::i64:
      return push(constant_node(static_cast<std::int64_t>(in.value)));
    default:
      break;
  }
  if (is_any_of(in.op, {Op::end, Op::else_, Op::return_, Op::unreachable})) {
    return step_control(module, in);
  }
  step_arithmetic(in);
}

void CodeTrace::step_control(const wasm::ModuleView& module, const Instruction& in) {
  if (in.op == Op::call) {
    if (in.index >= module.functions()) in_fault();
    return step_call(module.type_of_function(in.index), in.index);
  }
  if (in.op == Op::call_indirect) {
    if (in.index2 >= module.types.size()) in_fault();
    pop();
    return step_call(module.types[in.index2], {});
  }
  settle_frame();
  if (is_any_of(in.op, {Op::if_, Op::br_if, Op::br_table})) pop();
  if (is_any_of(in.op, {Op::block, Op::loop, Op::if_, Op::try_})) {
    Block block{in.op == Op::if_, {}, sp_};
    if (block.is_if) block.locals = locals_;
    blocks_.push_back(std::move(block));
  }
  if (in.op == Op::end || in.op == Op::else_) step_end();
  if (is_any_of(in.op, {Op::br, Op::br_table, Op::return_, Op::unreachable})) is_dead_ = true;
}

// Go on behind a block. Of one that can't be left at its end, what is known is what was known
// before the condition, or only where the frame lies.
void CodeTrace::step_end() {
  if (blocks_.empty()) return;
  const Block block = std::move(blocks_.back());
  blocks_.pop_back();
  if (!is_dead_) return;
  is_dead_ = false;
  stack_.clear();
  if (block.is_if) {
    locals_ = block.locals;
    sp_ = block.sp;
    return;
  }
  for (NodeId& local : locals_) local = unknown();
  sp_ = frame_sp_;
  if (locals_.size() > kSpLocal) locals_[kSpLocal] = sp_;
}

void CodeTrace::step_local(const Instruction& in) {
  if (in.op == Op::global_get) return push(in.index == kSpGlobal ? sp_ : global(in.index));
  if (in.op == Op::global_set) {
    const NodeId value = pop();
    if (in.index != kSpGlobal) return;
    settle_frame();
    pending_sp_ = sp_ = value;
    return;
  }
  if (in.index >= kLocalsMax) {
    if (in.op != Op::local_get) pop();
    if (in.op != Op::local_set) push(unknown());
    return;
  }
  while (locals_.size() <= in.index) locals_.push_back(unknown());
  if (in.op != Op::local_get) locals_[in.index] = pop();
  if (in.op != Op::local_set) push(locals_[in.index]);
}

void CodeTrace::step_arithmetic(const Instruction& in) {
  if (is_any_of(in.op, {Op::i32_wrap_i64, Op::i64_extend_i32_u, Op::nop})) return;
  if (is_any_of(in.op, {Op::i32_add, Op::i64_add, Op::i32_sub, Op::i64_sub, Op::i32_and,
                        Op::i64_and, Op::i32_shl, Op::i64_shl})) {
    const NodeId right = pop();
    const NodeId left = pop();
    const bool is_sub = in.op == Op::i32_sub || in.op == Op::i64_sub;
    if (in.op == Op::i32_add || in.op == Op::i64_add) return push(sum(left, right));
    const auto value = constant(right);
    if (!value) return push(unknown());
    const auto number = static_cast<std::int64_t>(*value);
    if (is_sub) return push(sum(left, constant_node(static_cast<std::int64_t>(0 - *value))));
    const bool is_and = in.op == Op::i32_and || in.op == Op::i64_and;
    if (is_and && number == kLowHalf) return push(left);
    const auto kind = is_and ? Node::Kind::bits : Node::Kind::shifted;
    return push(add_node({.kind = kind, .left = left, .value = number}));
  }
  const wasm::OpInfo& info = wasm::info(in.op);
  if (info.params == "*") {
    if (in.op == Op::drop) pop();
    if (in.op == Op::select) {
      pop(3);
      push(unknown());
    }
    return;
  }
  pop(info.params.size());
  for (std::size_t n = 0; n < info.results.size(); ++n) push(unknown());
}

// Where in the frame a place lies: its distance from the entry's stack pointer.
std::optional<std::int64_t> CodeTrace::in_frame(const Place& place) const {
  if (place.base != entry_sp_ || std::abs(place.offset) > kFrameBytesMax) return {};
  return place.offset;
}

void CodeTrace::step_load(const Instruction& in) {
  CodeEvent event;
  event.width = wasm::info(in.op).width;
  event.place = place(sum(pop(), constant_node(static_cast<std::int64_t>(in.value))));
  if (const auto at = in_frame(event.place)) {
    const auto slot = slots_.find(*at);
    if (slot != slots_.end()) {
      return push(slot->second.width == event.width ? slot->second.value : unknown());
    }
    return push(load(entry_sp_, *at, event.width));
  }
  event.value = load(event.place.base, event.place.offset, event.width);
  push(event.value);
  events_.push_back(std::move(event));
}

void CodeTrace::step_store(const Instruction& in) {
  CodeEvent event;
  event.kind = CodeEvent::Kind::store;
  event.width = wasm::info(in.op).width;
  event.value = pop();
  event.place = place(sum(pop(), constant_node(static_cast<std::int64_t>(in.value))));
  if (const auto at = in_frame(event.place)) {
    // Go's compiler computes the address of arguments, and gives that of its own variables as the
    // instruction's offset.
    slots_[*at] = {event.value, event.width, in.value == 0};
    return;
  }
  events_.push_back(std::move(event));
}

void CodeTrace::step_call(const wasm::FuncType& type, std::optional<std::uint32_t> function) {
  pop(type.params.size());
  if (pending_sp_) {  // The return address was put there; the callee takes it away.
    sp_ = sum(*pending_sp_, constant_node(kReturnAddressBytes));
    pending_sp_.reset();
  }
  CodeEvent event;
  event.kind = CodeEvent::Kind::call;
  event.function = function.value_or(UINT32_MAX);
  if (const auto sp = in_frame(place(sp_))) {
    const auto end = slots_.lower_bound(*sp + kArgumentBytesMax);
    for (auto at = slots_.lower_bound(*sp); at != end; ++at) {
      event.arguments.emplace(at->first - *sp, at->second.value);
    }
  }
  events_.push_back(std::move(event));
  std::erase_if(slots_, [](const auto& slot) { return slot.second.is_argument; });
  for (std::size_t n = 0; n < type.results.size(); ++n) push(unknown());
}

// The stack pointer was set, and not for a call: the frame begins there, if it is deeper.
void CodeTrace::settle_frame() {
  if (!pending_sp_) return;
  const auto pending = in_frame(place(*pending_sp_));
  const auto frame = in_frame(place(frame_sp_));
  if (pending && frame && *pending < *frame) frame_sp_ = *pending_sp_;
  pending_sp_.reset();
}

}  // namespace weft::guest::go
