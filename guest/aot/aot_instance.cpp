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

#include "os/wasip1/process.h"

namespace weft {
namespace {

// The most that a memory may have: its size in bytes is 32 bits wide.
constexpr std::uint32_t kPagesMax = 65'535;

// What an idle instance keeps of each of its tables.
constexpr std::size_t kTableBytesKept = 64 * 1024;

}  // namespace

AotInstance::AotInstance(AotParts& parts, CompiledModule& module)
    : CompiledInstance(module), parts_(parts) {
  WEFT_CHECK(static_cast<Portions*>(this) == static_cast<void*>(this),
             "compiled code would take another object for its guest");
  instance_ = std::calloc(1, parts_.object.instance_bytes);
  if (instance_ == nullptr) throw std::bad_alloc();
}

AotInstance::~AotInstance() {
  const std::size_t bytes = memory_ != nullptr ? memory_->size : place_.usable_bytes;
  if (place_.data != nullptr) parts_.memories->give_back(place_, bytes);
  for (const Table& table : tables_) std::free(table.data);
  std::free(instance_);
}

AotInstance& AotInstance::current() {
  return static_cast<AotInstance&>(CompiledInstance::current());
}

// Between enter() and the guest's code: nothing in these two may need to be destroyed.
void AotInstance::make_guest(void* argument) {
  auto& self = *static_cast<AotInstance*>(argument);
  const aot::Object& object = self.parts_.object;
  self.make();
  if (object.start != nullptr) object.start(self.instance_);
}

void AotInstance::call_guest(void* argument) {
  auto& self = *static_cast<AotInstance*>(argument);
  self.parts_.object.call(self.instance_, self.called_->index, self.values_);
}

// All that the guest can change gets its first value: the segments from the image, everything else
// from the object.
void AotInstance::make() {
  MemoryImage& image = parts_.image;
  memory_ = nullptr;
  memory_bytes_ = {};
  laid_ = false;
  tables_made_ = 0;
  making_ = true;
  if (!image.is_complete()) image.clear();
  const aot::Object& object = parts_.object;
  std::memset(instance_, 0, object.instance_bytes);
  object.instantiate(instance_, this);
  memory_ = object.memory(instance_);
  making_ = false;
  if (!image.is_complete()) image.complete();
}

void AotInstance::release() noexcept {
  if (!making_ && memory_ != nullptr) MemoryPool::release(place_, memory_->size);
}

bool AotInstance::clear() {
  if (making_) return false;      // It could not be made.
  for (Table& table : tables_) {  // What an idle instance keeps is in no guest's budget.
    if (table.bytes <= kTableBytesKept) continue;
    std::free(std::exchange(table.data, nullptr));
    table.bytes = 0;
  }
  if (memory_ == nullptr) return true;
  return MemoryPool::reset(place_, memory_->size, initial_bytes_);
}

GuestEnd AotInstance::start(wasip1::Process& process) {
  begin(process);
  return enter(&make_guest, this);
}

GuestEnd AotInstance::call(const ExportInfo& function, std::span<std::uint64_t> values) {
  called_ = &function;
  values_ = values.data();
  return enter(&call_guest, this);
}

std::optional<Computing> AotInstance::computing() const {
  std::uint32_t sp = 0;
  if (const std::uint32_t at = parts_.object.stack_pointer; at != 0) {
    std::memcpy(&sp, static_cast<const char*>(instance_) + at, sizeof sp);
  }
  return computing_with(sp);
}

void AotInstance::place_changed(aot::Memory& memory, std::uint32_t pages) {
  memory.data = place_.data;
  memory.pages = pages;
  memory.size = pages * kWasmPageBytes;
  memory_bytes_ = {reinterpret_cast<std::byte*>(place_.data), memory.size};
  state_.memory = place_.data;
  state_.reserved_bytes = place_.reserved_bytes;
}

void AotInstance::allocate(aot::Memory& memory, std::uint32_t pages, std::uint32_t max) {
  memory.max_pages = std::min(max, kPagesMax);
  initial_bytes_ = std::size_t{pages} * kWasmPageBytes;
  if (pages > memory.max_pages || !process_->budgets().memory_bytes.take(initial_bytes_) ||
      (place_.data == nullptr &&
       !parts_.memories->take(initial_bytes_, parts_.guard_pages, place_))) {
    trap(TrapKind::out_of_memory, 0);
  }
  place_changed(memory, pages);
  if (parts_.image.is_complete()) {
    MemoryPool::lay(parts_.image, place_);
    laid_ = true;
  }
}

std::uint32_t AotInstance::grow(aot::Memory& memory, std::uint32_t pages, const void* from) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t old_pages = memory.pages;
  if (pages > memory.max_pages - old_pages) return kNone;
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  Budget& budget = process_->budgets().memory_bytes;
  const std::size_t more = std::size_t{pages} * kWasmPageBytes;
  if (!budget.take(more)) return kNone;
  if (!grow_place(*parts_.memories, place_, memory.size, memory.size + more, from)) {
    budget.give_back(more);
    return kNone;
  }
  place_changed(memory, old_pages + pages);
  return old_pages;
}

void AotInstance::segment(aot::Memory& memory, std::uint32_t at, const std::uint8_t* bytes,
                          std::uint32_t count) noexcept {
  if (laid_) return;
  std::memcpy(memory.data + at, bytes, count);
  parts_.image.add(at, bytes, count);
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
    case aot::Trap::uncaught_exception:
      return TrapKind::uncaught_exception;
    case aot::Trap::none:
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
  CompiledInstance::current().trap(kind_of(kind), offset, detail_of(kind));
}

std::uint64_t host_call(void* guest, std::uint32_t import, const std::uint64_t* args,
                        const void* from) {
  return static_cast<CompiledInstance*>(guest)->call(import, args, from);
}

std::uint32_t host_refill(void* guest, std::uint32_t left, const void* from) {
  return static_cast<CompiledInstance*>(guest)->refill(left, from);
}

void host_entered(void* guest, std::uint32_t entry, std::uint32_t sp, std::uint32_t g) {
  static_cast<CompiledInstance*>(guest)->entered(entry, sp, g);
}

void host_turn(const void* from) {
  CompiledInstance::current().turn(from);
}

void host_memory_allocate(aot::Memory* memory, std::uint32_t pages, std::uint32_t max) {
  AotInstance::current().allocate(*memory, pages, max);
}

std::uint32_t host_memory_grow(aot::Memory* memory, std::uint32_t pages, const void* from) {
  return AotInstance::current().grow(*memory, pages, from);
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
    .yield = CompiledInstance::yield_of,
    .refill = host_refill,
    .entered = host_entered,
    .turn = host_turn,
    .memory_allocate = host_memory_allocate,
    .memory_grow = host_memory_grow,
    .segment = host_segment,
    .table_resize = host_table_resize,
    .type_id = host_type_id,
};

}  // namespace weft
