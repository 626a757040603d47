// SPDX-License-Identifier: Apache-2.0
// Modules: the one loader of the command. A file that is named twice with the same limits is loaded
// once.
//
//   GuestSpec, ReplayGuest ─▶ Modules::load ─▶ Runtime ─▶ Module, shared by its guests
//        "-": stdin, read once ──┤
//        text (.wat): libwabt ───┘
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "guest/runtime.h"

namespace weft::tools {

inline constexpr const char* kStdinModule = "-";

class Modules {
 public:
  explicit Modules(Runtime& runtime) : runtime_(runtime) {}

  // The error names the file.
  Result<std::shared_ptr<Module>> load(const std::string& path, const GuestLimits& limits,
                                       Role role);

 private:
  Result<std::shared_ptr<Module>> load_first(const std::string& path, const GuestLimits& limits,
                                             Role role);

  Runtime& runtime_;
  std::optional<std::string> stdin_;  // All of it.
  std::map<std::tuple<std::string, GuestLimits, Role>, std::shared_ptr<Module>> loaded_;
};

}  // namespace weft::tools
