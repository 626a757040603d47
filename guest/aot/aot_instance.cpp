// SPDX-License-Identifier: Apache-2.0
// Making an instance, running it, and what its code asks for.
#include "guest/aot/aot_instance.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "guest/aot/aot_module.h"
#include "guest/checks.h"
#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft {
namespace {

// A guest that computes looks at the clock about so often.
constexpr Duration kLookAgainMin = microseconds(25);
constexpr Duration kLookAgainMax = microseconds(100);

// The most that a memory may have: its size in bytes is 32 bits wide.
constexpr std::uint32_t kPagesMax = 65'535;

// What an idle instance keeps of each of its tables.
constexpr std::size_t kTableBytesKept = 64 * 1024;

}  // namespace

static_assert(sizeof(G::requests) == 1);

AotInstance::AotInstance(AotModule& module) : module_(module) {
  WEFT_CHECK(static_cast<aot::Guest*>(this) == static_cast<void*>(this),
             "compiled code would take another object for its guest");
  state_.owner = this;
  instance_ = std::calloc(1, module_.object.entry().instance_bytes);
  if (instance_ == nullptr) throw std::bad_alloc();
}

AotInstance::~AotInstance() {
  const std::size_t bytes = memory_ != nullptr ? memory_->size : place_.usable_bytes;
  if (place_.data != nullptr) module_.memories->give_back(place_, bytes);
  for (const Table& table : tables_) std::free(table.data);
  std::free(instance_);
}

AotInstance& AotInstance::current() {
  return *static_cast<AotInstance*>(TrapState::current()->owner);
}

// Between enter() and the guest's code: nothing in these three may need to be destroyed.
void AotInstance::make_guest(void* argument) {
  auto& self = *static_cast<AotInstance*>(argument);
  const aot::Object& object = self.module_.object.entry();
  self.make();
  if (object.start != nullptr) object.start(self.instance_);
}

void AotInstance::run_guest(void* argument) {
  make_guest(argument);
  auto& self = *static_cast<AotInstance*>(argument);
  self.module_.object.entry().run(self.instance_);
}

void AotInstance::call_guest(void* argument) {
  auto& self = *static_cast<AotInstance*>(argument);
  self.module_.object.entry().call(self.instance_, self.called_->index, self.values_);
}

// All that the guest can change gets its first value: from the object, but for the segments, which
// an image has.
void AotInstance::make() {
  MemoryImage& image = module_.image;
  memory_ = nullptr;
  laid_ = false;
  tables_made_ = 0;
  making_ = true;
  if (!image.is_complete()) image.clear();
  const aot::Object& object = module_.object.entry();
  std::memset(instance_, 0, object.instance_bytes);
  object.instantiate(instance_, this);
  memory_ = object.memory(instance_);
  making_ = false;
  if (!image.is_complete()) image.complete();
}

bool AotInstance::clear() {
  if (making_) return false;      // It could not be made.
  for (Table& table : tables_) {  // Nobody's budget holds what an idle instance keeps.
    if (table.bytes <= kTableBytesKept) continue;
    std::free(std::exchange(table.data, nullptr));
    table.bytes = 0;
  }
  if (memory_ == nullptr) return true;
  return MemoryPool::reset(place_, memory_->size, initial_bytes_);
}

void AotInstance::begin(wasip1::Process& process) {
  process_ = &process;
  turn_ = {};
  killed_at_ = {};
  rest = held_back_ = 0;
  checks_unseen_ = aot::kPortion;
  begin_checks(process_->budgets().checks);
}

GuestEnd AotInstance::run(wasip1::Process& process) {
  begin(process);
  return enter(&run_guest);
}

GuestEnd AotInstance::start(wasip1::Process& process) {
  begin(process);
  return enter(&make_guest);
}

GuestEnd AotInstance::call(const ExportInfo& function, std::span<std::uint64_t> values) {
  called_ = &function;
  values_ = values.data();
  return enter(&call_guest);
}

