// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/survey.h"

#include <algorithm>

#include "guest/wasm/decoder.h"

namespace weft::jit {
namespace {

using wasm::Immediates;
using wasm::Instruction;
using wasm::Op;

constexpr std::uint32_t kInstructionsPerCheck = 1'024;
constexpr std::uint32_t kWeightMax = 1U << 30;
constexpr std::uint32_t kLoopFactor = 8;
constexpr std::uint32_t kLoopDepthMax = 5;

// A loop, or the function itself: what is counted into it.
struct Scope {
  std::size_t loop;  // In loop_costs.
  std::uint32_t instructions = 0;
};

class Surveyor {
 public:
  Surveyor(const wasm::ModuleView& module, std::uint32_t function, Survey& found)
      : module_(module), function_(function), found_(found) {}

  void run() {
    const wasm::Body& body = module_.body(function_);
    wasm::ByteReader code(module_.bytes.subspan(body.offset, body.bytes), body.offset);
    read_locals(code);
    found_.first_instruction = code.offset();
    scopes_.push_back({SIZE_MAX});
    Instruction in;
    while (!code.at_end()) {
      wasm::decode(code, in);
      look(in);
    }
  }

 private:
  void read_locals(wasm::ByteReader& code) {
    const wasm::FuncType& type = module_.type_of_function(function_);
    found_.locals.assign(type.params.begin(), type.params.end());
    for (std::uint32_t groups = code.u32(); groups > 0; --groups) {
      const std::uint32_t count = code.u32();
      const wasm::ValType of = wasm::read_val_type(code);
      found_.locals.insert(found_.locals.end(), count, of);
    }
    found_.weights.assign(found_.locals.size(), 0);
  }

  void look(const Instruction& in) {
    if (in.op != Op::end && in.op != Op::else_) ++scopes_.back().instructions;
    switch (in.op) {
      case Op::block:
      case Op::if_:
      case Op::try_:
      case Op::try_table:
        blocks_.push_back(false);
        if (in.op == Op::try_ || in.op == Op::try_table) found_.catches = true;
        return;
      case Op::loop:
        blocks_.push_back(true);
        scopes_.push_back({found_.loop_costs.size()});
        found_.loop_costs.push_back(0);
        return;
      case Op::end:
      case Op::delegate:
        return close();
      case Op::local_get:
      case Op::local_set:
      case Op::local_tee:
        return use(in.index);
      case Op::call:
      case Op::call_indirect:
      case Op::return_call:
      case Op::return_call_indirect:
        found_.calls = true;
        if (counts(in) && scopes_.size() == 1) calls_outside_loops_ = true;
        return;
      default:
        if (calls_helper(in.op)) found_.calls = true;
        return;
    }
  }

  // May this call pass a check?
  [[nodiscard]] bool counts(const Instruction& in) const {
    const bool direct = in.op == Op::call || in.op == Op::return_call;
    return !direct || in.index >= module_.imported_functions;
  }

  static bool calls_helper(Op op) {
    switch (op) {
      case Op::memory_grow:
      case Op::throw_:
      case Op::throw_ref:
      case Op::rethrow:
        return true;
      default: {
        const wasm::OpInfo& about = wasm::info(op);
        return about.prefix == 0xfc && about.code >= 8 && op != Op::table_size;
      }
    }
  }

  void use(std::uint32_t local) {
    const std::size_t depth = std::min<std::size_t>(scopes_.size() - 1, kLoopDepthMax);
    std::uint32_t weight = 1;
    for (std::size_t i = 0; i < depth; ++i) weight *= kLoopFactor;
    std::uint32_t& sum = found_.weights[local];
    sum = std::min(sum + weight, kWeightMax);
  }

  void close() {
    if (blocks_.empty()) {  // The function's own end.
      const std::uint32_t cost = cost_of(scopes_.back().instructions);
      if (calls_outside_loops_ || cost > 1) found_.entry_cost = cost;
      return;
    }
    if (blocks_.back()) {
      found_.loop_costs[scopes_.back().loop] = cost_of(scopes_.back().instructions);
      scopes_.pop_back();
    }
    blocks_.pop_back();
  }

  static std::uint32_t cost_of(std::uint32_t instructions) {
    return 1 + instructions / kInstructionsPerCheck;
  }

  const wasm::ModuleView& module_;
  const std::uint32_t function_;
  Survey& found_;
  std::vector<Scope> scopes_;
  std::vector<bool> blocks_;  // Those that are open: loops?
  bool calls_outside_loops_ = false;
};

}  // namespace

Survey survey(const wasm::ModuleView& module, std::uint32_t function) {
  Survey found;
  Surveyor(module, function, found).run();
  return found;
}

}  // namespace weft::jit
