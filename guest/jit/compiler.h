// SPDX-License-Identifier: Apache-2.0
// Compiler: one function of a validated module, from its bytes to machine code, in one pass.
//
//   survey() ─▶ homes for locals ─▶ one instruction after the other ─▶ out-of-line code ─▶ code
//
// The operand stack exists only while compiling. An operand stays where it was made for as long as
// possible: it is a constant, a local that has not changed since, flags that the next instruction
// uses, or a register. It goes to its slot in the frame when registers run out, before calls, and
// where control flow joins. There everything below a block is in its slot, and the block's result
// is in rax or xmm0 (several results: in slots). So all paths to a join agree by construction.
//
// Locals that are used most live in registers for the whole function (homes), the others in the
// frame. A function saves the homes that it uses, so nothing of a caller is lost by a call.
//
// Time and memory are linear in the function's bytes: all operands below the topmost kWindow are in
// their slots, and code that can't be reached is skipped.
//
// One file for each family: compile_operands (registers, locals), compile_ints, compile_floats,
// compile_conversions, compile_vectors and three more of vectors, compile_memory, compile_control,
// compile_calls, compile_tables, compile_exceptions.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "guest/go/entries.h"
#include "guest/jit/assembler.h"
#include "guest/jit/context.h"
#include "guest/jit/stubs.h"
#include "guest/jit/survey.h"
#include "guest/wasm/decoder.h"
#include "guest/wasm/module_view.h"

namespace weft::jit {

// What all functions of a module are compiled with.
struct CompileOptions {
  const wasm::ModuleView& module;
  const Layout& layout;
  const Stubs& stubs;
  const FunctionEntry* entries;  // As the code sees them.
  // Where functions have what compiles them, until that is done.
  const std::uint8_t* lazy_begin = nullptr;
  const std::uint8_t* lazy_end = nullptr;
  std::span<const guest::go::EntryPoint> told;  // Whose entries the host is told of.
  bool guard_pages = false;                     // --bounds=guard
  bool one_nan = false;
  bool has_bmi = false;  // lzcnt, tzcnt, shlx, shrx, sarx.
};

// An instruction that the compiler does not know.
struct NotCompiled {
  wasm::Op op;
};

// From a place in the code to the instruction in the module that may trap there.
struct Site {
  std::uint32_t code;
  std::uint32_t offset;
};

inline constexpr std::uint32_t kNone = UINT32_MAX;

// From here on, up to the next of these, calls stand in this try.
struct TryRange {
  std::uint32_t code;
  std::uint32_t which;  // kNone: in none.
};

struct Try {
  std::uint32_t parent = kNone;  // Where what it does not catch is looked for.
  std::uint32_t first = kNone;   // Of its clauses.
  std::uint32_t last = kNone;
};

struct Clause {
  std::uint32_t tag;  // kNone: any.
  std::uint32_t landing;
  std::uint32_t next;
};

// What is known of a function's code, beside its bytes.
struct CodeFacts {
  std::vector<Site> sites;       // By code.
  std::vector<TryRange> ranges;  // By code.
  std::vector<Try> tries;
  std::vector<Clause> clauses;
  std::uint32_t frame_bytes = 0;  // Below the frame pointer.
  std::uint32_t int_homes = 0;  // Which are saved, a bit a register; in the order of their numbers
  std::uint32_t float_homes = 0;  // at rbp - 8, rbp - 16...; then these, 16 bytes each.

  // What catches an exception with this tag that comes through the call there; nullptr: nothing.
  [[nodiscard]] const Clause* clause_for(std::uint32_t code, std::uint32_t tag,
                                         std::uint64_t& looked_at) const;
};

class Compiler {
 public:
  Compiler(const CompileOptions& options, Assembler& assembler)
      : options_(options), module_(options.module), a_(assembler) {}

  // The code is in the assembler. A function may have millions of instructions: `step` is called
  // after each few thousand, and may throw. Throws CodeTooLarge, bad_alloc.
  CodeFacts compile(std::uint32_t function, const CompileStep& step = {});

