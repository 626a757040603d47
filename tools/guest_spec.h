// SPDX-License-Identifier: Apache-2.0
// GuestSpec: one module with its arguments and settings, from the command line or a manifest.
#pragma once

#include <string>
#include <vector>

#include "guest/runtime.h"

namespace weft::tools {

struct GuestSpec {
  std::string module_path;
  int copies = 1;
  GuestLimits limits;
  GuestOptions options;
  std::vector<std::string> listen;  // Addresses, as tools/listener.h reads them.
};

}  // namespace weft::tools
