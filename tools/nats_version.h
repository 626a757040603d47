// SPDX-License-Identifier: Apache-2.0
// Was weft built with NATS (meson's -Dnats)?
#pragma once

#include <string>

namespace weft::tools {

// "with NATS (libnats 3.4.1)", or "without NATS".
std::string nats_in_words();

}  // namespace weft::tools
