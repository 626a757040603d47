// SPDX-License-Identifier: Apache-2.0
// What a guest runs of its module, behind the module's start function:
//
//   a command         exports _start                     _start
//   a reactor         exports _initialize and no _start  _initialize, then the export named ""
//   with an Invocation                                   _initialize of a reactor, then that export
//
// What a called function takes and returns are numbers: i32, i64, f32, f64.
//
// From: the thread of the Runtime.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guest/engine.h"

namespace weft {

namespace wasip1 {
class Process;
}

// A call of an exported function in place of _start.
struct Invocation {
  std::string function = {};  // The export's name; empty: what the module says, see above.
  // One for each parameter: an i32 or f32 in the low 32 bits, a float as its bits.
  std::vector<std::uint64_t> values = {};
  bool prints = false;  // Its results go to the guest's stdout, a line each.
};

// What is called, in order. Points into the ModuleInfo.
struct EntryPoint {
  const ExportInfo* initialize = nullptr;  // nullptr: none.
  const ExportInfo* main = nullptr;        // What is called then; nullptr: nothing.
  const FuncTypeInfo* type = nullptr;      // Of main.
};

// Of a guest that others call: its _initialize alone. Fails when that is not a function of the
// module's own, or takes or returns something. The error completes "<file>: ".
Result<EntryPoint> find_initialize(const ModuleInfo& info);

// `function` as in Invocation. The error completes "<file>: "; where nothing is there to run it
// lists the exports that can be called.
Result<EntryPoint> find_entry(const ModuleInfo& info, std::string_view function = {});

// The call that a command line asks for: `function` or what the module says, with values of words
// as people write them: integers as -5, 0x1f, signed or not; floats as 1.5e3, inf, nan. It prints
// what is returned. A function without parameters and results leaves the words alone when it was
// not named. The error completes "<file>: "; it names the word or says how many there must be.
Result<Invocation> read_invocation(const ModuleInfo& info, const std::string& function,
                                   std::span<const std::string> words);

// A line for each result: signed integers, floats as short as they can be read back, vectors in
// hex, references as "null" or "ref".
std::string results_in_words(std::string_view types, std::span<const std::uint64_t> values);

// Are these the values that the function takes?
Status check_values(const EntryPoint& entry, std::span<const std::uint64_t> values);

// Calls the functions, on the guest's G. The results of main are in `values` behind it. Throws
// Killed.
GuestEnd run_entry(Instance& instance, const EntryPoint& entry, std::vector<std::uint64_t>& values);

// Writes the text to the guest's stdout as a call of the guest's own does it: it is recorded,
// traced, and counted to what the guest may write. May throw what a WASI function throws. False
// when it could not be written.
bool print_for_guest(wasip1::Process& process, std::string_view text);

}  // namespace weft
