// SPDX-License-Identifier: Apache-2.0
// Running an instance, and what its code asks of the host.
#include "guest/jit/jit_instance.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "guest/jit/program.h"
#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft::jit {
namespace {

constexpr std::uint32_t kQuantum = 16'384;

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
    {TrapKind::other, ""},
};
static_assert(std::size(kTraps) == kTrapCodes);

}  // namespace

JitInstance::JitInstance(Program& program, const ModuleInfo& info)
    : program_(program),
      info_(info),
      places_(program.view.memories.size()),
      initial_bytes_(program.view.memories.size()) {
  state_.owner = this;
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
  std::free(context_);
}

// --- running; between enter() and the guest's code nothing may need to be destroyed ---

void JitInstance::run_function(std::uint32_t function) {
  const Stubs::Enter enter = program_.shared->stubs->enter();
  enter(context_, program_.entry(function)->code);
}

void JitInstance::make_guest(void* argument) {
  JitInstance& self = of(argument);
  self.make();
  if (self.program_.view.start) self.run_function(*self.program_.view.start);
}

void JitInstance::run_guest(void* argument) {
  make_guest(argument);
  JitInstance& self = of(argument);
  self.run_function(self.info_.find_export("_start")->index);
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

void JitInstance::begin(wasip1::Process& process) {
  process_ = &process;
  turn_ = {};
  killed_at_ = {};
  // The first check asks for more.
  (void)process_->budgets().checks.take_up_to(1);
}

GuestEnd JitInstance::run(wasip1::Process& process) {
  begin(process);
  return enter(&run_guest);
}

GuestEnd JitInstance::start(wasip1::Process& process) {
  begin(process);
  return enter(&make_guest);
}

GuestEnd JitInstance::call(const ExportInfo& function, std::span<std::uint64_t> values) {
  called_ = &function;
  values_ = values.data();
  return enter(&call_guest);
}

GuestEnd JitInstance::enter(void (*f)(void* self)) {
  leaving_ = Leaving::trap;  // Faults say nothing.
  trap_detail_ = "";
  const G& g = this_g();
  context_->stack_limit = reinterpret_cast<std::uint64_t>(g.bottom) + kStackKeptBytes;
  if (state_.enter(f, this)) return {};
  return end_of_left();
}

GuestEnd JitInstance::end_of_left() {
  switch (leaving_) {
    case Leaving::exited:
      return {.kind = GuestEnd::Kind::exited, .exit_code = exit_code_, .trap = {}};
    case Leaving::killed:
      killed_at_.kind = TrapKind::out_of_time;  // Of the function, not of an instruction.
      program_.describe(state_, killed_at_);
      killed_at_.kind = TrapKind::other;
      throw Killed{};
    case Leaving::trap:
      break;
  }
  GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .trap = {}};
  end.trap.kind = state_.kind;
  end.trap.detail = trap_detail_;
  program_.describe(state_, end.trap);
  return end;
}

// --- leaving ---

// Without an address: from where the code was left last.
void JitInstance::walk(TrapState& state, const void* address, const void* frame) {
  const JitInstance& self = of(state.owner);
  if (address == nullptr && !self.making_) {
    address = static_cast<const char*>(self.context_->exit_address) - 1;
    frame = self.context_->exit_frame;
  }
  self.program_.walk(state, address, frame);
}

void JitInstance::trap(TrapKind kind, const char* detail) {
  trap_detail_ = detail;
  state_.note(kind, 0);
  leaving_ = Leaving::trap;
  state_.leave();
}

void JitInstance::trap_of(void* owner, std::uint32_t code) {
  of(owner).trap(kTraps[code].kind, kTraps[code].detail);
}

// Notes where it was.
void JitInstance::leave_killed() {
  leaving_ = Leaving::killed;
  state_.note(TrapKind::out_of_time, 0);
  state_.leave();
}

// --- asking the host ---

std::uint32_t JitInstance::call_of(void* owner, std::uint32_t import, const std::uint64_t* args) {
  return of(owner).call_host(import, args);
}

std::uint32_t JitInstance::call_host(std::uint32_t import, const std::uint64_t* args) {
  state_.in_guest = false;
  std::optional<TrapKind> over;
  try {
    std::span<std::byte> bytes;
    if (!places_.empty()) {
      bytes = {reinterpret_cast<std::byte*>(context_->memory), context_->memory_bytes};
    }
    const std::uint32_t result =
        program_.imports[import]->call(*process_, wasip1::Memory(bytes), args);
    state_.in_guest = true;
    return result;
  } catch (const wasip1::Exit& exit) {
    leaving_ = Leaving::exited;
    exit_code_ = exit.code;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  } catch (const wasip1::OutputSpent&) {
    over = TrapKind::out_of_output;
  } catch (const std::bad_alloc&) {
    over = TrapKind::out_of_memory;
  }
  if (over) trap(*over);
  if (leaving_ == Leaving::killed) leave_killed();
  state_.leave();
}

std::uint32_t JitInstance::yield_of(void* owner) {
  return of(owner).yield_guest();
}

std::uint32_t JitInstance::yield_guest() {
  if (process_->trace() != nullptr || process_->hook() != nullptr) {
    return call_host(program_.yield_import, nullptr);
  }
  state_.in_guest = false;
  try {
    yield();
    state_.in_guest = true;
    return 0;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  }
  leave_killed();
}

std::uint32_t JitInstance::check_of(void* owner) {
  return of(owner).check();
}

std::uint32_t JitInstance::check() {
  const std::uint32_t wanted = program_.limits.quantum != 0 ? program_.limits.quantum : kQuantum;
  const auto quantum = static_cast<std::uint32_t>(process_->budgets().checks.take_up_to(wanted));
  if (quantum == 0) trap(TrapKind::out_of_fuel);
  state_.in_guest = false;
  try {
    turn_.safe_point();
    state_.in_guest = true;
    return quantum;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  }
  leave_killed();
}

const void* JitInstance::compile_of(void* owner, std::uint32_t function) {
  JitInstance& self = of(owner);
  self.state_.in_guest = false;
  const void* code = self.program_.compile(function);
  self.state_.in_guest = true;
  if (code == nullptr) self.trap(TrapKind::out_of_memory, "no room is left for its code");
  return code;
}

}  // namespace weft::jit
