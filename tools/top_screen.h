// SPDX-License-Identifier: Apache-2.0
// The live screen of weft top: on a terminal it is drawn again in its place, and q ends it;
// elsewhere one screen follows the other.
#pragma once

#include "base/instant.h"
#include "base/result.h"
#include "tools/control_client.h"

namespace weft::tools {

// times: how many screens; 0: until q, SIGINT, or the end of that weft. That end is an error only
// when it comes before the first screen.
Status show_top(ControlClient& client, Duration every, std::uint64_t times);

}  // namespace weft::tools
