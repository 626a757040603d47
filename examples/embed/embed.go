// SPDX-License-Identifier: Apache-2.0

// A guest of a Go program, by cgo: go run embed.go GUEST.wasm
//
// The guest (guest/guest.c) reads lines from stdin, asks lookup() for each, and prints the
// answer. lookup() is C: a host function runs on the guest's green thread, and Go refuses to be
// called on a stack that it does not know. For the same reason the end handler and the output are
// left to the descriptors and to weft_guest_state.
package main

/*
#cgo pkg-config: weft-c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

static int lookup(void *context, weft_caller *caller, const weft_value *given, weft_value *result) {
	void *key, *to;
	char value[512];
	if (weft_caller_sleep(caller, 1000000) != WEFT_OK ||
	    weft_caller_memory(caller, given[0].i32, given[1].i32, &key) != WEFT_OK ||
	    weft_caller_memory(caller, given[2].i32, given[3].i32, &to) != WEFT_OK)
		return weft_caller_fail(caller, weft_last_error());
	snprintf(value, sizeof value, "the value of %.*s", given[1].i32, (const char *)key);
	result->i32 = strlen(value) < (size_t)given[3].i32 ? (int32_t)strlen(value) : given[3].i32;
	memcpy(to, value, result->i32);
	return WEFT_OK;
}

static int define_lookup(weft_runtime *runtime) {
	return weft_define(runtime, "app", "lookup", "iiii", "i", lookup, NULL);
}
*/
import "C"

import (
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"unsafe"
)

func must(code C.int) {
	if code != C.WEFT_OK {
		log.Fatal(C.GoString(C.weft_last_error()))
	}
}

func main() {
	runtime.LockOSThread() // The weft_runtime belongs to the thread that makes it.
	var r *C.weft_runtime
	var module *C.weft_module
	var guests [2]*C.weft_guest
	must(C.weft_runtime_create(nil, &r))
	must(C.define_lookup(r))
	path := C.CString(os.Args[1])
	defer C.free(unsafe.Pointer(path))
	must(C.weft_load(r, path, &module))

	// Two guests, which wait for their lookups side by side.
	var outputs [2]*os.File
	for i, word := range []string{"one\n", "two\n"} {
		out, to, err := os.Pipe()
		if err != nil {
			log.Fatal(err)
		}
		outputs[i] = out
		input := C.CString(word)
		options := C.weft_guest_options{input: input, stdout_fd: C.int32_t(to.Fd()),
			memory_bytes: 16 << 20, time: 10_000_000_000}
		must(C.weft_spawn(r, module, &options, &guests[i]))
		C.free(unsafe.Pointer(input))
		to.Close() // The guest has a duplicate.
	}
	must(C.weft_runtime_run(r))
	for i, guest := range guests {
		var code C.uint32_t
		state := C.weft_guest_state(guest, &code)
		said, _ := io.ReadAll(outputs[i])
		fmt.Printf("%sexited: %v, with %d\n", said, state == C.WEFT_EXITED, code)
	}
	must(C.weft_runtime_destroy(r))
}
