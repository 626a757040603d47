// SPDX-License-Identifier: Apache-2.0
#include "tools/modules.h"

namespace weft::tools {

Result<std::shared_ptr<Module>> Modules::load(const std::string& path, const GuestLimits& limits) {
  auto& known = loaded_[{path, limits}];
  if (known != nullptr) return known;
  auto module = runtime_.load(path, limits);
  if (module) known = *module;
  return module;
}

}  // namespace weft::tools
