// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/trap_state.h"

#include <ucontext.h>
#include <unwind.h>

#include <atomic>
#include <utility>

#include "scheduler/local.h"
#include "signals/fault.h"

#ifdef WEFT_ASAN
extern "C" void __asan_unpoison_memory_region(const volatile void* from, std::size_t bytes);
#endif

namespace weft {
namespace {

const char local_key = 0;

#if defined(__x86_64__)
// Makes the handler return into f(argument), on the stack below sp.
void go_on_at(ucontext_t& context, std::uintptr_t f, std::uintptr_t sp, void* argument) {
  auto& r = context.uc_mcontext.gregs;
  r[REG_RIP] = static_cast<greg_t>(f);
  r[REG_RSP] = static_cast<greg_t>((sp & ~std::uintptr_t{15}) - 8);  // As after a call.
  r[REG_RDI] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(argument));
}
// Of the function that was interrupted.
const void* code_of(const ucontext_t& context) {
  return reinterpret_cast<const void*>(context.uc_mcontext.gregs[REG_RIP]);
}
const void* frame_of(const ucontext_t& context) {
  return reinterpret_cast<const void*>(context.uc_mcontext.gregs[REG_RBP]);
}
#elif defined(__aarch64__)
void go_on_at(ucontext_t& context, std::uintptr_t f, std::uintptr_t sp, void* argument) {
  context.uc_mcontext.pc = f;
  context.uc_mcontext.sp = sp & ~std::uintptr_t{15};
  context.uc_mcontext.regs[0] = reinterpret_cast<std::uintptr_t>(argument);
}
// Of the function that was interrupted.
const void* code_of(const ucontext_t& context) {
  return reinterpret_cast<const void*>(context.uc_mcontext.pc);
}
const void* frame_of(const ucontext_t& context) {
  return reinterpret_cast<const void*>(context.uc_mcontext.regs[29]);
}
#else
#error "the engine aot knows the registers of x86-64 and AArch64 only"
#endif

std::atomic<int> claims = 0;

}  // namespace

// On the list of the G's locals for as long as enter() lasts, where current() finds it.
struct TrapState::OnG : GLocalValue {
  OnG(TrapState& its_state, G& its_g)
      : GLocalValue{&local_key, its_g.stack->locals, [](GLocalValue*) {}},
        state(its_state),
        stack(*its_g.stack) {
    stack.locals = this;
  }
  ~OnG() {
    GLocalValue** at = &stack.locals;
    while (*at != this) at = &(*at)->next;
    *at = next;
  }
  OnG(const OnG&) = delete;
  OnG& operator=(const OnG&) = delete;
  TrapState& state;
  GStack& stack;
};

TrapState* TrapState::current() noexcept {
  if (scheduler_of_thread == nullptr) return nullptr;
  const G* g = scheduler_of_thread->current();
  if (g == nullptr) return nullptr;
  for (GLocalValue* value = g->stack->locals; value != nullptr; value = value->next) {
    if (value->key == &local_key) return &static_cast<OnG*>(value)->state;
  }
  return nullptr;
}

bool TrapState::enter(void (*f)(void* argument), void* argument) {
  G& g = this_g();
  const OnG on_g(*this, g);
  stack_bottom_ = static_cast<const std::byte*>(g.stack->bottom);
  frame_count = 0;
  if (_setjmp(entry_) != 0) {
    in_guest = false;
    return false;
  }
  call(f, argument);
  in_guest = false;
  return true;
}

// A frame between enter()'s, which longjmp goes back to, and the guest's: all below it is lost by
// leaving.
void TrapState::call(void (*f)(void* argument), void* argument) {
  landing_ = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  in_guest = true;
  f(argument);
  in_guest = false;
}

void TrapState::leave() noexcept {
  in_guest = false;
  _longjmp(entry_, 1);
}

[[gnu::no_sanitize_address]] void TrapState::land(TrapState* self) noexcept {
#ifdef WEFT_ASAN
  // Frames that were left by a jump have marked the stack, also where the jump's own calls come.
  constexpr std::size_t kBelow = 16 * 1024;
  char* const here = static_cast<char*>(__builtin_frame_address(0));
  __asan_unpoison_memory_region(here - kBelow, 2 * kBelow);
#endif
  self->leave();
}

// The calls under way, by the tables that the compilers leave for exceptions. From a fault's
// handler too: the tables lead through its frame to the instruction that faulted.
void TrapState::walk() noexcept {
  const auto visit = [](_Unwind_Context* context, void* argument) {
    auto& self = *static_cast<TrapState*>(argument);
    int before = 0;
    const std::uintptr_t at = _Unwind_GetIPInfo(context, &before);
    // Where a call goes on: one back, into it. A fault's own instruction: as it is.
    const std::uintptr_t in = before != 0 ? at : at - 1;
    self.frames[self.frame_count++] = reinterpret_cast<const void*>(in);
    const bool full = self.frame_count == kFramesMax;
    return full ? _URC_END_OF_STACK : _URC_NO_REASON;
  };
  frame_count = 0;
  _Unwind_Backtrace(visit, this);
}

void TrapState::note(TrapKind new_kind, std::uint32_t offset) noexcept {
  kind = new_kind;
  known_offset = offset;
  in_guest = true;  // The stack's end may be near: then the walk faults, and claim() does it.
  noting_ = true;
  walk_frames != nullptr ? walk_frames(*this, nullptr, nullptr) : walk();
  noting_ = false;
}

bool TrapState::claim(const siginfo_t* info, void* context) noexcept {
  TrapState* const self = current();
  if (self == nullptr || !self->in_guest) return false;
  auto& where = *static_cast<ucontext_t*>(context);
  const auto* address = static_cast<const std::uint8_t*>(info->si_addr);
  const TrapKind noted = self->kind;
  const bool is_lost = info->si_signo == SIGBUS && info->si_code == BUS_ADRERR;
  if (is_lost) {
    self->kind = TrapKind::lost_code;
  } else if (address >= self->memory && address < self->memory + self->reserved_bytes) {
    self->kind = TrapKind::memory_out_of_bounds;
  } else if (scheduler_of_thread->stack_of_guard(address) != 0) {
    self->kind = TrapKind::stack_overflow;
  } else {
    return false;
  }
  if (std::exchange(self->noting_, false)) {
    self->kind = noted;
  } else {
    self->known_offset = 0;
  }
  if (is_lost) {
    self->frame_count = 0;  // The tables for the walk are in the same file.
  } else if (self->walk_frames != nullptr) {
    self->walk_frames(*self, code_of(where), frame_of(where));
  } else {
    self->walk();
  }
  go_on_at(where, reinterpret_cast<std::uintptr_t>(&land), self->landing_, self);
  return true;
}

TrapState::FaultClaims::FaultClaims() {
  if (claims++ == 0) signals::set_fault_claim(&claim);
}

TrapState::FaultClaims::~FaultClaims() {
  if (--claims == 0) signals::set_fault_claim(nullptr);
}

}  // namespace weft
