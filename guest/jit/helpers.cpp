// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/helpers.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "guest/jit/jit_instance.h"
#include "guest/jit/program.h"

namespace weft::jit {
namespace {

constexpr std::uint64_t kFailed32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kFailed64 = std::numeric_limits<std::uint64_t>::max();

bool is_inside(std::uint64_t at, std::uint64_t count, std::uint64_t size) {
  return count <= size && at <= size - count;
}

// An instruction that moves much does it in steps; between two steps other Gs may run.
constexpr std::uint64_t kStepBytes = std::uint64_t{256} << 10;

void fill(JitInstance& self, std::uint8_t* to, int value, std::uint64_t count) {
  for (; count > kStepBytes; to += kStepBytes, count -= kStepBytes, self.turn()) {
    std::memset(to, value, kStepBytes);
  }
  std::memset(to, value, count);
}

void copy(JitInstance& self, void* to_where, const void* from_where, std::uint64_t count) {
  auto* to = static_cast<std::uint8_t*>(to_where);
  const auto* from = static_cast<const std::uint8_t*>(from_where);
  if (to <= from) {
    for (; count > kStepBytes; to += kStepBytes, from += kStepBytes, self.turn()) {
      std::memmove(to, from, kStepBytes);
      count -= kStepBytes;
    }
  } else {
    for (; count > kStepBytes; count -= kStepBytes, self.turn()) {
      const std::uint64_t at = count - kStepBytes;
      std::memmove(to + at, from + at, kStepBytes);
    }
  }
  std::memmove(to, from, count);
}

constexpr std::uint64_t kStepElements = 16'384;

void fill_elements(JitInstance& self, std::uint64_t* to, std::uint64_t value, std::uint64_t count) {
  for (; count > kStepElements; to += kStepElements, count -= kStepElements, self.turn()) {
    std::fill_n(to, kStepElements, value);
  }
  std::fill_n(to, count, value);
}

std::uint32_t index_of(std::uint64_t argument) {
  return static_cast<std::uint32_t>(argument);
}

}  // namespace

// pages, memory
std::uint64_t Helpers::memory_grow(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const std::uint32_t memory = index_of(arguments[1]);
  const std::uint64_t before = self.grow_memory(memory, arguments[0]);
  const bool wide = self.program_.view.memories[memory].limits.is_64;
  return before == kFailed64 && !wide ? kFailed32 : before;
}

// to, from, count, memory, segment
std::uint64_t Helpers::memory_init(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const MemoryCell memory = self.memory(index_of(arguments[3]));
  const std::uint32_t segment = index_of(arguments[4]);
  std::span<const std::byte> bytes = self.program_.view.data[segment].bytes;
  if (self.dropped_data_[segment]) bytes = {};
  if (!is_inside(arguments[1], arguments[2], bytes.size()) ||
      !is_inside(arguments[0], arguments[2], memory.bytes)) {
    self.trap(TrapKind::memory_out_of_bounds);
  }
  if (arguments[2] != 0) {
    copy(self, memory.data + arguments[0], bytes.data() + arguments[1], arguments[2]);
  }
  return 0;
}

std::uint64_t Helpers::data_drop(Context* context, std::uint64_t* arguments) {
  JitInstance::of(context).dropped_data_[index_of(arguments[0])] = true;
  return 0;
}

// to, from, count, memory to, memory from
std::uint64_t Helpers::memory_copy(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const MemoryCell to = self.memory(index_of(arguments[3]));
  const MemoryCell from = self.memory(index_of(arguments[4]));
  if (!is_inside(arguments[0], arguments[2], to.bytes) ||
      !is_inside(arguments[1], arguments[2], from.bytes)) {
    self.trap(TrapKind::memory_out_of_bounds);
  }
  if (arguments[2] != 0) copy(self, to.data + arguments[0], from.data + arguments[1], arguments[2]);
  return 0;
}

// to, value, count, memory
std::uint64_t Helpers::memory_fill(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const MemoryCell memory = self.memory(index_of(arguments[3]));
  if (!is_inside(arguments[0], arguments[2], memory.bytes)) {
    self.trap(TrapKind::memory_out_of_bounds);
  }
  if (arguments[2] != 0) {
    fill(self, memory.data + arguments[0], static_cast<int>(arguments[1] & 0xff), arguments[2]);
  }
  return 0;
}

// to, from, count, table, segment
std::uint64_t Helpers::table_init(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const TableCell& table = self.table(index_of(arguments[3]));
  const std::uint32_t segment = index_of(arguments[4]);
  const wasm::Element& elements = self.program_.view.elements[segment];
  const std::size_t size =
      self.dropped_elements_[segment] ? 0 : elements.functions.size() + elements.expressions.size();
  if (!is_inside(arguments[1], arguments[2], size) ||
      !is_inside(arguments[0], arguments[2], table.size)) {
    self.trap(TrapKind::table_out_of_bounds);
  }
  for (std::uint64_t i = 0; i < arguments[2]; ++i) {
    table.elements[arguments[0] + i] = self.element(elements, arguments[1] + i);
    if (i % kStepElements == kStepElements - 1) self.turn();
  }
  return 0;
}

std::uint64_t Helpers::elem_drop(Context* context, std::uint64_t* arguments) {
  JitInstance::of(context).dropped_elements_[index_of(arguments[0])] = true;
  return 0;
}

// to, from, count, table to, table from
std::uint64_t Helpers::table_copy(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const TableCell& to = self.table(index_of(arguments[3]));
  const TableCell& from = self.table(index_of(arguments[4]));
  if (!is_inside(arguments[0], arguments[2], to.size) ||
      !is_inside(arguments[1], arguments[2], from.size)) {
    self.trap(TrapKind::table_out_of_bounds);
  }
  if (arguments[2] != 0) {
    copy(self, to.elements + arguments[0], from.elements + arguments[1], arguments[2] * 8);
  }
  return 0;
}

// value, count, table
std::uint64_t Helpers::table_grow(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const std::uint32_t index = index_of(arguments[2]);
  TableCell& table = self.table(index);
  const std::uint64_t before = table.size;
  const bool wide = self.program_.view.tables[index].limits.is_64;
  if (!self.grow_table(table, arguments[1])) return wide ? kFailed64 : kFailed32;
  fill_elements(self, table.elements + before, arguments[0], table.size - before);
  return before;
}

// to, value, count, table
std::uint64_t Helpers::table_fill(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  const TableCell& table = self.table(index_of(arguments[3]));
  if (!is_inside(arguments[0], arguments[2], table.size)) self.trap(TrapKind::table_out_of_bounds);
  fill_elements(self, table.elements + arguments[0], arguments[1], arguments[2]);
  return 0;
}

// tag, what it carries
std::uint64_t Helpers::throw_tag(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  self.raise(self.new_exception(index_of(arguments[0]), arguments + 1));
  return 0;
}

std::uint64_t Helpers::throw_reference(Context* context, std::uint64_t* arguments) {
  JitInstance& self = JitInstance::of(context);
  auto* exception = reinterpret_cast<std::uint64_t*>(arguments[0]);
  if (exception == nullptr) self.trap(TrapKind::null_exception);
  self.raise(exception);
  return 0;
}

// In the order of Helper.
static constexpr std::array<HelperFunction, kHelpers> kHelperFunctions = {
    &Helpers::memory_grow, &Helpers::memory_init, &Helpers::data_drop, &Helpers::memory_copy,
    &Helpers::memory_fill, &Helpers::table_init,  &Helpers::elem_drop, &Helpers::table_copy,
    &Helpers::table_grow,  &Helpers::table_fill,  &Helpers::throw_tag, &Helpers::throw_reference,
};

const Host& host_of_instances() {
  static constexpr Host kHost = {
      .trap = &JitInstance::trap_of,
      .call = &JitInstance::call_of,
      .call_embedder = &JitInstance::call_embedder_of,
      .yield = &CompiledInstance::yield_of,
      .refill = &JitInstance::refill_of,
      .entered = &JitInstance::entered_of,
      .compile = &JitInstance::compile_of,
      .helpers = kHelperFunctions,
  };
  return kHost;
}

}  // namespace weft::jit
