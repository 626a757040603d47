// SPDX-License-Identifier: Apache-2.0
// The goroutines of a Go guest, read from its memory: what Go's own dump of a program lists. The
// guest is at rest, in a WASI call or ended.
//
// A guest may have overwritten its own runtime, so every read is checked: what can't be read ends
// the list. And what it costs is bounded, whatever the guest holds: by numbers of goroutines and of
// places in the source, and by the length of a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guest/computing.h"
#include "guest/go/go_runtime.h"

namespace weft::guest::go {

// A function that called another one, and where it did.
struct GoCaller {
  std::string function;
  SourcePlace at;
};

// Names and files are printable, and cut at about 200 bytes.
struct Goroutine {
  std::uint64_t id = 0;
  GStatus status = GStatus::idle;
  bool is_system = false;   // One of the runtime's own, as for Go's dumps.
  bool is_of_init = false;  // Started while packages were initialised: meant to stay.
  std::string wait_reason;  // Of one that waits: "chan receive".
  std::string function;     // What the go statement called: "main.main.func1".
  std::string creator;      // The function with the go statement; "": the runtime.
  std::uint64_t creator_id = 0;
  SourcePlace created_at;
  // Of one that does not run: where in the program's own code (guest/go/stack_scan.h). Of the one
  // that runs, when the guest computes: the function that it is in, without a place. "" when that
  // is not known.
  std::string in;
  SourcePlace at;
  // Of the one that runs: Go's runtime does something for it there, on the stack of its scheduler.
  bool is_on_system_stack = false;
  // Of that function: who called it, who called that one, and so on (guest/go/callers.h). On the
  // system stack: the place in the program's own code that it is done for.
  std::vector<GoCaller> callers;
  bool has_more_callers = false;
};

// How many goroutines are in which state; the runtime's own are not counted.
struct GoroutineCounts {
  std::size_t running = 0;      // 0 or 1; in a call of the host, too.
  std::size_t runnable = 0;     // They wait for their turn.
  std::size_t waiting = 0;      // Blocked.
  std::uint64_t looked_at = 0;  // These, the runtime's own, and those that have ended.
  bool is_whole = true;         // False: there are more, which were not looked at.

  [[nodiscard]] std::size_t all() const { return running + runnable + waiting; }
};

inline constexpr std::uint64_t kGoroutinesCounted = 100'000;  // What is beyond is not seen.
inline constexpr std::size_t kGoroutinesListed = 1'000;

// The first `max`, in the order in which they were made, without those that have ended; behind them
// the one that runs, when it was made after these. `computing`: where the guest computes, if it
// does. Where the budget does not suffice, places in the source are left out.
std::vector<Goroutine> list_goroutines(const GoRuntime& runtime, std::span<const std::byte> memory,
                                       std::size_t max, const std::optional<Computing>& computing,
                                       PlaceBudget& budget);
inline std::vector<Goroutine> list_goroutines(const GoRuntime& runtime,
                                              std::span<const std::byte> memory,
                                              std::size_t max = kGoroutinesListed,
                                              const std::optional<Computing>& computing = {}) {
  PlaceBudget budget;
  return list_goroutines(runtime, memory, max, computing, budget);
}

// Looks at up to `max`, and at most kGoroutinesCounted. Copies no names.
GoroutineCounts count_goroutines(const GoRuntime& runtime, std::span<const std::byte> memory,
                                 std::uint64_t max = kGoroutinesCounted);

// Blocked until another goroutine, a timer or the host wakes it.
bool waits(GStatus status);
inline bool waits(const Goroutine& goroutine) {
  return waits(goroutine.status);
}

// A file as in Goroutine: printable, and its last part when it is long.
std::string shown_file(std::string_view file);

// " at pool.go:17"; "" when it is not known.
std::string in_words(const SourcePlace& place);

// "goroutine 7 [chan send]: main.worker in main.put at pool.go:17, created by main.main in
// goroutine 1 at pool.go:31".
std::string describe(const Goroutine& goroutine);

}  // namespace weft::guest::go
