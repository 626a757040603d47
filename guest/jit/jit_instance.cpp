// SPDX-License-Identifier: Apache-2.0
// Running an instance, and what its code asks of the host.
#include "guest/jit/jit_instance.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "guest/go/entries.h"
#include "guest/jit/program.h"
#include "os/wasip1/process.h"

namespace weft::jit {
namespace {

// What stays below a stack's limit: what a host function needs, and frames that do not ask.
constexpr std::size_t kStackKeptBytes = TrapState::kHostStackBytes + std::size_t{4} * 1024;

struct Words {
  TrapKind kind;
  const char* detail;
};

// By TrapCode; the details in the words of libwabt's interpreter.
constexpr Words kTraps[] = {
    {TrapKind::unreachable, ""},
    {TrapKind::memory_out_of_bounds, ""},
    {TrapKind::table_out_of_bounds, ""},
    {TrapKind::divide_by_zero, ""},
    {TrapKind::integer_overflow, ""},
    {TrapKind::bad_conversion, ""},
    {TrapKind::bad_indirect_call, "undefined table index"},
    {TrapKind::bad_indirect_call, "uninitialized table element"},
    {TrapKind::bad_indirect_call, "indirect call signature mismatch"},
    {TrapKind::stack_overflow, ""},
    {TrapKind::out_of_memory, ""},
    {TrapKind::null_exception, ""},
    {TrapKind::other, "unaligned atomic"},
    {TrapKind::other, "atomic wait on a memory that is not shared"},
};
static_assert(std::size(kTraps) == kTrapCodes);

}  // namespace

JitInstance::JitInstance(Program& program, CompiledModule& module)
    : CompiledInstance(module),
      program_(program),
      places_(program.view.memories.size()),
      initial_bytes_(program.view.memories.size()) {
  state_.walk_frames = &JitInstance::walk;
  context_ = static_cast<Context*>(std::calloc(1, program_.layout.bytes));
  if (context_ == nullptr) throw std::bad_alloc();
}

JitInstance::~JitInstance() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    MemoryPlace& place = places_[i];
    const std::size_t bytes = making_ ? place.usable_bytes : memory(i).bytes;
    if (place.data != nullptr) program_.shared->memories.give_back(place, bytes);
  }
  for (std::uint32_t i = 0; i < program_.view.tables.size(); ++i) std::free(table(i).elements);
  free_exceptions();
  std::free(context_);
}

// --- running; between enter() and the guest's code nothing may need to be destroyed ---

// UBSan looks at the words in front of a function for its type. The stub has none there: it begins
// the pages of the code.
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
void JitInstance::run_function(std::uint32_t function) {
  const Stubs::Enter enter = program_.shared->stubs->enter();
  enter(context_, program_.entry(function)->code);
}

void JitInstance::make_guest(void* argument) {
  JitInstance& self = of(argument);
  self.make();
  if (self.program_.view.start) self.run_function(*self.program_.view.start);
}

// Values to where the code wants them, and its results back.
void JitInstance::call_guest(void* argument) {
  JitInstance& self = of(argument);
  const wasm::FuncType& type = self.program_.view.type_of_function(self.called_->index);
  const std::uint64_t* value = self.values_;
  std::uint64_t* const words = self.arguments();
  std::size_t ints = 0;
  std::size_t floats = 0;
  std::size_t at = kIntArguments;
  for (const wasm::ValType param : type.params) {
    const bool vector = param == wasm::ValType::v128;
    const bool floating = vector || param == wasm::ValType::f32 || param == wasm::ValType::f64;
    std::uint64_t* to = nullptr;
    if (floating && floats < kFloatArguments) {
      to = self.context_->float_arguments + 2 * floats++;
    } else if (!floating && ints < kIntArguments) {
      to = words + ints++;
    } else {
      to = words + at;
      at += vector ? 2 : 1;
    }
    *to = *value++;
    if (vector) to[1] = *value++;
    if (param == wasm::ValType::i32 || param == wasm::ValType::f32) {
      *to = static_cast<std::uint32_t>(*to);
    } else if (param == wasm::ValType::funcref && *to != 0) {
      *to =
          reinterpret_cast<std::uint64_t>(self.program_.entry(static_cast<std::uint32_t>(*to - 1)));
    }
  }
  self.run_function(self.called_->index);
  std::uint64_t* result = self.values_;
  const std::uint64_t* from = words;
  for (const wasm::ValType of_result : type.results) {
    const bool vector = of_result == wasm::ValType::v128;
    const bool floating =
        vector || of_result == wasm::ValType::f32 || of_result == wasm::ValType::f64;
    if (type.results.size() == 1) {
      from = floating ? self.context_->float_result : &self.context_->result;
    }
    *result = *from++;
    if (of_result == wasm::ValType::i32 || of_result == wasm::ValType::f32) {
      *result = static_cast<std::uint32_t>(*result);
    } else if (of_result == wasm::ValType::funcref || of_result == wasm::ValType::exnref) {
      *result = *result != 0 ? 1 : 0;
    }
    ++result;
    if (vector) *result++ = *from++;
  }
}

