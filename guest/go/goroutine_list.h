// SPDX-License-Identifier: Apache-2.0
// The goroutines of a Go guest, read from its memory: what Go's own dump of a program lists. The
// guest is at rest, in a WASI call or ended.
//
// A guest may have overwritten its own runtime, so every read is checked: what can't be read ends
// the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "guest/go/go_runtime.h"

namespace weft::guest::go {

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
};

// In the order in which they were made; without those that have ended.
std::vector<Goroutine> list_goroutines(const GoRuntime& runtime, std::span<const std::byte> memory);

// Blocked until another goroutine, a timer or the host wakes it.
bool waits(const Goroutine& goroutine);

// "goroutine 7 [chan send]: main.worker, created by main.main in goroutine 1 at pool.go:31".
std::string describe(const Goroutine& goroutine);

}  // namespace weft::guest::go
