// SPDX-License-Identifier: Apache-2.0
/* Coroutines of Lua as Gs: the picture is in glue.inc. This is C, and with Emscripten C++. */
#include "tests/lua/glue.inc"

#include <stdio.h>
#include <stdlib.h>

#include "capi/weft.h"
#include "ldo.h"
#include "lstate.h"
#include "tests/lua/main.h"

/* Lua's own, under other names: ldo.c and lstate.c are compiled so. */
LUA_API int weft_stock_resume(lua_State* L, lua_State* from, int nargs, int* nresults);
LUA_API int weft_stock_yieldk(lua_State* L, int nresults, lua_KContext ctx, lua_KFunction k);
LUA_API int weft_stock_resetthread(lua_State* L);

/* What lua_resume gives back. On the stack of the G that has called it. */
struct outcome {
  int status;
  int nresults;
};

/* A coroutine that has begun, until its G has ended. */
struct coroutine {
  lua_State* L;
  weft_g* g;
  weft_g* resumer; /* Parked in lua_resume, while the coroutine runs. */
  lua_State* from;
  int nargs;
  struct outcome* outcome;
  int ends; /* It was closed or collected: L is not to be touched. */
};

static struct coroutine** coroutine_of(lua_State* L) {
  return (struct coroutine**)lua_getextraspace(L);
}

void weft_lua_opened(lua_State* thread) {
  *coroutine_of(thread) = NULL;
}

/* Ends the G of a suspended coroutine: it stops in lua_yieldk. */
static void end(struct coroutine* co) {
  *coroutine_of(co->L) = NULL;
  co->ends = 1;
  weft_lua_must(weft_ready(co->g), "weft_ready");
}

void weft_lua_freed(lua_State* thread) {
  if (*coroutine_of(thread) != NULL) end(*coroutine_of(thread));
}

LUA_API int lua_resetthread(lua_State* L) {
  struct coroutine* const co = *coroutine_of(L);
  const int status = weft_stock_resetthread(L);
  if (co != NULL) end(co);
  return status;
}

static void hand_back(struct coroutine* co, int status, int nresults) {
  co->outcome->status = status;
  co->outcome->nresults = nresults;
  weft_lua_must(weft_ready_next(co->resumer), "weft_ready_next");
}

/* The G of a coroutine. Lua's own lua_resume comes back before the end when a hook yields. */
static void runs(void* given) {
  struct coroutine* const co = (struct coroutine*)given;
  int status = LUA_YIELD;
  int nresults = 0;
  while (!co->ends) {
    status = weft_stock_resume(co->L, co->from, co->nargs, &nresults);
    if (status != LUA_YIELD) break;
    hand_back(co, status, nresults);
    weft_lua_must(weft_park(), "weft_park");
  }
  if (co->ends) return;
  *coroutine_of(co->L) = NULL;
  hand_back(co, status, nresults);
}

static struct coroutine* start(lua_State* L) {
  struct coroutine* const co = (struct coroutine*)calloc(1, sizeof *co);
  if (co == NULL) return NULL;
  co->L = L;
  if (!weft_lua_go(runs, co, free, &co->g)) {
    free(co);
    return NULL;
  }
  return co;
}

LUA_API int lua_resume(lua_State* L, lua_State* from, int nargs, int* nresults) {
  struct coroutine* co = *coroutine_of(L);
  struct outcome outcome = {LUA_OK, 0};
  const int starts =
      L->status == LUA_OK && L->ci == &L->base_ci && L->top - (L->ci->func + 1) != nargs;
  const int goes_on = L->status == LUA_YIELD && co != NULL;
  /* What can't be resumed, Lua's own says. */
  if ((!starts && !goes_on) || (from != NULL && getCcalls(from) >= LUAI_MAXCCALLS))
    return weft_stock_resume(L, from, nargs, nresults);
  if (starts) {
    co = start(L);
    if (co == NULL) {
      lua_settop(L, 0);
      lua_pushliteral(L, "no memory for the stack of a coroutine");
      return LUA_ERRMEM;
    }
    *coroutine_of(L) = co;
  }
  co->from = from;
  co->nargs = nargs;
  co->resumer = weft_self_g();
  co->outcome = &outcome;
  if (!starts) weft_lua_must(weft_ready_next(co->g), "weft_ready_next");
  weft_lua_must(weft_park(), "weft_park");
  *nresults = outcome.nresults;
  return outcome.status;
}

LUA_API int lua_yieldk(lua_State* L, int nresults, lua_KContext ctx, lua_KFunction k) {
  struct coroutine* const co = *coroutine_of(L);
  struct lua_longjmp* const handler = L->errorJmp;
  const l_uint32 calls = L->nCcalls;
  /* What can't yield, and a hook, is Lua's own. */
  if (co == NULL || !yieldable(L) || isLua(L->ci)) return weft_stock_yieldk(L, nresults, ctx, k);
  L->status = LUA_YIELD;
  L->ci->u2.nyield = nresults;
  L->errorJmp = NULL;
  hand_back(co, LUA_YIELD, nresults);
  weft_lua_must(weft_park(), "weft_park");
  if (co->ends) weft_kill_g(weft_self_g()); /* Does not return. */
  L->errorJmp = handler;
  L->nCcalls = calls;
  L->status = LUA_OK;
  return k != NULL ? k(L, LUA_YIELD, ctx) : co->nargs;
}
