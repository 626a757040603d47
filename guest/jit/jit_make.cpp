// SPDX-License-Identifier: Apache-2.0
// Making an instance: its memories, tables and globals, and what is in them at first.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "guest/jit/jit_instance.h"
#include "guest/jit/program.h"
#include "guest/wasm/decoder.h"
#include "os/wasip1/process.h"

namespace weft::jit {
namespace {

// What an idle instance keeps of each of its tables.
constexpr std::size_t kElementsKept = 8 * 1024;

// The most that a 32-bit memory may have, and a 64-bit one here.
constexpr std::uint64_t kPagesMax = 65'536;

}  // namespace

MemoryCell JitInstance::memory(std::uint32_t index) const {
  if (index == 0) return {context_->memory, context_->memory_bytes};
  return *cell<MemoryCell>(program_.layout.memory(index));
}

TableCell& JitInstance::table(std::uint32_t index) {
  return *cell<TableCell>(program_.layout.table(index));
}

// A constant expression, which is valid.
std::uint64_t JitInstance::constant(wasm::ConstExpr expr, std::uint64_t* high) const {
  wasm::ByteReader code(program_.view.bytes_of(expr), expr.offset);
  std::array<std::uint64_t, 2> few{};
  std::vector<std::uint64_t> many;  // Extended constants may nest.
  std::size_t depth = 0;
  const auto at = [&](std::size_t i) -> std::uint64_t& {
    if (i < few.size()) return few[i];
    if (many.size() <= i - few.size()) many.resize(i - few.size() + 1);
    return many[i - few.size()];
  };
  wasm::Instruction in;
  const auto binary = [&](auto&& f, bool wide) {
    --depth;
    const std::uint64_t result = f(at(depth - 1), at(depth));
    at(depth - 1) = wide ? result : static_cast<std::uint32_t>(result);
  };
  const auto add = [](std::uint64_t a, std::uint64_t b) { return a + b; };
  const auto sub = [](std::uint64_t a, std::uint64_t b) { return a - b; };
  const auto mul = [](std::uint64_t a, std::uint64_t b) { return a * b; };
  for (;;) {
    wasm::decode(code, in);
    switch (in.op) {
      case wasm::Op::end:
        return at(0);
      case wasm::Op::global_get: {
        const auto* global = cell<std::uint64_t>(program_.layout.global(in.index));
        at(depth++) = global[0];
        if (high != nullptr) *high = global[1];
        break;
      }
      case wasm::Op::ref_func:
        at(depth++) = reinterpret_cast<std::uint64_t>(program_.entry(in.index));
        break;
      case wasm::Op::ref_null:
        at(depth++) = 0;
        break;
      case wasm::Op::v128_const:
        std::memcpy(&at(depth++), in.bytes, 8);
        if (high != nullptr) std::memcpy(high, in.bytes + 8, 8);
        break;
      case wasm::Op::i32_add:
      case wasm::Op::i64_add:
        binary(add, in.op == wasm::Op::i64_add);
        break;
      case wasm::Op::i32_sub:
      case wasm::Op::i64_sub:
        binary(sub, in.op == wasm::Op::i64_sub);
        break;
      case wasm::Op::i32_mul:
      case wasm::Op::i64_mul:
        binary(mul, in.op == wasm::Op::i64_mul);
        break;
      default:
        at(depth++) = in.value;
        break;
    }
  }
}

std::uint64_t JitInstance::element(const wasm::Element& segment, std::size_t index) const {
  if (!segment.functions.empty()) {
    return reinterpret_cast<std::uint64_t>(program_.entry(segment.functions[index]));
  }
  return constant(segment.expressions[index]);
}

// All that the guest can change gets its first value.
void JitInstance::make() {
  making_ = true;
  free_exceptions();
  MemoryImage& image = program_.image;
  laid_ = false;
  memory_bytes_ = {};
  if (!image.is_complete()) image.clear();
  const std::uint32_t first_table = program_.layout.tables;
  const std::uint32_t tables_end =
      program_.layout.table(static_cast<std::uint32_t>(program_.view.tables.size()));
  const std::uint64_t stack_limit = context_->stack_limit;
  std::memset(context_, 0, first_table);
  std::memset(cell<std::uint8_t>(tables_end), 0, program_.layout.bytes - tables_end);
  context_->owner = static_cast<CompiledInstance*>(this);
  context_->portions = this;
  context_->stack_limit = stack_limit;
  context_->fuel_left = 1;
  context_->saves_floats = &program_.saves_floats;
  dropped_data_.assign(program_.view.data.size(), false);
  dropped_elements_.assign(program_.view.elements.size(), false);
  make_memories();
  make_tables();
  make_globals();
  fill_tables();
  fill_memories();
  making_ = false;
  if (!image.is_complete()) image.complete();
}

void JitInstance::make_memories() {
  MemoryPool& pool = program_.shared->memories;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const wasm::Limits& limits = program_.view.memories[i].limits;
    const std::size_t bytes = limits.min * kWasmPageBytes;
    const bool guard = i == 0 && program_.shared->guard_pages && !limits.is_64;
    initial_bytes_[i] = bytes;
    if (limits.min > std::min<std::uint64_t>(kPagesMax, program_.limits.memory_pages_max) ||
        !process_->budgets().memory_bytes.take(bytes) ||
        (places_[i].data == nullptr && !pool.take(bytes, guard, places_[i]))) {
      trap(TrapKind::out_of_memory);
    }
    memory_changed(i, bytes);
  }
  if (!places_.empty() && program_.image.is_complete()) {
    MemoryPool::lay(program_.image, places_[0]);
    laid_ = true;
  }
}

