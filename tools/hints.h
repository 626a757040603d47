// SPDX-License-Identifier: Apache-2.0
// What may be wrong with the command line of a guest that has failed: said behind its own words.
#pragma once

#include <span>
#include <string>

#include "tools/guest_spec.h"

namespace weft::tools {

// One line, or "". options: those that weft knows.
//   - an option of weft stands behind the module, so that it went to the guest;
//   - an argument is a file here, and the guest was given no directory.
std::string hint_for(const GuestSpec& spec, std::span<const std::string> options);

}  // namespace weft::tools
