// SPDX-License-Identifier: Apache-2.0
// What an engine is: it loads a module once, makes instances of it, and runs one on the calling G
// until the guest exits, traps, is killed or is over a limit. guest/wabt/interp.h implements it
// with libwabt's interpreter, guest/aot/aot.h with a C compiler, guest/jit/jit.h makes machine
// code.
//
// From: the thread of the Runtime that the engine was given to; what is only a value, from any.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/computing.h"
#include "guest/wasm/module_scan.h"
#include "scheduler/scheduler.h"

namespace weft {

namespace wasip1 {
class Process;
}
class HostFunctions;

namespace guest::go {
struct GoModule;
class Steering;
}  // namespace guest::go

// Why a guest was stopped. The same on every engine.
enum class TrapKind : std::uint8_t {
  unreachable,
  memory_out_of_bounds,
  table_out_of_bounds,
  divide_by_zero,
  integer_overflow,
  bad_conversion,
  bad_indirect_call,  // Null, out of the table, or another type.
  stack_overflow,
  out_of_memory,
  out_of_fuel,
  out_of_time,
  out_of_output,
  uncaught_exception,
  null_exception,
  lost_code,      // The file of its compiled code was cut off while it ran.
  host_function,  // A function of the embedder's ended it; why is in the report's detail.
  other,
};

// In words: "unreachable executed".
constexpr const char* name(TrapKind kind) {
  constexpr const char* names[] = {
      "unreachable executed",
      "out of bounds memory access",
      "out of bounds table access",
      "integer divide by zero",
      "integer overflow",
      "invalid conversion to integer",
      "bad indirect call",
      "stack overflow",
      "out of memory",
      "out of fuel",
      "deadline exceeded",
      "output limit reached",
      "uncaught exception",
      "null exception reference",
      "the file of its compiled code was cut off",
      "host function failed",
      "trap",
  };
  return names[static_cast<std::size_t>(kind)];
}

// Does a trap of this kind belong to a function as a whole, and not to one instruction of it?
constexpr bool is_of_function(TrapKind kind) {
  return kind == TrapKind::stack_overflow || kind == TrapKind::out_of_memory ||
         kind == TrapKind::out_of_fuel || kind == TrapKind::out_of_time ||
         kind == TrapKind::out_of_output || kind == TrapKind::host_function;
}

// A trap: what it was, and where.
struct TrapReport {
  TrapKind kind = TrapKind::other;  // What it was.
  // What a bad indirect call was, in libwabt's words; what a host function says; else empty.
  std::string detail;
  std::vector<std::string> frames;  // Names of functions, innermost first; the outermost are cut.
  // Of the instruction, in the module's file; of the function's code when is_of_function(kind); 0
  // when it was no instruction (a segment), or one of SIMD.
  std::uint32_t offset = 0;
  // The same place in what its author wrote, "divide.c:6", printable; "" when it is not known.
  std::string source;
};

// "at offset 0x176 (divide.c:6)"; "" when it was no instruction. Printable.
std::string describe_place(const TrapReport& trap);

// How a guest ended.
struct GuestEnd {
  // By itself, by a mistake or a limit, or because somebody killed it.
  enum class Kind : std::uint8_t { exited, trapped, killed };
  Kind kind = Kind::exited;     // Which of the three.
  std::uint32_t exit_code = 0;  // exited: what it gave to proc_exit, or 0 when it returned.
  bool returned = false;        // exited: the function that was called returned.
  // trapped; killed: where it was, without a kind, when it had begun.
  TrapReport trap;
};

// Limits of each instance of a module. What else one guest may use, and all guests together, is in
// BudgetSizes (base/budget.h).
struct GuestLimits {
  std::uint32_t memory_pages_max = 16'384;               // Pages of 64 KiB: 1 GiB.
  std::uint32_t table_elements_max = kTableElementsMax;  // Of all tables.
  // The call stack, a power of two from 128 KiB to 1 GiB. aot: the G's own; what is not used takes
  // address space only. interp: calls_max() and values_max() follow from it.
  std::size_t stack_bytes = std::size_t{8} << 20;
  // How much fuel it may use (guest/wabt/meter.cpp); it ends at the fuel point that takes the last.
  // 0: no limit.
  std::uint64_t fuel = 0;
  // Simulations: it passes a safe point whenever it has used so much fuel, on every engine, and
  // NaNs that it computes have one bit pattern. 0: the engine has safe points where they cost
  // least.
  std::uint32_t quantum = 0;
  // Of a Go guest: weft has a say in which of its goroutines runs (guest/go/steering.h).
  bool goroutines = true;