void JitInstance::memory_changed(std::uint32_t index, std::uint64_t bytes) {
  const MemoryPlace& place = places_[index];
  if (index == 0) {
    context_->memory = place.data;
    context_->memory_bytes = bytes;
    memory_bytes_ = {reinterpret_cast<std::byte*>(place.data), bytes};
    state_.memory = place.data;
    state_.reserved_bytes = place.reserved_bytes;
  } else {
    *cell<MemoryCell>(program_.layout.memory(index)) = {place.data, bytes};
  }
}

std::uint64_t JitInstance::grow_memory(std::uint32_t index, std::uint64_t pages) {
  constexpr std::uint64_t kFailed = UINT64_MAX;
  const wasm::Limits& limits = program_.view.memories[index].limits;
  const std::uint64_t before = memory(index).bytes;
  std::uint64_t pages_max = std::min<std::uint64_t>(kPagesMax, program_.limits.memory_pages_max);
  if (limits.has_max) pages_max = std::min(pages_max, limits.max);
  if (pages > pages_max || before / kWasmPageBytes > pages_max - pages) return kFailed;
  Budget& budget = process_->budgets().memory_bytes;
  const std::size_t more = pages * kWasmPageBytes;
  if (!budget.take(more)) return kFailed;
  const bool grown = grow_place(program_.shared->memories, places_[index], before, before + more,
                                context_->exit_address);
  if (grown) {
    memory_changed(index, before + more);
  } else {
    budget.give_back(more);
  }
  return grown ? before / kWasmPageBytes : kFailed;
}

void JitInstance::make_tables() {
  for (std::uint32_t i = 0; i < program_.view.tables.size(); ++i) {
    const wasm::Limits& limits = program_.view.tables[i].limits;
    TableCell& made = table(i);
    made.size = 0;
    made.max = limits.has_max ? limits.max : UINT64_MAX;
    if (!limits.is_64) made.max = std::min<std::uint64_t>(made.max, UINT32_MAX);
    const bool is_new = made.elements == nullptr;  // Then it is all zeroes.
    if (!grow_table(made, limits.min)) trap(TrapKind::out_of_memory);
    if (!is_new) std::fill_n(made.elements, made.size, 0);
  }
}

// New elements hold anything; those of a new table are null.
bool JitInstance::grow_table(TableCell& table, std::uint64_t elements) {
  constexpr std::uint64_t kBytesMax = PTRDIFF_MAX / 2;  // There may be room for twice as many.
  if (elements > table.max - table.size || elements > kBytesMax / 8 - table.size) return false;
  Budget& budget = process_->budgets().table_elements;
  if (!budget.take(elements)) return false;
  const std::uint64_t size = table.size + elements;
  if (size > table.room) {
    const std::uint64_t room = std::max<std::uint64_t>(size, making_ ? 0 : 2 * table.room);
    void* bigger =
        table.elements != nullptr ? std::realloc(table.elements, room * 8) : std::calloc(room, 8);
    if (bigger == nullptr) {
      budget.give_back(elements);
      return false;
    }
    table.elements = static_cast<std::uint64_t*>(bigger);
    table.room = room;
  }
  table.size = size;
  return true;
}

void JitInstance::make_globals() {
  for (std::uint32_t i = 0; i < program_.view.globals.size(); ++i) {
    auto* global = cell<std::uint64_t>(program_.layout.global(i));
    global[0] = constant(program_.view.globals[i].init, &global[1]);
  }
}

void JitInstance::fill_tables() {
  for (std::size_t i = 0; i < program_.view.elements.size(); ++i) {
    const wasm::Element& segment = program_.view.elements[i];
    if (segment.mode == wasm::Element::Mode::passive) continue;
    dropped_elements_[i] = true;
    if (segment.mode != wasm::Element::Mode::active) continue;
    const TableCell& to = table(segment.table);
    const std::uint64_t at = constant(segment.offset);
    const std::size_t count = segment.functions.size() + segment.expressions.size();
    if (count > to.size || at > to.size - count) trap(TrapKind::table_out_of_bounds);
    for (std::size_t k = 0; k < count; ++k) to.elements[at + k] = element(segment, k);
  }
}

void JitInstance::fill_memories() {
  for (std::size_t i = 0; i < program_.view.data.size(); ++i) {
    const wasm::Data& segment = program_.view.data[i];
    if (!segment.active) continue;
    dropped_data_[i] = true;
    // Go's modules have thousands: where each goes was read, and found to fit, for the image.
    if (segment.memory == 0 && laid_) continue;
    const MemoryCell to = memory(segment.memory);
    const std::uint64_t at = constant(segment.offset);
    const std::size_t count = segment.bytes.size();
    if (count > to.bytes || at > to.bytes - count) trap(TrapKind::memory_out_of_bounds);
    if (count == 0) continue;
    std::memcpy(to.data + at, segment.bytes.data(), count);
    if (segment.memory != 0) continue;
    program_.image.add(static_cast<std::uint32_t>(at),
                       reinterpret_cast<const std::uint8_t*>(segment.bytes.data()),
                       static_cast<std::uint32_t>(count));
  }
}

void JitInstance::release() noexcept {
  release_exceptions();
  if (making_) return;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    MemoryPool::release(places_[i], memory(i).bytes);
  }
}

bool JitInstance::clear() {
  if (making_) return false;  // It could not be made.
  free_exceptions();
  for (std::uint32_t i = 0; i < program_.view.tables.size(); ++i) {
    TableCell& kept = table(i);  // What an idle instance keeps is in no guest's budget.
    if (kept.room <= kElementsKept) continue;
    std::free(std::exchange(kept.elements, nullptr));
    kept.room = 0;
  }
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    if (!MemoryPool::reset(places_[i], memory(i).bytes, initial_bytes_[i])) return false;
  }
  return true;
}

}  // namespace weft::jit
