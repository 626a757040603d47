// SPDX-License-Identifier: Apache-2.0
#include "guest/compiled/compiled_instance.h"

#include <algorithm>
#include <utility>

#include "guest/fuel.h"
#include "guest/go/steering.h"
#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft {
namespace {

// A guest that computes looks at the clock about so often.
constexpr Duration kLookAgainMin = microseconds(25);
constexpr Duration kLookAgainMax = microseconds(100);

}  // namespace

static_assert(sizeof(G::requests) == 1);

void CompiledModule::bind(std::vector<Import> functions) {
  imports = std::move(functions);
  const auto yields = std::find_if(imports.begin(), imports.end(), [](const Import& import) {
    return import.wasi() != nullptr && import.wasi()->name == "sched_yield";
  });
  if (yields != imports.end()) yield_import = static_cast<std::size_t>(yields - imports.begin());
}

CompiledInstance& CompiledInstance::current() {
  return *static_cast<CompiledInstance*>(TrapState::current()->owner);
}

void CompiledInstance::steer(guest::go::Steering* steering) {
  steering_ = steering;
  if (steering_ != nullptr) {
    steering_->see(&memory_bytes_);
  } else {
    memory_bytes_ = {};  // The next guest's steering must not see the last one's.
  }
}

void CompiledInstance::begin(wasip1::Process& process) {
  process_ = &process;
  turn_ = {};
  killed_at_ = {};
  rest = held_back_ = 0;
  fuel_unseen_ = kPortion;
  begin_fuel(process_->budgets().fuel);
}

GuestEnd CompiledInstance::enter(void (*f)(void* argument), void* argument) {
  leaving_ = {};  // Faults note nothing.
  trap_detail_ = "";
  host_said_.clear();
  const G& g = this_g();
  wanted = reinterpret_cast<const volatile std::uint8_t*>(&g.requests);
  if (!this_scheduler().has_guard(g)) {
    GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .returned = false, .trap = {}};
    end.trap.kind = TrapKind::out_of_memory;
    end.trap.detail = "the system has no guard page left for its stack; --engine=interp needs none";
    return end;
  }
  const bool returned = state_.enter(f, argument);
  passed_from_ = nullptr;
  if (!returned) return end_of_left();
  GuestEnd end;
  end.returned = true;
  return end;
}

GuestEnd CompiledInstance::end_of_left() {
  if (leaving_.why == Leaving::Why::exited) return leaving_.exit();
  if (leaving_.why == Leaving::Why::killed) {
    killed_at_.kind = TrapKind::out_of_time;  // Of the function, not of an instruction.
    shared_.describe(state_, killed_at_);
    killed_at_.kind = TrapKind::other;
    throw Killed{};
  }
  GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .returned = false, .trap = {}};
  end.trap.kind = state_.kind;
  end.trap.detail = trap_detail_;
  shared_.describe(state_, end.trap);
  return end;
}

void CompiledInstance::trap(TrapKind kind, std::uint32_t offset, const char* detail) {
  trap_detail_ = detail;
  state_.note(kind, offset);
  leaving_ = {};
  state_.leave();
}

std::uint64_t CompiledInstance::call(std::uint32_t import, const std::uint64_t* args,
                                     const void* from) {
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  state_.in_guest = false;
  std::uint64_t result = 0;
  const bool goes_on = runs_through(leaving_, [&] {
    const Import& called = shared_.imports[import];
    result = called.call(*process_, wasip1::Memory(memory_bytes_), args);
    // There may be many calls between two fuel points, and a disk's time is no CPU time: no tick
    // comes.
    if (shared_.limits.quantum == 0 && (*wanted != 0 || called.waited_for_disk(*process_, args))) {
      safe_point(from);
    }
  });
  if (!goes_on) leave_noted();
  state_.in_guest = true;
  return result;
}

// A kill notes where the guest was.
void CompiledInstance::leave_noted() {
  if (leaving_.why == Leaving::Why::killed) state_.note(TrapKind::out_of_time, 0);
  if (leaving_.why >= Leaving::Why::out_of_output) {
    host_said_.swap(leaving_.host_said);
    trap(leaving_.trap(), 0, host_said_.c_str());
  }
  state_.leave();
}