 private:
  using Op = wasm::Op;
  using ValType = wasm::ValType;

  static constexpr std::size_t kWindow = 24;
  static constexpr std::size_t kHeld = SIZE_MAX - 1;  // By the instruction that is compiled.
  static constexpr std::size_t kFree = SIZE_MAX;
  static constexpr int kScratch = 7;  // xmm7

  struct Value {
    enum class Kind : std::uint8_t { slot, constant, local, reg, flags };
    Kind kind = Kind::slot;
    ValType type = ValType::i32;
    std::uint8_t reg = 0;
    Cond cond = Cond::equal;
    std::uint32_t local = 0;
    std::uint32_t slot = 0;  // Its place is rbp - slot.
    std::uint64_t bits = 0;
  };

  struct Local {
    ValType type = ValType::i32;
    bool in_reg = false;
    std::uint8_t reg = 0;
    std::uint32_t slot = 0;
    std::uint32_t uses = 0;  // Operands of kind local.
  };

  // Where an instruction's result goes: the home of the local that the next instruction sets.
  struct Goal {
    bool is_local = false;
    std::uint8_t reg = 0;
  };

  struct Block {
    Op op = Op::block;
    bool entered = true;  // Can it be reached at all?
    bool in_else = false;
    std::size_t base = 0;  // Operands below it.
    std::span<const ValType> params;
    std::span<const ValType> results;
    Label label;                   // Where br goes.
    Label else_label;              // if: where it goes when the condition is zero.
    std::uint32_t inside = kNone;  // The try that calls in it stand in.
    std::uint32_t own_try = kNone;
    std::uint32_t clauses = 0;  // Of a try_table.
    const std::uint8_t* clause_bytes = nullptr;
  };

  // What is emitted behind the function's code.
  struct OutOfLine {
    enum class Kind : std::uint8_t { trap, refill, stack, convert };
    Kind kind = Kind::trap;
    TrapCode trap = TrapCode::unreachable;
    Label entry;
    Label resume;
    std::uint32_t offset = 0;
    Op op = Op::nop;
    std::uint8_t from = 0;
    std::uint8_t to = 0;
  };

  struct PoolConstant {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint32_t bytes = 0;
    Label label;
  };

  // One move of several that happen at once.
  struct Move {
    std::uint8_t to;
    std::uint8_t from;
    bool wide;
  };

  static constexpr bool is_float(ValType type) {
    return type == ValType::f32 || type == ValType::f64 || type == ValType::v128;
  }
  static constexpr bool is_64(ValType type) { return type != ValType::i32 && type != ValType::f32; }
  static constexpr std::uint32_t bytes_of(ValType type) { return type == ValType::v128 ? 16 : 8; }
  [[nodiscard]] bool is_lazy(const void* code) const {
    return code >= options_.lazy_begin && code < options_.lazy_end;
  }
  static Xbyak::Reg32 r32(int reg) { return Xbyak::Reg32(reg); }
  static Xbyak::Reg64 r64(int reg) { return Xbyak::Reg64(reg); }
  static Xbyak::Reg8 r8(int reg) { return Xbyak::Reg8(reg, reg >= 4); }
  static Xbyak::Reg16 r16(int reg) { return Xbyak::Reg16(reg); }
  static Xbyak::Xmm x(int reg) { return Xbyak::Xmm(reg); }

  // --- the function: compiler.cpp ---
  void assign_homes();
  void give_home(std::uint32_t local, std::uint8_t reg);
  void prologue();
  void zero_locals();
  void tell_entry();
  void parameters_home();
  void epilogue();
  void restore_homes();
  void finish_frame();
  void emit_out_of_line();
  void emit_trap(OutOfLine& what);
  void emit_pool();
  void advance();
  void skip_next();
  void instruction(const wasm::Instruction& in);
  void number(const wasm::Instruction& in);
  [[nodiscard]] Op next_op() const { return next_->op; }