GuestEnd JitInstance::start(wasip1::Process& process) {
  begin(process);
  return enter_code(&make_guest);
}

GuestEnd JitInstance::call(const ExportInfo& function, std::span<std::uint64_t> values) {
  called_ = &function;
  values_ = values.data();
  return enter_code(&call_guest);
}

// On a G, whose stack it is to be.
GuestEnd JitInstance::enter_code(void (*f)(void* self)) {
  context_->stack_limit = reinterpret_cast<std::uint64_t>(this_g().stack->bottom) + kStackKeptBytes;
  return enter(f, static_cast<CompiledInstance*>(this));
}

// --- leaving ---

// Without an address: from where the code was left last.
[[gnu::no_sanitize_address]] void JitInstance::walk(TrapState& state, const void* address,
                                                    const void* frame) {
  const JitInstance& self = of(state.owner);
  if (address == nullptr && !self.making_) {
    address = static_cast<const char*>(self.context_->exit_address) - 1;
    frame = self.context_->exit_frame;
  }
  self.program_.walk(state, address, frame);
}

void JitInstance::trap_of(void* owner, std::uint32_t code) {
  of(owner).trap(kTraps[code].kind, 0, kTraps[code].detail);
}

// --- asking the host ---

std::uint32_t JitInstance::call_of(void* owner, std::uint32_t import, const std::uint64_t* args) {
  JitInstance& self = of(owner);
  return static_cast<std::uint32_t>(
      self.CompiledInstance::call(import, args, self.context_->exit_address));
}

// The parameters in their order, from where context.h says that they are.
std::uint64_t JitInstance::call_embedder_of(void* owner, std::uint32_t import,
                                            const std::uint64_t* words) {
  JitInstance& self = of(owner);
  std::uint64_t args[HostFunction::kParamsMax] = {};
  std::size_t ints = 0;
  std::size_t floats = 0;
  std::size_t at = kIntArguments;
  std::uint64_t* to = args;
  for (const char letter : self.program_.imports[import].params()) {
    const bool floating = letter == 'f' || letter == 'F';
    if (floating && floats < kFloatArguments) {
      *to++ = self.context_->float_arguments[2 * floats++];
    } else if (!floating && ints < kIntArguments) {
      *to++ = words[ints++];
    } else {
      *to++ = words[at++];
    }
  }
  return self.CompiledInstance::call(import, args, self.context_->exit_address);
}

std::uint32_t JitInstance::refill_of(void* owner, std::uint32_t left) {
  JitInstance& self = of(owner);
  return self.refill(left, self.context_->exit_address);
}

void JitInstance::turn() {
  CompiledInstance::turn(context_->exit_address);
}

std::optional<Computing> JitInstance::computing() const {
  const bool has_sp = program_.view.globals.size() > guest::go::kGlobalSp;
  const std::uint32_t at = program_.layout.global(guest::go::kGlobalSp);
  return computing_with(has_sp ? *cell<std::uint32_t>(at) : 0);
}

void JitInstance::entered_of(void* owner, std::uint32_t entry) {
  JitInstance& self = of(owner);
  const Layout& layout = self.program_.layout;
  const auto sp = *self.cell<std::uint32_t>(layout.global(guest::go::kGlobalSp));
  const auto g = *self.cell<std::uint32_t>(layout.global(guest::go::kGlobalG));
  self.entered(entry, sp, g);
}

// Others run meanwhile, when the function is large.
const void* JitInstance::compile(std::uint32_t function) {
  if (program_.limits.quantum != 0) return program_.compile(function);
  return program_.compile(function, [this] { safe_point(context_->exit_address); });
}

const void* JitInstance::compile_of(void* owner, std::uint32_t function) {
  JitInstance& self = of(owner);
  self.state_.in_guest = false;
  const void* code = nullptr;
  const bool goes_on = runs_through(self.leaving_, [&] { code = self.compile(function); });
  if (!goes_on) self.leave_noted();
  self.state_.in_guest = true;
  if (code == nullptr) self.trap(TrapKind::out_of_memory, 0, "no room is left for its code");
  return code;
}

}  // namespace weft::jit
