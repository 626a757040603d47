// SPDX-License-Identifier: Apache-2.0
// JitInstance: one instance of a module whose code guest/jit/compiler.h makes: made, run, and made
// again for the next guest, as guest/aot/aot_instance.h tells.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "guest/aot/linear_memory.h"
#include "guest/aot/trap_state.h"
#include "guest/engine.h"
#include "guest/jit/context.h"
#include "guest/jit/stubs.h"
#include "guest/turn.h"
#include "guest/wasm/module_view.h"

namespace weft::jit {

class Program;
const Host& host_of_instances();

class JitInstance {
 public:
  JitInstance(Program& program, const ModuleInfo& info);
  ~JitInstance();
  JitInstance(const JitInstance&) = delete;
  JitInstance& operator=(const JitInstance&) = delete;

  // As Instance::run; the imports act on `process`.
  GuestEnd run(wasip1::Process& process);
  // As those of Instance.
  GuestEnd start(wasip1::Process& process);
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values);
  [[nodiscard]] const TrapReport& killed_at() const { return killed_at_; }

  // Makes it ready for another run(). False when it can't be used again.
  bool clear();

  // --- for the compiled code ---
  [[noreturn]] void trap(TrapKind kind, const char* detail = "");

 private:
  enum class Leaving : std::uint8_t { trap, exited, killed };
  friend struct Helpers;
  friend const Host& host_of_instances();

  static JitInstance& of(void* owner) { return *static_cast<JitInstance*>(owner); }
  static JitInstance& of(Context* context) { return of(context->owner); }

  static void make_guest(void* self);
  static void run_guest(void* self);
  static void call_guest(void* self);
  void begin(wasip1::Process& process);
  GuestEnd enter(void (*f)(void* self));
  GuestEnd end_of_left();
  [[noreturn]] void leave_killed();
  void run_function(std::uint32_t function);

  void make();
  void make_memories();
  void make_tables();
  void make_globals();
  void fill_tables();
  void fill_memories();
  std::uint64_t constant(wasm::ConstExpr expr, std::uint64_t* high = nullptr) const;
  std::uint64_t element(const wasm::Element& segment, std::size_t index) const;

  // What Host says.
  static void trap_of(void* owner, std::uint32_t code);
  static std::uint32_t call_of(void* owner, std::uint32_t import, const std::uint64_t* args);
  static std::uint32_t yield_of(void* owner);
  static std::uint32_t check_of(void* owner);
  static const void* compile_of(void* owner, std::uint32_t function);
  std::uint32_t call_host(std::uint32_t import, const std::uint64_t* args);
  std::uint32_t yield_guest();
  std::uint32_t check();
  static void walk(TrapState& state, const void* address, const void* frame);

  // Memory `index` is `bytes` long and at its place.
  void memory_changed(std::uint32_t index, std::uint64_t bytes);
  std::uint64_t grow_memory(std::uint32_t index, std::uint64_t pages);
  bool grow_table(TableCell& table, std::uint64_t elements);
  MemoryCell memory(std::uint32_t index) const;
  TableCell& table(std::uint32_t index);
  template <class T>
  T* cell(std::uint32_t offset) const {
    return reinterpret_cast<T*>(reinterpret_cast<std::uint8_t*>(context_) + offset);
  }
  std::uint64_t* arguments() const { return cell<std::uint64_t>(Layout::kArguments); }

  Program& program_;
  const ModuleInfo& info_;
  wasip1::Process* process_ = nullptr;
  TrapState state_;
  Turn turn_;
  Context* context_ = nullptr;
  std::vector<MemoryPlace> places_;
  std::vector<std::size_t> initial_bytes_;  // Of each memory.
  std::vector<bool> dropped_data_;
  std::vector<bool> dropped_elements_;
  bool laid_ = false;    // The first memory has its segments.
  bool making_ = false;  // Still so after run(): it could not be made.
  Leaving leaving_ = Leaving::trap;
  std::uint32_t exit_code_ = 0;
  const char* trap_detail_ = "";
  TrapReport killed_at_;
  const ExportInfo* called_ = nullptr;
  std::uint64_t* values_ = nullptr;  // Of that call.
};

}  // namespace weft::jit
