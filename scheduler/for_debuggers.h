// SPDX-License-Identifier: Apache-2.0
// What a debugger's script reads of green threads without debug information, in a live process and
// in a core file: tools/gdb/weft-gdb.py. Two symbols, which also a stripped program has:
//
//   weft_debug_gs          a header, and where each field is that leads to all Gs
//   weft_debug_schedulers  the schedulers that there are, each with the thread that made it
//
// Both are in scheduler/debugger_view.cpp. Fields are only added at the end; kDebugGsVersion grows
// when one changes its meaning.
#pragma once

namespace weft {

class Scheduler;

#if defined(__linux__)

inline constexpr int kDebugGsVersion = 1;
// Others are not seen.
inline constexpr int kDebugSchedulersMax = 64;

// A scheduler is seen from the one call to the other. From: any thread.
void show_to_debuggers(const Scheduler& scheduler);
void hide_from_debuggers(const Scheduler& scheduler);

#else

inline void show_to_debuggers(const Scheduler& scheduler) {
  (void)scheduler;
}
inline void hide_from_debuggers(const Scheduler& scheduler) {
  (void)scheduler;
}

#endif

}  // namespace weft
