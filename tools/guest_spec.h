// SPDX-License-Identifier: Apache-2.0
// GuestSpec: one module with its arguments and settings, from the command line or a manifest.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "guest/runtime.h"

namespace weft::tools {

struct GuestSpec {
  std::string module_path;
  int copies = 1;
  GuestLimits limits;
  std::string invoke;  // The export that is called in place of _start; empty: none.
  GuestOptions options;

  [[nodiscard]] Role role() const { return invoke.empty() ? Role::command : Role::library; }
  [[nodiscard]] std::span<const std::string> words() const {  // Behind the module.
    return std::span(options.args).subspan(1);
  }
  std::vector<std::string> listen;  // Addresses, as tools/listener.h reads them.
};

}  // namespace weft::tools
