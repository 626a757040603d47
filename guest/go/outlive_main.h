// SPDX-License-Identifier: Apache-2.0
// Goroutines that outlive main: a change to a Go module, in memory, that lets a simulation see what
// they would still do.
//
// Go's runtime.exit(code) calls proc_exit, which never returns. In a changed module, when a host
// lets proc_exit return, runtime.exit goes on into runtime.goexit1: the calling goroutine ends, as
// by runtime.Goexit without its deferred calls, and the others go on. When all of them have come to
// rest, Go says that it is deadlocked and exits with 2. Under a host that lets nothing return the
// changed module is as before. It has the same length, so every offset stays.
#pragma once

#include <cstddef>
#include <span>

#include "guest/go/go_runtime.h"
#include "guest/wasm/module_view.h"

namespace weft::guest::go {

// `bytes` are those that `module` was read from. False, and nothing is changed, when runtime.exit
// is not as weft knows it.
bool let_outlive_main(const wasm::ModuleView& module, const GoRuntime& runtime,
                      std::span<std::byte> bytes);

}  // namespace weft::guest::go
