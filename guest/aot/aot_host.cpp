// SPDX-License-Identifier: Apache-2.0
// The functions of aot::Host: what compiled code calls, handed to the instance that it belongs to.
#include <map>
#include <string>

#include "guest/aot/aot_instance.h"

namespace weft {
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

std::uint32_t host_check(void* guest) {
  return static_cast<AotInstance*>(guest)->check();
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
    .memory_allocate = host_memory_allocate,
    .memory_grow = host_memory_grow,
    .segment = host_segment,
    .table_resize = host_table_resize,
    .type_id = host_type_id,
};

}  // namespace weft
