// SPDX-License-Identifier: Apache-2.0
// The engine jit on processors that it makes no code for.
#include "guest/jit/jit.h"

namespace weft {

Result<std::unique_ptr<Engine>> make_jit(JitOptions) {
  return Error{"the engine jit makes code for x86-64 only; use --engine=aot or --engine=interp"};
}

}  // namespace weft
