// SPDX-License-Identifier: Apache-2.0
// The list of all WASI functions: what an engine binds a module's imports to.
//
//   guest ─ import ─▶ engine ─▶ Function::call(process, memory, args) ─▶ one function of calls.h
//
// Function::call is the one place that every call passes: it unpacks the arguments, traces the call
// when the process has a TraceSink, and turns the Errno into the number that the guest gets.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft::wasip1 {

struct Function {
  std::string_view name;    // "fd_write"
  std::string_view params;  // One letter for each parameter: i = i32, I = i64. fd_write: "iiii"
  bool returns_errno;       // False for proc_exit only.
  // The arguments as in `params`, each in the low bits of its own element. Runs on a G; may park
  // it. Throws Exit (proc_exit, proc_raise) and Killed.
  std::uint32_t (*call)(Process& process, Memory memory, const std::uint64_t* args);
  std::string_view arg_names;  // "fd iovs iovs_len nwritten"
};

// The 46 functions of wasi_snapshot_preview1, by name.
std::span<const Function> functions();

// The function that a module imports, or nullptr. Modules: wasi_snapshot_preview1, and
// wasi_unstable, which lacks sock_accept and has four functions with layouts of its own.
const Function* find(std::string_view module, std::string_view name);

}  // namespace weft::wasip1
