// SPDX-License-Identifier: Apache-2.0
// What weft asks of libwabt's IR: a module with fuel points (guest/wabt/meter.h), as a binary for
// the interpreter or as C for the engine `aot`.
//
// C++17 like guest/wabt/interp_core.h, and nothing of libwabt shows in it. The functions are
// recursive in the nesting of the module's blocks, as libwabt is itself: call them where there is
// stack (guest/wabt/big_stack.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::wabt_ir {

// Of the libwabt that weft was built with.
const char* version();

struct Binary {
  const void* data;
  std::size_t bytes;
};

// Reads and validates the module and writes it again with fuel points. Returns an error or "".
std::string add_fuel_points(const Binary& module, std::vector<std::uint8_t>* out);

// All except the functions.
struct CBase {
  std::string header;
  // Of the functions that tables and globals start with it has declarations, or definitions that
  // are none of the module's; in tables as if they were imports, with names as below.
  std::string source;
  // What the data segments have. In the C each is one byte long, or empty as it is.
  std::vector<std::vector<std::uint8_t>> segments;
  // The start function's index in the module as it was given, or -1; the C does not call it.
  std::int64_t start_function = -1;
  bool has_imports = false;  // As the C has it: then it is given a host.
};

// The functions that the module defines from `first` to before `end`, counted from 0, `of` how
// many.
struct CPart {
  // A whole source, in which only the declarations and definitions of these functions count.
  std::string source;
  std::size_t first = 0;
  std::size_t end = 0;
  std::size_t of = 0;
  // Before each statement that may trap stands an assignment of a 64-bit constant with these high
  // 32 bits; no other constant has them. Its low 32 bits say where in the module's file the
  // instruction is.
  std::uint32_t marker = 0;
};

// Takes a module as C: first the base, then the parts in order. Each returns an error, which ends
// it, or "".
class CSink {
 public:
  virtual ~CSink() = default;
  virtual std::string take(CBase base) = 0;
  virtual std::string take(CPart part) = 0;
};

// Names in the C source, before libwabt's mangling: the function with index N in the module as it
// was given is "fN" when the module defines it; its imports are "m" "iN", the import of the fuel
// points "m" "refill"; memory, counter and module are named below. In the base "m" "fN", an import,
// is the function "fN".
inline constexpr const char* kModuleName = "guest";
inline constexpr const char* kHeaderName = "guest.h";
inline constexpr const char* kImportsName = "m";
inline constexpr const char* kRefillName = "refill";

struct Passes {
  bool fuel_points = true;
  bool one_nan = false;  // guest/wabt/one_nan.h
};

// Reads, validates and writes a module as C. All its imports must be functions. Returns an error
// or "".
std::string write_c(const Binary& module, const Passes& passes, CSink& sink);

}  // namespace weft::wabt_ir
