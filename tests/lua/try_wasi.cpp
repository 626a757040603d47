// SPDX-License-Identifier: Apache-2.0
// What Lua needs setjmp for, on a target without it and without C++ exceptions: see glue.inc.
#include <cxxabi.h>

#include "scheduler/no_unwinding.h"

struct lua_State;

namespace {
struct LuaError {};
}  // namespace

extern "C" void weft_lua_try(void (*f)(lua_State*, void*), lua_State* L, void* ud) {
  weft::CatchPoint point;
  if (weft::call_catching(point, [&] { f(L, ud); })) return;
  // A G that ends is not Lua's to stop.
  if (point.get<LuaError>() == nullptr) abi::__cxa_rethrow_primary_exception(point.thrown);
}

extern "C" [[noreturn]] void weft_lua_throw() {
  throw LuaError();
}
