// SPDX-License-Identifier: Apache-2.0
/* Runs a Lua script from stdin on weft, with a scheduler of its own tasks: the module `weft`. An
 * argument is the script's name in messages, after a '@'.
 *
 *   weft.go(f, ...)       a task: f(...) on a G of its own. The program ends when all have
 *   weft.yield()          lets others run
 *   weft.sleep(seconds)   the same, for a time
 *   weft.channel(n)       c:send(value), c:receive(), c:close(); n values wait in it
 *   weft.id()             of the running G
 *
 * The script runs as the first task. An error in a task ends the program with 1. This is C, and
 * with Emscripten C++.
 */
#include "tests/lua/main.h"
#include "tests/lua/glue.inc"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lauxlib.h"
#include "lualib.h"

/* 200 C functions may call each other through Lua, some with buffers. */
enum { STACK_BYTES = 512 * 1024 };

static weft_scheduler* scheduler;
static int tasks;

void weft_lua_must(int code, const char* what) {
  if (code == WEFT_OK) return;
  fprintf(stderr, "Lua on weft: %s: %s: %s\n", what, weft_error_name(code), weft_last_error());
  exit(1);
}

int weft_lua_go(weft_start start, void* argument, void (*on_end)(void*), weft_g** g) {
  weft_g_options options = {};
  options.stack_bytes = STACK_BYTES;
  options.on_end = on_end;
  options.user = argument;
  return weft_go_with(scheduler, start, argument, &options, g) == WEFT_OK;
}

/* --- tasks --- */

static int add_traceback(lua_State* L) {
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* On its stack: the function and what it gets. */
static void runs_task(void* given) {
  lua_State* const L = (lua_State*)given;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, 1);
  if (lua_pcall(L, lua_gettop(L) - 2, 0, 1) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(1);
  }
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, L);
  if (--tasks == 0) exit(0);
}

static int start_task(lua_State* task) {
  ++tasks;
  return weft_lua_go(runs_task, task, NULL, NULL);
}

static int task_go(lua_State* L) {
  const int given = lua_gettop(L);
  lua_State* task;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  task = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, task);
  lua_xmove(L, task, given);
  return start_task(task) ? 0 : luaL_error(L, "no memory for a task");
}

static int task_yield(lua_State* L) {
  (void)L;
  weft_lua_must(weft_osyield(), "weft_osyield");
  return 0;
}

static int task_sleep(lua_State* L) {
  weft_lua_must(weft_usleep((uint32_t)(luaL_checknumber(L, 1) * 1e6)), "weft_usleep");
  return 0;
}

static int task_id(lua_State* L) {
  lua_pushinteger(L, (lua_Integer)weft_g_id(weft_self_g()));
  return 1;
}

/* --- channels: of references into Lua's registry --- */

static weft_chan* checked_channel(lua_State* L) {
  return *(weft_chan**)luaL_checkudata(L, 1, "weft.channel");
}

static int channel_make(lua_State* L) {
  const lua_Integer capacity = luaL_optinteger(L, 1, 0);
  weft_chan** const chan = (weft_chan**)lua_newuserdatauv(L, sizeof *chan, 0);
  *chan = NULL;
  weft_lua_must(weft_chan_make((size_t)capacity, chan), "weft_chan_make");
  luaL_setmetatable(L, "weft.channel");
  return 1;
}

static int channel_send(lua_State* L) {
  weft_chan* const chan = checked_channel(L);
  int code;
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  code = weft_chan_send(chan, (void*)(intptr_t)luaL_ref(L, LUA_REGISTRYINDEX));
  if (code == WEFT_ECLOSED) return luaL_error(L, "the channel is closed");
  weft_lua_must(code, "weft_chan_send");
  return 0;
}

static int channel_receive(lua_State* L) {
  void* got = NULL;
  const int code = weft_chan_recv(checked_channel(L), &got);
  if (code == WEFT_ECLOSED) {
    lua_pushnil(L);
    return 1;
  }
  weft_lua_must(code, "weft_chan_recv");
  lua_rawgeti(L, LUA_REGISTRYINDEX, (lua_Integer)(intptr_t)got);
  luaL_unref(L, LUA_REGISTRYINDEX, (int)(intptr_t)got);
  return 1;
}

static int channel_close(lua_State* L) {
  if (weft_chan_close(checked_channel(L)) != WEFT_OK) return luaL_error(L, "%s", weft_last_error());
  return 0;
}

static const luaL_Reg kTasks[] = {{"go", task_go}, {"yield", task_yield},     {"sleep", task_sleep},
                                  {"id", task_id}, {"channel", channel_make}, {NULL, NULL}};
static const luaL_Reg kChannel[] = {
    {"send", channel_send}, {"receive", channel_receive}, {"close", channel_close}, {NULL, NULL}};

static int open_weft(lua_State* L) {
  luaL_newmetatable(L, "weft.channel");
  luaL_newlib(L, kChannel);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, kTasks);
  return 1;
}

static const char* script_name = "@stdin";

static int run_script(lua_State* L) {
  luaL_Buffer text;
  size_t got;
  luaL_buffinit(L, &text);
  do {
    got = fread(luaL_prepbuffer(&text), 1, LUAL_BUFFERSIZE, stdin);
    luaL_addsize(&text, got);
  } while (got > 0);
  luaL_pushresult(&text);
  if (luaL_loadbuffer(L, lua_tostring(L, -1), lua_rawlen(L, -1), script_name) != LUA_OK)
    return lua_error(L);
  lua_remove(L, -2);
  lua_call(L, 0, 0);
  return 0;
}

int main(int argc, char** argv) {
  lua_State* const L = luaL_newstate();
  if (argc > 1) script_name = argv[1];
  if (L == NULL) return 1;
  luaL_openlibs(L);
  luaL_requiref(L, "weft", open_weft, 1);
  lua_settop(L, 0);
  weft_lua_must(weft_create(NULL, &scheduler), "weft_create");
  lua_pushcfunction(L, run_script);
  if (!start_task(L)) return 1;
  weft_lua_must(weft_run(scheduler), "weft_run");
  return 1;
}

#ifdef __wasi__
/* What its C library lacks, and Lua's libraries name. */
FILE* tmpfile(void) {
  return NULL;
}
int system(const char* command) {
  (void)command;
  return 0;
}
#endif
