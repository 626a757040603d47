// SPDX-License-Identifier: Apache-2.0
/* The program that runs a Lua script on weft, and its module `weft`: main.c. */
#ifndef TESTS_LUA_MAIN_H
#define TESTS_LUA_MAIN_H

#include "capi/weft.h"

/* Ends the program with a line when code is not WEFT_OK. */
void weft_lua_must(int code, const char* what);

/* A G for Lua: start(argument), then on_end(argument). 0: there is no memory for its stack. */
int weft_lua_go(weft_start start, void* argument, void (*on_end)(void*), weft_g** g);

#endif
