// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/survey.h"

#include <algorithm>

#include "guest/wasm/decoder.h"

namespace weft::jit {
namespace {

using wasm::Instruction;
using wasm::Op;

constexpr std::uint32_t kWeightPerFuel = 256;
constexpr std::uint32_t kWeightMax = 1U << 30;
constexpr std::uint32_t kLoopFactor = 8;
constexpr std::uint32_t kLoopDepthMax = 5;

// The function, or a loop: what guest/wabt/meter.cpp calls a region.
struct Region {
  std::uint32_t at = 0;      // The weight of the heaviest way to here.
  std::uint32_t weight = 0;  // The most that `at` ever was.
};

struct Label {
  Op op;
  std::size_t region;        // In which it stands; a loop's: its own.
  std::size_t loop;          // In loop_costs.
  std::uint32_t most = 0;    // The heaviest way that branches to it.
  std::uint32_t before = 0;  // Of an if: the weight at its arms' beginnings.
  std::uint32_t arms = 0;    // The heaviest way out of the arms that have ended.
  bool in_else = false;
};

class Surveyor {
 public:
  Surveyor(const wasm::ModuleView& module, std::uint32_t function, Survey& found)
      : module_(module), function_(function), found_(found) {}

  void run(const CompileStep& step) {
    const wasm::Body& body = module_.body(function_);
    wasm::ByteReader code(module_.bytes.subspan(body.offset, body.bytes), body.offset);
    read_locals(code);
    found_.first_instruction = code.offset();
    regions_.push_back({});
    Instruction in;
    for (std::uint32_t decoded = 1; !code.at_end(); ++decoded) {
      wasm::decode(code, in);
      look(in);
      if (step && decoded % kInstructionsOfStep == 0) step();
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
    weigh(in);
    switch (in.op) {
      case Op::loop:
        regions_.push_back({});
        labels_.push_back({in.op, regions_.size() - 1, found_.loop_costs.size()});
        found_.loop_costs.push_back(0);
        return;
      case Op::try_:
      case Op::try_table:
      case Op::block:
      case Op::if_:
        return open(in);
      case Op::else_:
      case Op::catch_:
      case Op::catch_all:
        return next_arm();
      case Op::end:
      case Op::delegate:
        return close();
      case Op::br:
      case Op::br_if:
        branch_to(in.index);
        if (in.op == Op::br) at() = 0;
        return;
      case Op::br_table:
        return branch_to_all(in);
      case Op::return_:
      case Op::unreachable:
        at() = 0;
        return;
      case Op::local_get:
      case Op::local_set:
      case Op::local_tee:
        return use(in.index);
      default:
        return look_at_call(in);
    }
  }

  void look_at_call(const Instruction& in) {
    switch (in.op) {
      case Op::call:
      case Op::call_indirect:
        found_.calls = true;
        return;
      case Op::return_call:
      case Op::return_call_indirect:
      case Op::throw_:
      case Op::throw_ref:
      case Op::rethrow:
        found_.calls = true;
        at() = 0;
        return;
      default:
        if (calls_helper(in.op)) found_.calls = true;
        return;
    }
  }

  [[nodiscard]] std::uint32_t& at() { return regions_.back().at; }

  void weigh(const Instruction& in) {
    if (in.op == Op::end || in.op == Op::else_ || in.op == Op::catch_ || in.op == Op::catch_all) {
      return;
    }
    const bool direct = in.op == Op::call || in.op == Op::return_call;
    const bool of_host = direct && in.index < module_.imported_functions;
    Region& region = regions_.back();
    region.at += of_host ? kWeightPerFuel : 1;
    region.weight = std::max(region.weight, region.at);
  }

  void open(const Instruction& in) {
    const bool catches = in.op == Op::try_ || in.op == Op::try_table;
    if (catches) found_.catches = true;
    labels_.push_back({in.op, regions_.size() - 1, 0});
    labels_.back().before = at();
    if (in.op != Op::try_table) return;
    const std::uint8_t* clauses = in.bytes;
    for (std::uint32_t i = 0; i < in.count; ++i) {
      caught_.push_back(labels_.size() - 2 - wasm::next_clause(clauses).label);
    }
    labels_.back().loop = in.count;
  }

  void next_arm() {
    Label& label = labels_.back();
    label.arms = std::max(label.arms, at());
    label.in_else = true;
    at() = label.before;
  }

  void branch_to(std::uint32_t depth) {
    if (depth < labels_.size()) to_label(labels_.size() - 1 - depth);  // Else: out of the function.
  }

  void to_label(std::size_t index) {
    Label& label = labels_[index];
    if (label.op != Op::loop) label.most = std::max(label.most, regions_[label.region].at);
  }

  void branch_to_all(const Instruction& in) {
    const std::uint8_t* targets = in.bytes;
    for (std::uint32_t i = 0; i <= in.count; ++i) branch_to(wasm::next_label(targets));
    at() = 0;
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
    const std::size_t depth = std::min<std::size_t>(regions_.size() - 1, kLoopDepthMax);
    std::uint32_t weight = 1;
    for (std::size_t i = 0; i < depth; ++i) weight *= kLoopFactor;
    std::uint32_t& sum = found_.weights[local];
    sum = std::min(sum + weight, kWeightMax);
  }

  void close() {
    if (labels_.empty()) {  // The function's own end.
      found_.entry_cost = cost_of(regions_.back().weight);
      return;
    }
    const Label label = labels_.back();
    if (label.op == Op::loop) {
      found_.loop_costs[label.loop] = cost_of(regions_.back().weight);
      labels_.pop_back();
      regions_.pop_back();
      return;
    }
    const bool lone_if = label.op == Op::if_ && !label.in_else;
    at() = std::max({at(), label.most, label.arms, lone_if ? label.before : 0});
    labels_.pop_back();
    if (label.op != Op::try_table) return;
    for (std::size_t i = 0; i < label.loop; ++i) {
      const std::size_t target = caught_.back();
      caught_.pop_back();
      if (target < labels_.size()) to_label(target);
    }
  }

  static std::uint32_t cost_of(std::uint32_t weight) { return 1 + weight / kWeightPerFuel; }

  const wasm::ModuleView& module_;
  const std::uint32_t function_;
  Survey& found_;
  std::vector<Region> regions_;
  std::vector<Label> labels_;
  std::vector<std::size_t> caught_;  // Labels of the clauses of open try_tables.
};

}  // namespace

Survey survey(const wasm::ModuleView& module, std::uint32_t function, const CompileStep& step) {
  Survey found;
  Surveyor(module, function, found).run(step);
  return found;
}

}  // namespace weft::jit
