// SPDX-License-Identifier: Apache-2.0
// The layouts that weft and a compiled module share: what guest/aot/aot_rt.inc says in C.
#pragma once

#include <cstdint>

namespace weft::aot {

// A part of every key of the cache. Change it with any change of what follows, of
// guest/aot/aot_rt.inc, of the fuel points or of the compiler's flags.
inline constexpr std::uint32_t kAbi = 19;

// The name of the one symbol that an object gives away.
inline constexpr const char* kObjectSymbol = "weft_object";

// wasm_rt_trap_t.
enum class Trap : std::uint32_t {
  none,
  out_of_bounds,
  integer_overflow,
  divide_by_zero,
  bad_conversion,
  unreachable,
  bad_indirect_call,
  uncaught_exception,
  exhaustion,
  table,
  no_element,
  null_element,
};

// wasm_rt_memory_t.
struct Memory {
  std::uint8_t* data;
  std::uint32_t pages;
  std::uint32_t max_pages;
  std::uint32_t size;  // In bytes.
};

// What a module calls. `guest` points to Portions, which instantiate() gets. `from` is where the
// guest's function goes on.
struct Host {
  // Does not return. `offset` is that of the instruction in the module, or 0 when it must be looked
  // for on the stack.
  void (*trap)(std::uint32_t kind, std::uint32_t offset);
  // Values are bits, in the low ones where there are 32.
  std::uint64_t (*call)(void* guest, std::uint32_t import, const std::uint64_t* args,
                        const void* from);
  std::uint32_t (*yield)(void* guest);  // sched_yield, without a frame of the object's in between.
  // The portion is used up: `left` <= 0 is left of it. Returns the next portion, > 0.
  std::uint32_t (*refill)(void* guest, std::uint32_t left, const void* from);
  // A function of Go's runtime begins: guest/go/steering.h.
  void (*entered)(void* guest, std::uint32_t entry, std::uint32_t sp, std::uint32_t g);
  // A safe point between two steps of an instruction that moves much.
  void (*turn)(const void* from);
  void (*memory_allocate)(Memory* memory, std::uint32_t pages, std::uint32_t max);
  std::uint32_t (*memory_grow)(Memory* memory, std::uint32_t pages, const void* from);
  // An active segment of data, of instantiate(): its place is within the memory.
  void (*segment)(Memory* memory, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t count);
  // Returns null elements behind the old ones, or null when there is no room. The host frees them.
  void* (*table_resize)(void* data, std::uint32_t old_size, std::uint32_t size,
                        std::uint32_t element_bytes);
  std::uint32_t (*type_id)(const std::uint8_t* letters, std::uint32_t length);
};

struct Object {
  std::uint32_t abi;
  std::uint32_t instance_bytes;
  void (*bind)(const Host* host);  // Once, before all else.
  // Globals, memory, tables, segments; may trap. Of zeroed bytes, or of an instance again.
  void (*instantiate)(void* instance, void* guest);
  Memory* (*memory)(void* instance);  // Null when the module has none.
  void (*start)(void* instance);      // Null when it has no start function.
  // Calls an exported function by its index; see Instance::call.
  void (*call)(void* instance, std::uint32_t function, std::uint64_t* values);
  // Of a Go guest: where in an instance its stack pointer is. A function that the compiler could
  // see through may not have taken its own frame from it. 0 for others.
  std::uint32_t stack_pointer;
  // Where the code of the functions begins that the module defines, in their order: each number is
  // the distance from its own address.
  std::uint32_t function_count;
  const std::int32_t* functions;
};

}  // namespace weft::aot