GuestEnd AotInstance::enter(void (*f)(void* self)) {
  leaving_ = Leaving::trap;  // Faults say nothing.
  trap_detail = "";
  const G& g = this_g();
  wanted = reinterpret_cast<const volatile std::uint8_t*>(&g.requests);
  if (!g.pool.stacks().is_guarded(static_cast<const std::byte*>(g.bottom))) {
    GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .trap = {}};
    end.trap.kind = TrapKind::out_of_memory;
    end.trap.detail = "the system has no guard page left for its stack; --engine=interp needs none";
    return end;
  }
  if (state_.enter(f, this)) return {};
  return end_of_left();
}

GuestEnd AotInstance::end_of_left() {
  switch (leaving_) {
    case Leaving::exited:
      return {.kind = GuestEnd::Kind::exited, .exit_code = exit_code_, .trap = {}};
    case Leaving::killed:
      killed_at_.kind = TrapKind::out_of_time;  // Of the function, not of an instruction.
      module_.describe(state_, killed_at_);
      killed_at_.kind = TrapKind::other;
      throw Killed{};
    case Leaving::trap:
      break;
  }
  GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .trap = {}};
  end.trap.kind = state_.kind;
  end.trap.detail = trap_detail;
  module_.describe(state_, end.trap);
  return end;
}

void AotInstance::trap(TrapKind kind, std::uint32_t offset) {
  state_.note(kind, offset);
  leaving_ = Leaving::trap;
  state_.leave();
}

