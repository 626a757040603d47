// What an engine is: something that loads a module once, makes instances of it, and runs one on the
// calling G until it exits, traps or is killed. guest/interp.h implements it on libwabt's
// interpreter, guest/aot.h with a C compiler.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/module_scan.h"
#include "scheduler/scheduler.h"

namespace weft {

namespace wasip1 {
class Process;
}

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
  other,
};

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
      "trap",
  };
  return names[static_cast<std::size_t>(kind)];
}

// Does a trap of this kind come of being in a function, and of no instruction of it?
constexpr bool is_of_function(TrapKind kind) {
  return kind == TrapKind::stack_overflow || kind == TrapKind::out_of_fuel;
}

struct TrapReport {
  TrapKind kind = TrapKind::other;
  std::string detail;               // What a bad indirect call was, in libwabt's words; else empty.
  std::vector<std::string> frames;  // Names of functions, innermost first; the outermost are cut.
  // Of the instruction, in the module's file; of the function's code when is_of_function(kind); 0
  // when it was no instruction (a segment), or one of SIMD.
  std::uint32_t offset = 0;
};

// How a guest ended.
struct GuestEnd {
  enum class Kind : std::uint8_t { exited, trapped, killed };
  Kind kind = Kind::exited;
  std::uint32_t exit_code = 0;  // exited: what it gave to proc_exit, or 0 when _start returned.
  TrapReport trap;              // trapped.
};

// Limits of one instance.
struct GuestLimits {
  std::uint32_t memory_pages_max = 16'384;  // Pages of 64 KiB: 1 GiB.
  std::uint32_t call_depth_max = 262'144;   // Calls under way at once.
  std::uint32_t values_max = 4'194'304;     // Locals and operands of those calls, 16 bytes each.
  // aot, in place of those two: the G's stack, a power of two from 128 KiB to 1 GiB. What is not
  // used takes address space only.
  std::size_t stack_bytes = std::size_t{8} << 20;
  // Checks (guest/meter.cpp: loops and calls) that it may pass; it ends at the last. 0: no limit.
  std::uint64_t fuel = 0;

  friend auto operator<=>(const GuestLimits&, const GuestLimits&) = default;
};

class Instance {
 public:
  virtual ~Instance() = default;

  // Runs the start function and _start. On a G, once. WASI calls that wait park that G. Throws
  // Killed when the G is killed, and nothing else.
  virtual GuestEnd run() = 0;
};

class Module {
 public:
  explicit Module(std::string file, ModuleInfo about)
      : name(std::move(file)), info(std::move(about)) {}
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Makes an instance whose imports act on `process`, which must outlive it. Nothing of the guest
  // runs yet.
  virtual std::unique_ptr<Instance> instantiate(wasip1::Process& process) = 0;

  // What its instances need of a G's stack: a power of two.
  [[nodiscard]] virtual std::size_t stack_bytes() const { return kStackBytes; }

  const std::string name;  // For messages: the file's name.
  const ModuleInfo info;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Reads and validates a module. `name` is for messages. The error completes "<name>: ".
  virtual Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                               const GuestLimits& limits) = 0;
};

}  // namespace weft
