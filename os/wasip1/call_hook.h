// SPDX-License-Identifier: Apache-2.0
// CallHook: stands between a guest and its WASI calls for simulations, recorders and traces, which
// watch the calls or decide about them. Without one a call costs one branch more.
//
//   guest ─▶ Adapter ─▶ before ─┬─ nothing ─▶ the function ─▶ after ─▶ guest
//                               └─ an errno, which the guest gets in the function's place
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "os/wasip1/memory.h"

namespace weft::wasip1 {

class Process;
struct Function;

struct Call {
  const Function& function;             // Its row in os/wasip1/functions.h.
  std::span<const std::uint64_t> args;  // Unsigned, as the function's parameters.
  Process& process;
  Memory memory;
};

class CallHook {
 public:
  virtual ~CallHook() = default;

  // On the guest's G; may yield, park and throw Killed. A value: the function is not called, and
  // the guest gets this errno.
  virtual std::optional<Errno> before(const Call& call) = 0;

  // The call has returned. Not called when it left by Exit or Killed.
  virtual void after(const Call& call, Errno result) = 0;
};

}  // namespace weft::wasip1
