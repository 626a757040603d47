// SPDX-License-Identifier: Apache-2.0
// The goroutines of a Go guest, read from its runtime's own table (allgs) in the guest's memory: at
// any time when the guest does not run, and at no cost while nobody asks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "guest/go/go_runtime.h"
#include "os/wasip1/memory.h"

namespace weft::guest::go {

struct Goroutine {
  std::uint64_t id = 0;  // Go's own: 1 is the main one.
  std::uint32_t g = 0;   // The address of its g.
  GStatus status = GStatus::idle;
  std::string wait_reason;       // waiting: why, in Go's words: "chan receive".
  std::string function;          // Its first one: what the go statement called.
  std::string created_by;        // The function with the go statement; "" for the main one.
  std::uint64_t created_in = 0;  // The goroutine that executed it; 0: not known.
  std::uint64_t created_at = 0;  // Where, as a PC.
  bool is_system = false;        // One of the runtime's own.
};

// Those that have begun and have not ended, in the order in which the runtime made them. Whatever
// is in the memory: what makes no sense is left out.
std::vector<Goroutine> goroutines(const GoRuntime& runtime, wasip1::Memory memory);

// As Go's own dump says it: "running", "runnable", or the reason of one that waits.
std::string state_of(const Goroutine& goroutine);

// "goroutine 7 [chan receive]: main.worker, created by main.main in goroutine 1"
std::string describe(const Goroutine& goroutine);

}  // namespace weft::guest::go
