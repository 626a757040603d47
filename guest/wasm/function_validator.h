// SPDX-License-Identifier: Apache-2.0
// FunctionValidator: decodes and validates one function's body, an instruction at a time; the
// algorithm of the specification's appendix, with a stack of types and a stack of control frames.
//
// It is the seam between the front and a compiler that makes code in one pass: what next() returns
// is proved valid, and the validator's stacks are those that the compiler would keep itself.
//
//   FunctionValidator f(module);              // Its buffers serve for all functions of the module.
//   Instruction in;
//   f.begin(function);                        // Type, locals.
//   while (f.next(in)) {                      // Throws Refused; never what read_module() took.
//     if (!in.reachable) continue_counting_blocks(in);
//     switch (in.op) {
//       case Op::i32_add: ...                 // f.operands() is the stack behind the instruction.
//       case Op::select:  use(in.type);       // Where the opcode leaves the type open.
//       case Op::block:   open(*in.block);    // Its parameters are on top of f.operands().
//       case Op::br:      to(f.label(in.index));
//       case Op::end:     close(f.closed());  // The frame that ended; its results are on top.
//     }
//   }                                         // false: the `end` of the function was the last one.
//
// States. begin() makes the function's own frame. An instruction that never goes on (br, return,
// throw, unreachable ...) makes the rest of its frame unreachable: its operands are dropped, and
// any type can be taken from the empty stack there. else, catch, catch_all, end and delegate close
// a frame; behind them code is reachable again as far as the rules of types know.
//
// Bounded: frames by the bytes of a function (16 bytes each), operands by kOperandsMax. Nothing is
// recursive. Every instruction takes time in proportion to its bytes; lists of types (1,000 at
// most) are compared as one piece of memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "guest/wasm/decoder.h"
#include "guest/wasm/module_view.h"

namespace weft::wasm {

// A block that has been opened and not yet been closed.
struct Frame {
  const FuncType* type;
  std::uint32_t height;  // Operands below it: its parameters stand at and above this index.
  Op op;                 // block, loop, if_, else_, try_, catch_, catch_all, try_table; call: the
                         // function itself.
  bool unreachable;      // From here to its end.

  // What a branch to it takes along.
  [[nodiscard]] std::span<const ValType> label_types() const {
    return op == Op::loop ? type->params : type->results;
  }
};

class FunctionValidator {
 public:
  // features: is told what is used; may be null.
  explicit FunctionValidator(const ModuleView& module, Features* features = nullptr);

  // A function that the module defines, by its index among all. Throws Refused.
  void begin(std::uint32_t function);
  // The next instruction, checked. False when there is none: the body has ended. Throws Refused.
  bool next(Instruction& in);

  // A constant expression of this type, up to its `end`. Only globals below `globals` are known.
  // Calls of ref_func are told. Throws Refused.
  ConstExpr constant(ByteReader& in, ValType type, std::uint32_t globals,
                     std::vector<bool>& referenced);

  // --- what holds behind the instruction that next() returned last ---

  [[nodiscard]] std::span<const ValType> operands() const { return {operands_.data(), size_}; }
  [[nodiscard]] std::span<const Frame> frames() const { return frames_; }
  // The frame that a label names, 0 the innermost.
  [[nodiscard]] const Frame& label(std::uint32_t label) const {
    return frames_[frames_.size() - 1 - label];
  }
  // What else, catch, catch_all, end or delegate has closed.
  [[nodiscard]] const Frame& closed() const { return closed_; }
  [[nodiscard]] bool reachable() const { return !frames_.empty() && !frames_.back().unreachable; }

  [[nodiscard]] const FuncType& type() const { return *type_; }
  // Parameters and locals together, and the type of each.
  [[nodiscard]] std::uint32_t locals() const { return locals_; }
  [[nodiscard]] ValType local_type(std::uint32_t index) const {
    return index < kLocalsHead ? locals_head_[index] : local_type_in_groups(index);
  }
  // Where the next instruction begins, in the file.
  [[nodiscard]] std::uint32_t offset() const { return code_.offset(); }

