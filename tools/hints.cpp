// SPDX-License-Identifier: Apache-2.0
#include "tools/hints.h"

#include <unistd.h>

#include <algorithm>

namespace weft::tools {

std::string hint_for(const GuestSpec& spec, std::span<const std::string> options) {
  const auto& args = spec.options.args;
  for (std::size_t i = 1; i < args.size(); ++i) {
    const std::string name = args[i].substr(0, args[i].find('='));
    // Short ones, and those that every program has, are as likely the guest's own.
    if (!name.starts_with("--") || name == "--help" || name == "--version") continue;
    if (std::find(options.begin(), options.end(), name) == options.end()) continue;
    return name + " stands behind " + spec.module_path +
           ", so it went to the guest; options of weft stand before the module";
  }
  if (!spec.options.preopens.empty()) return "";
  for (std::size_t i = 1; i < args.size(); ++i) {
    if (args[i].find_first_of("./") == std::string::npos) continue;
    if (::access(args[i].c_str(), F_OK) != 0) continue;
    return args[i] +
           " is a file here, and the guest was given no directory; give it one with --dir";
  }
  return "";
}

}  // namespace weft::tools
