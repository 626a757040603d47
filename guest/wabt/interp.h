// SPDX-License-Identifier: Apache-2.0
// The engine `interp`: libwabt's interpreter, in process. A module is ready as soon as it is read.
#pragma once

#include "guest/engine.h"

namespace weft {

std::unique_ptr<Engine> make_interp();

}  // namespace weft
