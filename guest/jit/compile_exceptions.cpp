// SPDX-License-Identifier: Apache-2.0
// Exceptions.
#include "guest/jit/compiler.h"

namespace weft::jit {

bool Compiler::exception_instruction(const wasm::Instruction&) {
  return false;
}

}  // namespace weft::jit