  // --- operands: compile_operands.cpp ---
  Value& push(ValType type, Value::Kind kind);
  void push_reg(ValType type, int reg);
  void push_constant(ValType type, std::uint64_t bits);
  void push_flags(Cond cond);
  Value pop();
  void drop_top();
  void release(const Value& value);
  void release_int(int reg) { int_owner_[static_cast<std::size_t>(reg)] = kFree; }
  void release_float(int reg) { float_owner_[static_cast<std::size_t>(reg)] = kFree; }
  int take_int();
  int take_float();
  int take(ValType type) { return is_float(type) ? take_float() : take_int(); }
  void reserve_int(int reg);
  void reserve_float(int reg);
  void spill(std::size_t index);
  void spill_all(std::size_t keep = 0);
  void spill_temps();
  void load_int(int reg, const Value& value);
  void load_float(int reg, const Value& value);
  void load(int reg, const Value& value);
  int int_reg(Value& value);
  int own_int(Value& value);
  int float_reg(Value& value);
  int own_float(Value& value);
  void store_to_slot(const Value& value, std::uint32_t slot);
  void copy_slot(std::uint32_t to, std::uint32_t from, ValType type);
  void move_int(int to, int from, bool wide);
  void move_float(int to, int from);
  void set_constant(int reg, std::uint64_t bits, bool wide);
  void set_float_constant(int reg, ValType type, std::uint64_t low, std::uint64_t high = 0);
  void materialize_flags(Value& value);
  void free_local(std::uint32_t local);
  Goal goal_for(ValType type);
  void finish(const Goal& goal, ValType type, int reg);
  [[nodiscard]] Xbyak::Address slot_32(std::uint32_t slot) const;
  [[nodiscard]] Xbyak::Address slot_64(std::uint32_t slot) const;
  [[nodiscard]] std::uint32_t place_of(const Value& value) const;
  [[nodiscard]] bool is_in_frame(const Value& value) const;
  [[nodiscard]] int register_of(const Value& value) const;
  [[nodiscard]] bool is_reg(const Value& value, int reg) const { return register_of(value) == reg; }
  [[nodiscard]] static bool is_constant(const Value& value) {
    return value.kind == Value::Kind::constant;
  }
  [[nodiscard]] static bool fits_32(const Value& value);
  void parallel_moves(std::span<Move> moves, bool floats);
  Xbyak::Address context(std::uint32_t offset, int bits) const;
  void get_local(std::uint32_t local);
  void set_local(std::uint32_t local, bool tee);
  void get_global(std::uint32_t global);
  void set_global(std::uint32_t global);
  void select();

  // --- compile_ints.cpp ---
  bool int_instruction(Op op);
  void int_binary(Op op, bool wide);
  bool test_only(Value& a, Value& b, bool wide);
  void int_multiply(Value& a, Value& b, const Goal& goal, bool wide);
  void int_compare(Cond cond, bool wide);
  void int_eqz(bool wide);
  void int_shift(Op op, bool wide);
  void int_divide(bool wide, bool is_signed, bool remainder);
  bool divide_by_constant(const Value& a, const Value& b, bool wide, bool is_signed,
                          bool remainder);
  void int_count(Op op, bool wide);
  void int_extend(Op op);
  bool fold(Op op, const Value& a, const Value& b, bool wide);
  bool fuse_scaled_add(const Value& a, const Value& shift);
  void finish_flags(Cond cond);

  // --- compile_floats.cpp ---
  void float_binary(Op op, bool wide);
  void float_compare(Op op, bool wide);
  void float_unary(Op op, bool wide);
  void float_min_max(bool is_min, bool wide);
  void copysign(bool wide);
  void canonical(int reg, bool wide);
  bool float_instruction(const wasm::Instruction& in);

  // --- compile_conversions.cpp ---
  void truncate(Op op);
  void emit_convert(OutOfLine& what);
  void convert_to_float(Op op);
  void reinterpret(Op op);
  bool conversion(const wasm::Instruction& in);

