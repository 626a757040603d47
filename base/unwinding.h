// SPDX-License-Identifier: Apache-2.0
// WEFT_UNWINDS: 1 where a C++ exception runs destructors and reaches its catch block. It is 0 on
// wasm32-wasi, whose C++ runtime has no exceptions: scheduler/no_unwinding.h says what a throw does
// there.
#pragma once

#if defined(__wasm__) && !defined(__EMSCRIPTEN__) && !defined(__wasm_exception_handling__)
#define WEFT_UNWINDS 0
#else
#define WEFT_UNWINDS 1
#endif

// On what needs the frames of another G to be unwound: a call of it does not compile where nothing
// can do that.
#if WEFT_UNWINDS
#define WEFT_NEEDS_UNWINDING
#else
#define WEFT_NEEDS_UNWINDING \
  __attribute__((unavailable("this target has no C++ exceptions to unwind a G's frames with")))
#endif