 private:
  static constexpr std::uint32_t kLocalsHead = 64;

  // Locals up to `end` (all groups before included) have this type.
  struct LocalGroup {
    std::uint32_t end;
    ValType type;
  };

  void add_locals(std::uint64_t count, ValType type);
  [[nodiscard]] ValType local_type_in_groups(std::uint32_t index) const;

  // --- the stack of operands ---

  void push(ValType type) {
    if (size_ == operands_.size()) [[unlikely]]
      grow(1);
    operands_[size_++] = type;
  }
  void push_all(std::span<const ValType> types);
  void grow(std::size_t more);
  ValType pop() {
    if (size_ == frames_.back().height) return pop_from_nothing();
    return operands_[--size_];
  }
  void pop(ValType expected) {
    if (size_ > frames_.back().height && operands_[size_ - 1] == expected) [[likely]] {
      --size_;
      return;
    }
    pop_slowly(expected);
  }
  ValType pop_from_nothing();
  void pop_slowly(ValType expected);
  void pop_all(std::span<const ValType> types);
  // As pop_all, but they stay.
  void check_top(std::span<const ValType> types);

  // --- the stack of frames ---

  void open(Op op, const FuncType& type);
  void close();  // The innermost, its results checked: into closed_.
  void never_goes_on();
  const Frame& frame_of(std::uint32_t label);
  const FuncType& block_type(const Instruction& in);

  // --- one function for each kind of instruction ---

  void step(Instruction& in);
  void step_control(Instruction& in);
  void step_exception(Instruction& in);
  void step_call(Instruction& in);
  void step_parametric(Instruction& in);
  void step_variable(Instruction& in);
  void step_table(Instruction& in);
  void step_fixed(Instruction& in);
  void step_end(Instruction& in);
  void step_else();
  void step_br_table(const Instruction& in);
  void step_try_table(Instruction& in);
  void step_catch(const Instruction& in);
  void step_select(Instruction& in);
  void step_memory_copy(const Instruction& in);
  void step_table_bulk(const Instruction& in);
  void check_constant(const Instruction& in);
  void check_immediates(const Instruction& in);
  void check_memarg(const Instruction& in);
  const FuncType& type_of_function(std::uint32_t index);
  const FuncType& type_of_tag(std::uint32_t index);
  const FuncType& indirect_type(const Instruction& in);
  const MemoryType& memory(std::uint32_t index);
  const TableType& table(std::uint32_t index);

  void use(Feature feature, std::string_view what);
  void use(ValType type);
  [[noreturn, gnu::cold, gnu::noinline]] void fail(const std::string& what) const;
  [[noreturn, gnu::cold, gnu::noinline]] void fail_index(std::string_view what, std::uint32_t index,
                                                         std::size_t of) const;
  [[noreturn, gnu::cold, gnu::noinline]] void fail_type(std::string_view expected,
                                                        std::string_view found) const;

  const ModuleView& module_;
  Features* features_;
  ByteReader code_;
  const FuncType* type_ = nullptr;
  std::uint32_t function_ = 0;
  std::uint32_t locals_ = 0;
  std::array<ValType, kLocalsHead> locals_head_{};
  std::vector<LocalGroup> local_groups_;
  std::vector<ValType> operands_;  // The first size_ of them.
  std::size_t size_ = 0;
  std::vector<Frame> frames_;
  Frame closed_{};
  // Of the instruction that is looked at.
  Op op_ = Op::unreachable;
  std::uint32_t op_offset_ = 0;
  // In a constant expression.
  bool is_constant_ = false;
  std::uint32_t known_globals_ = 0;
  std::vector<bool>* referenced_ = nullptr;
};

}  // namespace weft::wasm