  // --- vectors: compile_vectors.cpp ---
  bool vector_instruction(const wasm::Instruction& in);
  bool vector_binary(Op op);
  bool vector_of_several(Op op);
  int vector_target(Value& a, Value& b, const Goal& goal, bool commutes);
  void finish_vector(const Goal& goal, const Value& first, int reg);
  void multiply_64();
  void swizzle_lanes();
  void bitselect();
  void multiply_add(bool wide, bool negated);
  void dot_bytes(int to, int from);
  void dot(bool adds);

  // --- compile_vector_unary.cpp ---
  bool vector_unary(Op op);
  void canonical_lanes(int reg, bool wide);
  void count_bits();
  void truncate_lanes_32_unsigned();
  void truncate_lanes_64(bool is_signed);
  void convert_lanes_unsigned(bool wide);

  // --- compile_vector_lanes.cpp ---
  enum class Shift : std::uint8_t { left, right_signed, right_unsigned };
  bool vector_lanes(const wasm::Instruction& in);
  void shuffle(const std::uint8_t* lanes);
  void shuffle_one(const std::uint8_t* lanes, Value& value);
  bool shuffle_at_once(const std::uint8_t* lanes, Value& a, Value& b);
  void splat(int bytes);
  void extract_int(Op op, std::uint8_t lane);
  void extract_float(bool wide, std::uint8_t lane);
  void replace_lane(Op op, std::uint8_t lane);
  void any_true();
  void all_true(int bytes);
  void bitmask(int bytes);
  bool vector_shift(Op op);
  void shift_vector(int bytes, Shift how);
  void shift_bytes(Shift how, int reg, std::optional<int> by);
  void shift_lanes(int bytes, Shift how, int reg, std::optional<int> by);
  void shift_signed_64(int reg, std::optional<int> by);

  // --- compile_vector_memory.cpp ---
  bool vector_memory(const wasm::Instruction& in);
  void vector_constant(const std::uint8_t* bytes);
  void load_vector(const wasm::Instruction& in);
  void load_lane(const wasm::Instruction& in);
  void store_vector(const wasm::Instruction& in);
  void read_vector(Op op, const Xbyak::Xmm& to, const Xbyak::Address& place);

  // --- compile_memory.cpp ---
  struct Access {
    int base = 14;
    int index = -1;  // None.
    std::int32_t displacement = 0;
    int temp_a = -1;  // To be released when the access is made.
    int temp_b = -1;
  };
  Access access(const wasm::Instruction& in, std::uint32_t bytes);
  Access checked_access(Value& address, const wasm::Instruction& in, std::uint32_t bytes);
  [[nodiscard]] Xbyak::RegExp expression(const Access& at) const;
  void release(const Access& at);
  void load_memory(const wasm::Instruction& in);
  void store_memory(const wasm::Instruction& in);
  void memory_size(std::uint32_t memory);
  void site();
  Label& trap_label(TrapCode code);
  void trap_if(Cond cond, TrapCode code);

  // --- compile_atomics.cpp ---
  bool atomic_instruction(const wasm::Instruction& in);
  void push_again(const Value& value);
  void check_alignment(const wasm::Instruction& in, std::uint32_t bytes);
  void atomic_load(const wasm::Instruction& in);
  void atomic_store(const wasm::Instruction& in);
  void atomic_change(const wasm::Instruction& in);
  void atomic_wait(const wasm::Instruction& in);
  void touch(const wasm::Instruction& in);

