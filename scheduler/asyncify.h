// SPDX-License-Identifier: Apache-2.0
// What Binaryen's Asyncify and the linker give: the four functions that move the state of a module,
// and the pointer to the stack of locals. Asyncify takes the imports of these names away when it
// rewrites the module.
//
// A function that calls start_unwind or stop_rewind is never rewritten, and its callers are; one
// that calls stop_unwind or start_rewind is not rewritten, and what it does does not spread to its
// callers.
#pragma once

#include <cstddef>

#if defined(__wasm__)
#define WEFT_ASYNCIFY(name) __attribute__((import_module("asyncify"), import_name(name)))
#else
#define WEFT_ASYNCIFY(name)
#endif

extern "C" {
WEFT_ASYNCIFY("start_unwind") void weft_asyncify_start_unwind(void* saved);
WEFT_ASYNCIFY("stop_unwind") void weft_asyncify_stop_unwind();
WEFT_ASYNCIFY("start_rewind") void weft_asyncify_start_rewind(void* saved);
WEFT_ASYNCIFY("stop_rewind") void weft_asyncify_stop_rewind();
}

namespace weft {

inline std::byte* stack_pointer() {
  std::byte* at = nullptr;
  __asm__ volatile(
      ".globaltype __stack_pointer, i32\n"
      "global.get __stack_pointer\n"
      "local.set %0"
      : "=r"(at));
  return at;
}

inline void set_stack_pointer(std::byte* at) {
  __asm__ volatile(
      ".globaltype __stack_pointer, i32\n"
      "local.get %0\n"
      "global.set __stack_pointer"
      :
      : "r"(at));
}

}  // namespace weft