  // interp: how many calls may be under way at once.
  [[nodiscard]] std::size_t calls_max() const { return stack_bytes / 32; }
  // interp: how many locals and operands there may be at once, 16 bytes each.
  [[nodiscard]] std::size_t values_max() const { return stack_bytes / 2; }

  // One by one, in their order.
  friend auto operator<=>(const GuestLimits&, const GuestLimits&) = default;
};

// A module, instantiated: its memory, its tables, its globals.
class Instance {
 public:
  virtual ~Instance() = default;

  // Makes the instance and runs the module's start function. On a G, once, before all calls. WASI
  // calls that wait park that G. Throws Killed when the G is killed, and nothing else.
  virtual GuestEnd start() = 0;

  // Calls a function of the module's own, on that G; any number of times, also after a call that
  // trapped. `values` has room for the function's parameters and for its results, which take their
  // place; each is 64 bits, two of them for a vector. A reference is 0 when it is null, else 1 more
  // than the host's number for it, or 1 for a function's. Throws as start().
  virtual GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values) = 0;

  // Of a module that has `go`: who is told what the guest does; nullptr: nobody. It must outlive
  // the calls. Before start(), and later while the guest does not run.
  virtual void steer(guest::go::Steering* steering) = 0;

  // Where it was when it was killed.
  [[nodiscard]] virtual const TrapReport& killed_at() const = 0;

  // Where it computes, while its G does not run; nothing when it does not, or when its code does
  // not tell. It is found out when asked, in microseconds.
  [[nodiscard]] virtual std::optional<Computing> computing() const = 0;
};

// A module that was loaded and validated. Any number of guests may run it.
class Module {
 public:
  // For engines: Runtime::load makes modules.
  Module(std::string file, ModuleInfo about, const GuestLimits& of_guests)
      : name(std::move(file)), info(std::move(about)), limits(of_guests) {}
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Makes an instance whose imports act on `process`, which must outlive it. Nothing of the guest
  // runs yet.
  virtual std::unique_ptr<Instance> instantiate(wasip1::Process& process) = 0;

  // What its instances need of a G's stack: a power of two.
  [[nodiscard]] virtual std::size_t stack_bytes() const { return kStackBytes; }

  // By which it runs: a name of guest/engines.h.
  [[nodiscard]] virtual const char* engine() const = 0;

  const std::string name;    // For messages: the file's name.
  const ModuleInfo info;     // What it exports, imports and is made of.
  const GuestLimits limits;  // Of each of its instances.
  Duration loading = {};     // How long it took to read, validate and compile it. Runtime::load's.

  // What is known of the Go runtime in it: nullptr when it is not Go's, when
  // GuestLimits::goroutines is off, or when it is not as weft knows it: go_refused then says why.
  std::shared_ptr<const guest::go::GoModule> go;
  std::string go_refused;  // One line; "" when nothing was refused.
};

// What a module is loaded as.
enum class Role : std::uint8_t {
  command,  // It says itself what a guest runs: guest/invocation.h.
  library,  // Who calls it says so.
};

// What loads modules and runs them. find_engine() makes one, for a Runtime.
class Engine {
 public:
  virtual ~Engine() = default;
  // Reads and validates a module. `name` is for messages. The error completes "<name>: ".
  virtual Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                               const GuestLimits& limits, Role role) = 0;

  // What modules may import beside WASI, from now on; must outlive the engine. nullptr: nothing.
  virtual void offer(const HostFunctions* functions) { offered_ = functions; }

 protected:
  // What was offered last.
  [[nodiscard]] const HostFunctions* offered() const { return offered_; }

 private:
  const HostFunctions* offered_ = nullptr;
};

}  // namespace weft
