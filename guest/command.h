// SPDX-License-Identifier: Apache-2.0
// What makes a module a WASI command that weft can run: the imports it may have, the exports it
// must, the sizes it may begin with. The same for every engine.
#pragma once

#include <vector>

#include "guest/engine.h"
#include "os/wasip1/functions.h"

namespace weft {

// The WASI function behind each of the module's imports, in order. The error names the first import
// that has none, or another type.
Result<std::vector<const wasip1::Function*>> bind_imports(const ModuleInfo& info);

// Can this be run, within the limits? A command needs a _start.
Status check_role(const ModuleInfo& info, Role role);
Status check_sizes(const ModuleInfo& info, const GuestLimits& limits);

}  // namespace weft
