// SPDX-License-Identifier: Apache-2.0
// Steering: how weft has a say in which goroutine of a Go guest runs. The engine tells it when the
// guest enters some functions of Go's runtime, and at each safe point; it reads and writes the
// runtime's own words in the guest's memory.
//
//   GoModule (which functions) ─▶ the engine's code ─┬─ entered() ─▶ Steering
//                                                    └─ ran()     ─┘    │
//        g.stackguard0, the run queue ◀─────────────────────────────────┘
//
// Preemption (guest/go/preemption.h) does so in real time; sim/goroutines.h in virtual time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "guest/go/entries.h"
#include "guest/go/go_runtime.h"
#include "os/wasip1/memory.h"

namespace weft::guest::go {

class Preemption;

// When goroutines are steered: in virtual time more functions tell of their beginnings.
enum class Time : std::uint8_t { real, virtual_time };

// What is known of a module of Go's, and what its engine tells.
struct GoModule {
  GoRuntime runtime;
  std::vector<EntryPoint> entries;  // By function.

  // nullptr: the module is not Go's. The error is one line that says what did not match.
  static Result<std::shared_ptr<const GoModule>> of(const wasm::ModuleView& module, Time time);
};

// The g that gets the thread at this entry: of execute and of coroswitch; else 0.
std::uint32_t gets_thread(Entry entry, std::uint32_t sp, wasip1::Memory memory, const Offsets& at);

// At the entry of selectgo?
bool is_select(Entry entry);

// What a goroutine does that begins with this entry, from Entry::visible on: "chan send".
std::string_view operation_of(Entry entry);

class Steering {
 public:
  virtual ~Steering() = default;

  // The guest begins with a function of the runtime; its prologue is still to come. The stack
  // pointer and the g are the runtime's globals. Called inside of the guest's code: must not
  // throw, and must not let others run.
  virtual void entered(Entry entry, std::uint32_t sp, std::uint32_t g,
                       wasip1::Memory memory) noexcept = 0;

  // The guest passes a safe point, and has run for so long since the last one; 0 when others had
  // the thread in between.
  virtual void ran(Duration time, wasip1::Memory memory) noexcept = 0;

  // Where the guest's memory is: its instance says so in Instance::steer, and who runs the guest
  // takes it back (nullptr) when the instance is gone.
  virtual void see(const std::span<std::byte>* memory) { memory_ = memory; }
  // The memory as it is now, to be read while the guest does not run; empty before and after.
  [[nodiscard]] std::span<const std::byte> memory() const {
    return memory_ != nullptr ? *memory_ : std::span<const std::byte>();
  }
  // What it passes everything on to, to be used in its place from now on; nullptr: it does not.
  virtual std::unique_ptr<Steering> take_behind() { return nullptr; }
  // In real time: what preempts; this, or what it passes everything on to.
  [[nodiscard]] virtual const Preemption* preemption() const { return nullptr; }

 private:
  const std::span<std::byte>* memory_ = nullptr;
};

}  // namespace weft::guest::go