  // --- compile_control.cpp ---
  [[nodiscard]] std::span<const ValType> params_of(const wasm::Instruction& in) const;
  [[nodiscard]] std::span<const ValType> results_of(const wasm::Instruction& in) const;
  Block& open(Op op, const wasm::Instruction& in);
  void begin_block(const wasm::Instruction& in);
  void begin_loop(const wasm::Instruction& in);
  void begin_if(const wasm::Instruction& in);
  void begin_else();
  void end_block();
  void end_lone_if(Block& block);
  void end_function();
  void branch(std::uint32_t depth);
  void branch_if(std::uint32_t depth);
  void branch_table(const wasm::Instruction& in);
  void return_();
  void dead();
  void skip_dead_code();
  Cond condition();
  [[nodiscard]] std::span<const ValType> label_types(const Block& block) const;
  [[nodiscard]] bool in_slots(const Block& block) const;
  void to_label(Block& block);
  [[nodiscard]] bool is_at_label(Block& block) const;
  void truncate_to(std::size_t height);
  void push_merged(std::span<const ValType> types, bool in_slots_always);
  Block& block_at(std::uint32_t depth) { return blocks_[blocks_.size() - 1 - depth]; }
  void fuel_point(std::uint32_t cost);
  void fuel_point_bulk(const Value& size, wasm::Cost cost, bool wide);

  // --- compile_calls.cpp ---
  void call(std::uint32_t function);
  void call_indirect(const wasm::Instruction& in);
  void tail_call(std::uint32_t function);
  void tail_call_indirect(const wasm::Instruction& in);
  int callee(const wasm::Instruction& in);
  void arguments(std::span<const ValType> params, int callee);
  void push_results(std::span<const ValType> results);
  void store_to_context(const Value& value, std::uint32_t at);
  void helper(Helper which, std::span<const Value> values);

  // --- compile_tables.cpp ---
  bool table_instruction(const wasm::Instruction& in);
  void table_get(std::uint32_t table);
  void table_set(std::uint32_t table);
  void table_size(std::uint32_t table);
  int element_place(std::uint32_t table, Value& index);
  void ref_func(std::uint32_t function);
  void ref_is_null();
  void bulk(const wasm::Instruction& in, Helper which, std::size_t operands);

  // --- compile_exceptions.cpp ---
  bool exception_instruction(const wasm::Instruction& in);
  void begin_try(const wasm::Instruction& in);
  void leave_try(Block& block);
  void enter_range(std::uint32_t which);
  void add_clause(std::uint32_t which, std::uint32_t tag);
  void push_caught(std::uint32_t tag);
  void begin_catch(const wasm::Instruction& in);
  void end_try();
  void end_try_table(Block& block);
  void land(const wasm::CatchClause& clause, Block& block);
  void throw_tag(std::uint32_t tag);
  void throw_reference();
  void rethrow(std::uint32_t depth);
  void delegate(std::uint32_t depth);

  const CompileOptions& options_;
  const wasm::ModuleView& module_;
  Assembler& a_;
  CodeFacts facts_;
  Survey survey_;
  std::uint32_t function_ = 0;

  wasm::ByteReader code_;
  std::array<wasm::Instruction, 2> decoded_{};
  wasm::Instruction* current_ = &decoded_[0];
  wasm::Instruction* next_ = &decoded_[1];

  std::vector<Local> locals_;
  std::uint32_t memory_locals_begin_ = 0;  // Slots of locals in the frame.
  std::uint32_t memory_locals_end_ = 0;
  std::uint32_t slots_end_ = 0;  // The deepest slot that is used.
  std::vector<Value> stack_;
  std::size_t in_slots_below_ = 0;  // Operands that are in their slots for sure.
  std::array<std::size_t, 16> int_owner_{};
  std::array<std::size_t, 16> float_owner_{};
  std::vector<Block> blocks_;
  bool reachable_ = true;
  std::uint32_t try_ = kNone;  // The innermost one.
  std::size_t loops_seen_ = 0;
  std::vector<OutOfLine> out_of_line_;
  std::vector<PoolConstant> pool_;
  std::vector<Value> arguments_;         // Of the call that is compiled.
  std::vector<std::uint32_t> thunk_of_;  // Of the br_table that is compiled, by depth.
  std::uint32_t frame_patch_ = 0;
  Label start_;
};

}  // namespace weft::jit
