// SPDX-License-Identifier: Apache-2.0
// JitInstance: one instance of a module whose code guest/jit/compiler.h makes. It is made, run, and
// reset for the next guest, as guest/aot/aot_instance.h describes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "guest/aot/linear_memory.h"
#include "guest/compiled/compiled_instance.h"
#include "guest/jit/context.h"
#include "guest/jit/exception_index.h"
#include "guest/jit/stubs.h"
#include "guest/wasm/module_view.h"

namespace weft::jit {

class Program;
const Host& host_of_instances();

class JitInstance : public CompiledInstance {
 public:
  JitInstance(Program& program, CompiledModule& module);
  ~JitInstance();
  JitInstance(const JitInstance&) = delete;
  JitInstance& operator=(const JitInstance&) = delete;

  // As those of Instance; the imports act on `process`.
  GuestEnd start(wasip1::Process& process);
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values);

  // As that of Instance.
  [[nodiscard]] std::optional<Computing> computing() const;

  // Gives its memory's pages back when its guest has ended: see MemoryPool::release().
  void release() noexcept;

  // A safe point within an instruction that moves much, in the code that was left last.
  void turn();

  // Makes it ready for another run(). False when it can't be used again.
  bool clear();

 private:
  friend struct Helpers;
  friend const Host& host_of_instances();

  static JitInstance& of(void* owner) {
    return static_cast<JitInstance&>(*static_cast<CompiledInstance*>(owner));
  }
  static JitInstance& of(Context* context) { return of(context->owner); }

  static void make_guest(void* self);
  static void call_guest(void* self);
  GuestEnd enter_code(void (*f)(void* self));
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
  static std::uint64_t call_embedder_of(void* owner, std::uint32_t import,
                                        const std::uint64_t* words);
  static std::uint32_t refill_of(void* owner, std::uint32_t left);
  static void entered_of(void* owner, std::uint32_t entry);
  static const void* compile_of(void* owner, std::uint32_t function);
  const void* compile(std::uint32_t function);
  static void walk(TrapState& state, const void* address, const void* frame);

  // --- exceptions: guest/jit/unwind.cpp ---
  std::uint64_t* new_exception(std::uint32_t tag, const std::uint64_t* words);
  void raise(std::uint64_t* exception);
  void pay_for_clauses(std::uint64_t looked_at);
  [[noreturn]] void uncaught(const std::uint64_t* exception);
  // What one with this tag takes, in bytes.
  [[nodiscard]] std::uint64_t exception_bytes(std::uint32_t tag) const;
  bool note_exception(std::uint64_t* made) noexcept;
  void free_exceptions() noexcept;
  void release_exceptions() noexcept;
  void collect_exceptions();
  bool note_found(const std::uint64_t* exception) noexcept;
  void mark(const std::uint64_t* words, std::size_t count);
  void free_unmarked();
  // Now and then others run; may leave by a jump.
  void step();

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
  Context* context_ = nullptr;
  std::vector<MemoryPlace> places_;
  std::vector<std::size_t> initial_bytes_;  // Of each memory.
  std::vector<bool> dropped_data_;
  std::vector<bool> dropped_elements_;
  // In pieces, none of which takes long to make or to free: there may be ten million.
  struct Exceptions {
    std::deque<std::uint64_t*> all;
    std::size_t collect_at = 0;  // How many there are when it is looked for dead ones.
    // While it is looked for them: an index of all; marked ones yet to be looked through.
    ExceptionIndex index;
    std::deque<const std::uint64_t*> found;
  };
  std::unique_ptr<Exceptions> exceptions_;  // Since the first was made.
  std::uint32_t steps_ = 0;
  char uncaught_[32] = {};
  bool laid_ = false;  // The first memory has its segments.
  const ExportInfo* called_ = nullptr;
  std::uint64_t* values_ = nullptr;  // Of that call.
};

}  // namespace weft::jit