std::uint32_t AotInstance::call(std::uint32_t import, const std::uint64_t* args) {
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  state_.in_guest = false;
  std::optional<TrapKind> over;
  try {
    std::span<std::byte> bytes;
    if (memory_ != nullptr) bytes = {reinterpret_cast<std::byte*>(memory_->data), memory_->size};
    const std::uint32_t result =
        module_.imports[import]->call(*process_, wasip1::Memory(bytes), args);
    // However many calls there are between two checks.
    if (*wanted != 0 && module_.limits.quantum == 0) turn_.safe_point();
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
  if (over) trap(*over, 0);
  if (leaving_ == Leaving::killed) leave_killed();
  state_.leave();
}

// Notes where it was.
void AotInstance::leave_killed() {
  leaving_ = Leaving::killed;
  state_.note(TrapKind::out_of_time, 0);
  state_.leave();
}

// Returns by a jump: the processor foresees one from where the last ones went, a return from the
// calls that it saw; and behind a switch of stacks those were another fiber's.
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
WEFT_RETURN_BY_JUMP std::uint32_t AotInstance::yield_of(void* guest) {
  return static_cast<AotInstance*>(guest)->yield_guest();
}

WEFT_INLINE std::uint32_t AotInstance::yield_guest() {
  if (process_->trace() != nullptr || process_->hook() != nullptr) {
    return call(static_cast<std::uint32_t>(module_.yield_import), nullptr);
  }
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
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

// The checks that it has are its portion, the rest, which it takes by itself, and what is held back
// so that the clock is looked at again when a while has passed.
std::uint32_t AotInstance::check(std::uint32_t left) {
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  left += std::exchange(rest, 0) + std::exchange(held_back_, 0);
  if (static_cast<std::int32_t>(left) <= 0) {
    left = next_quantum(process_->budgets().checks, left, module_.limits);
    if (left == 0) trap(TrapKind::out_of_fuel, 0);
  }
  const Duration ran = pass_safe_point();
  // Where safe points are counted there is one at every quantum, and no other.
  if (module_.limits.quantum != 0) return left;
  if (ran > kLookAgainMax) checks_unseen_ = std::max(checks_unseen_ / 2, aot::kPortion);
  if (ran < kLookAgainMin) checks_unseen_ = std::min(checks_unseen_ * 2, kChecksQuantum);
  const std::uint32_t portion = std::min(left, aot::kPortion);
  rest = std::min(left, checks_unseen_) - portion;
  held_back_ = left - portion - rest;
  return portion;
}

void AotInstance::turn() {
  if (making_ || module_.limits.quantum != 0) return;
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  (void)pass_safe_point();
}

Duration AotInstance::pass_safe_point() {
  state_.in_guest = false;
  try {
    const Duration ran = turn_.safe_point();
    state_.in_guest = true;
    return ran;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  }
  leave_killed();
}

void AotInstance::place_changed(aot::Memory& memory, std::uint32_t pages) {
  memory.data = place_.data;
  memory.pages = pages;
  memory.size = pages * kWasmPageBytes;
  state_.memory = place_.data;
  state_.reserved_bytes = place_.reserved_bytes;
}

void AotInstance::allocate(aot::Memory& memory, std::uint32_t pages, std::uint32_t max) {
  memory.max_pages = std::min(max, kPagesMax);
  initial_bytes_ = std::size_t{pages} * kWasmPageBytes;
  if (pages > memory.max_pages || !process_->budgets().memory_bytes.take(initial_bytes_) ||
      (place_.data == nullptr &&
       !module_.memories->take(initial_bytes_, module_.guard_pages, place_))) {
    trap(TrapKind::out_of_memory, 0);
  }
  place_changed(memory, pages);
  if (module_.image.is_complete()) {
    MemoryPool::lay(module_.image, place_);
    laid_ = true;
  }
}

std::uint32_t AotInstance::grow(aot::Memory& memory, std::uint32_t pages) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t old_pages = memory.pages;
  if (pages > memory.max_pages - old_pages) return kNone;
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  Budget& budget = process_->budgets().memory_bytes;
  const std::size_t more = std::size_t{pages} * kWasmPageBytes;
  if (!budget.take(more)) return kNone;
  state_.in_guest = false;
  if (!module_.memories->grow(place_, memory.size, memory.size + more)) {
    budget.give_back(more);
    state_.in_guest = true;
    return kNone;
  }
  place_changed(memory, old_pages + pages);
  state_.in_guest = true;
  return old_pages;
}

void AotInstance::segment(aot::Memory& memory, std::uint32_t at, const std::uint8_t* bytes,
                          std::uint32_t count) noexcept {
  if (laid_) return;
  std::memcpy(memory.data + at, bytes, count);
  module_.image.add(at, bytes, count);
}

// While the instance is made: the next table, all null. Later: that whose elements are at `data`.
void* AotInstance::resize_table(void* data, std::uint32_t old_size, std::uint32_t size,
                                std::uint32_t element_bytes) noexcept {
  // From here on it is no guest's code that runs out of stack.
  if (!making_ && !state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  const bool was_in_guest = std::exchange(state_.in_guest, false);
  void* const resized = resize_in_host(data, old_size, size, element_bytes);
  if (resized == nullptr && making_) trap(TrapKind::out_of_memory, 0);
  state_.in_guest = was_in_guest;
  return resized;  // Null: table.grow says so to the guest.
}

void* AotInstance::resize_in_host(void* data, std::uint32_t old_size, std::uint32_t size,
                                  std::uint32_t element_bytes) noexcept {
  Budget& budget = process_->budgets().table_elements;
  const bool taken = budget.take(size - old_size);
  Table* table = taken ? table_of(data) : nullptr;
  // An empty table has a place too, by which it is told from others and from none.
  const std::size_t bytes = std::size_t{std::max(size, 1U)} * element_bytes;
  if (table != nullptr && table->bytes < bytes) {
    void* bigger = std::realloc(table->data, bytes);
    if (bigger == nullptr) table = nullptr;
    if (table != nullptr) *table = {bigger, bytes};
  }
  if (table == nullptr) {
    if (taken && !making_) budget.give_back(size - old_size);
    return nullptr;
  }
  const std::size_t old_bytes = std::size_t{old_size} * element_bytes;
  if (bytes > old_bytes)
    std::memset(static_cast<char*>(table->data) + old_bytes, 0, bytes - old_bytes);
  return table->data;
}

AotInstance::Table* AotInstance::table_of(const void* data) noexcept {
  if (!making_) {
    const auto of = [data](const Table& table) { return table.data == data; };
    return &*std::find_if(tables_.begin(), tables_.end(), of);
  }
  try {
    if (tables_made_ == tables_.size()) tables_.emplace_back();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  return &tables_[tables_made_++];
}

// --- aot::Host: what compiled code calls, handed to the instance that it belongs to ---

namespace {

TrapKind kind_of(std::uint32_t trap) {
  switch (static_cast<aot::Trap>(trap)) {
    case aot::Trap::out_of_bounds:
      return TrapKind::memory_out_of_bounds;
    case aot::Trap::integer_overflow:
      return TrapKind::integer_overflow;
    case aot::Trap::divide_by_zero:
      return TrapKind::divide_by_zero;
    case aot::Trap::bad_conversion:
      return TrapKind::bad_conversion;
    case aot::Trap::unreachable:
      return TrapKind::unreachable;
    case aot::Trap::bad_indirect_call:
    case aot::Trap::no_element:
    case aot::Trap::null_element:
      return TrapKind::bad_indirect_call;
    case aot::Trap::exhaustion:
      return TrapKind::stack_overflow;
    case aot::Trap::table:
      return TrapKind::table_out_of_bounds;
    case aot::Trap::none:
    case aot::Trap::uncaught_exception:
      break;
  }
  return TrapKind::other;
}

// In the words of libwabt's interpreter.
const char* detail_of(std::uint32_t trap) {
  switch (static_cast<aot::Trap>(trap)) {
    case aot::Trap::bad_indirect_call:
      return "indirect call signature mismatch";
    case aot::Trap::no_element:
      return "undefined table index";
    case aot::Trap::null_element:
      return "uninitialized table element";
    default:
      return "";
  }
}

void host_trap(std::uint32_t kind, std::uint32_t offset) {
  AotInstance::current().trap_detail = detail_of(kind);
  AotInstance::current().trap(kind_of(kind), offset);
}

std::uint32_t host_call(void* guest, std::uint32_t import, const std::uint64_t* args) {
  return static_cast<AotInstance*>(guest)->call(import, args);
}

std::uint32_t host_check(void* guest, std::uint32_t left) {
  return static_cast<AotInstance*>(guest)->check(left);
}

void host_turn() {
  AotInstance::current().turn();
}

void host_memory_allocate(aot::Memory* memory, std::uint32_t pages, std::uint32_t max) {
  AotInstance::current().allocate(*memory, pages, max);
}

std::uint32_t host_memory_grow(aot::Memory* memory, std::uint32_t pages) {
  return AotInstance::current().grow(*memory, pages);
}

void host_segment(aot::Memory* memory, std::uint32_t at, const std::uint8_t* bytes,
                  std::uint32_t count) {
  AotInstance::current().segment(*memory, at, bytes, count);
}

void* host_table_resize(void* data, std::uint32_t old_size, std::uint32_t size,
                        std::uint32_t element_bytes) {
  return AotInstance::current().resize_table(data, old_size, size, element_bytes);
}

// The same number for the same type, in all objects of the process. From 1. Called by bind(), which
// one thread at a time calls.
std::uint32_t host_type_id(const std::uint8_t* letters, std::uint32_t length) {
  static std::map<std::string, std::uint32_t> ids;
  const auto next = static_cast<std::uint32_t>(ids.size() + 1);
  return ids.try_emplace({letters, letters + length}, next).first->second;
}

}  // namespace

constexpr aot::Host kAotHost = {
    .trap = host_trap,
    .call = host_call,
    .yield = AotInstance::yield_of,
    .check = host_check,
    .turn = host_turn,
    .memory_allocate = host_memory_allocate,
    .memory_grow = host_memory_grow,
    .segment = host_segment,
    .table_resize = host_table_resize,
    .type_id = host_type_id,
};

}  // namespace weft
