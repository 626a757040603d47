// SPDX-License-Identifier: Apache-2.0
// Walks over instructions without understanding them: how long each is, which proposal it belongs
// to, and that no count in it is larger than what is left of the code.
#pragma once

#include <cstdint>
#include <vector>

#include "guest/wasm/trap_opcodes.h"
#include "guest/wasm/wasm_reader.h"

namespace weft {

// Passes over the instructions up to the end of `code`. Adds to `may_trap_at`, unless it is null,
// where in the file those are that may_trap()
// (guest/wasm/trap_opcodes.h). Throws MalformedWasm or UnsupportedWasm.
void scan_instructions(WasmReader& code, std::vector<std::uint32_t>* may_trap_at);

// Passes over a constant expression, its `end` included.
void scan_const_expr(WasmReader& code);

// Passes over a block type or a value type.
void scan_block_type(WasmReader& code);

}  // namespace weft
