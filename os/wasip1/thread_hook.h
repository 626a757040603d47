// SPDX-License-Identifier: Apache-2.0
// A CallHook of all processes of a thread, for what begins when they run already: a trace.
//
//   guest ─▶ Adapter ─▶ hook_of_thread, or that of the process ─▶ the function ─▶ ...
#pragma once

#include "os/wasip1/call_hook.h"

namespace weft::wasip1 {

// It stands in place of the process's own hook, and calls that one itself. A call that is under way
// uses it until it returns, also when this is set back: so it must live as long as the thread.
inline thread_local constinit CallHook* hook_of_thread = nullptr;

}  // namespace weft::wasip1