// Returns by a jump. The processor predicts a return from the calls that it saw, and after a switch
// of stacks those were another fiber's. It predicts a jump from where the last ones went.
#if defined(__x86_64__) && __has_attribute(function_return)
asm(R"(
  .pushsection .text
  .hidden __x86_return_thunk
  .weak __x86_return_thunk
  .type __x86_return_thunk, @function
__x86_return_thunk:
  pop %rcx
  jmp *%rcx
  .size __x86_return_thunk, . - __x86_return_thunk
  .popsection
)");
#define WEFT_RETURN_BY_JUMP [[gnu::function_return("thunk-extern")]]
#else
#define WEFT_RETURN_BY_JUMP
#endif

// sched_yield has a path of its own, with no more frames than it must have.
WEFT_RETURN_BY_JUMP std::uint32_t CompiledInstance::yield_of(void* guest) {
  return static_cast<CompiledInstance*>(guest)->yield_guest();
}

WEFT_INLINE std::uint32_t CompiledInstance::yield_guest() {
  if (process_->trace() != nullptr || process_->hook() != nullptr) {
    return static_cast<std::uint32_t>(
        call(static_cast<std::uint32_t>(shared_.yield_import), nullptr, nullptr));
  }
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  state_.in_guest = false;
  try {
    yield();
    state_.in_guest = true;
    return 0;
  } catch (const Killed&) {
    leaving_ = {.why = Leaving::Why::killed};
  }
  leave_noted();
}

// A guest's fuel is in three parts: its portion; the rest, which it takes by itself; and what is
// held back, so that it comes here, and the clock is looked at, after a while.
std::uint32_t CompiledInstance::refill(std::uint32_t left, const void* from) {
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  left += std::exchange(rest, 0) + std::exchange(held_back_, 0);
  if (static_cast<std::int32_t>(left) <= 0) {
    left = next_quantum(process_->budgets().fuel, left, shared_.limits);
    if (left == 0) trap(TrapKind::out_of_fuel, 0);
  }
  pass_safe_point(from);
  const Duration ran = turn_.longest();
  // Where safe points are counted there is one at every quantum, and no other.
  if (shared_.limits.quantum != 0) return left;
  if (ran > kLookAgainMax) fuel_unseen_ = std::max(fuel_unseen_ / 2, kPortion);
  if (ran < kLookAgainMin) fuel_unseen_ = std::min(fuel_unseen_ * 2, kFuelQuantum);
  const std::uint32_t portion = std::min(left, kPortion);
  rest = std::min(left, fuel_unseen_) - portion;
  held_back_ = left - portion - rest;
  return portion;
}

void CompiledInstance::turn(const void* from) {
  if (making_ || shared_.limits.quantum != 0) return;
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  pass_safe_point(from);
}

// Between steps of the host's own work for the guest: false when the guest is to end.
bool CompiledInstance::may_go_on(const void* from) noexcept {
  if (shared_.limits.quantum != 0) return true;
  return runs_through(leaving_, [&] { safe_point(from); });
}

bool CompiledInstance::grow_place(MemoryPool& pool, MemoryPlace& place, std::size_t old_bytes,
                                  std::size_t bytes, const void* from) {
  state_.in_guest = false;
  const bool grown = pool.grow(place, old_bytes, bytes, [&] { return may_go_on(from); });
  if (leaving_.why != Leaving::Why::no) leave_noted();
  state_.in_guest = true;
  return grown;
}

void CompiledInstance::safe_point(const void* from) {
  passed_from_ = from;
  const Duration ran = turn_.safe_point();  // When it is killed there, enter() forgets the place.
  passed_from_ = nullptr;
  if (steering_ != nullptr) steering_->ran(ran, wasip1::Memory(memory_bytes_));
}

std::optional<Computing> CompiledInstance::computing_with(std::uint32_t sp) const {
  if (passed_from_ == nullptr) return {};
  // One back, into the call.
  const auto function = shared_.function_at(static_cast<const char*>(passed_from_) - 1);
  return function != UINT32_MAX ? std::optional(Computing{function, sp}) : std::nullopt;
}

void CompiledInstance::entered(std::uint32_t entry, std::uint32_t sp, std::uint32_t g) {
  if (steering_ == nullptr) return;
  state_.in_guest = false;
  steering_->entered(static_cast<guest::go::Entry>(entry), sp, g, wasip1::Memory(memory_bytes_));
  state_.in_guest = true;
}

void CompiledInstance::pass_safe_point(const void* from) {
  state_.in_guest = false;
  if (!runs_through(leaving_, [&] { safe_point(from); })) leave_noted();
  state_.in_guest = true;
}

}  // namespace weft
