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

#include "guest/go/go_runtime.h"
#include "guest/runtime.h"

namespace weft::tools {

inline constexpr const char* kStdinModule = "-";

class Modules {
 public:
  explicit Modules(Runtime& runtime) : runtime_(runtime) {}

  // The error names the file. Says on stderr why a Go guest's goroutines are left alone, if not by
  // the user's wish.
  Result<std::shared_ptr<Module>> load(const std::string& path, const GuestLimits& limits,
                                       Role role);

  // The same for a run in virtual time that looks for leaked goroutines: a Go module is changed so
  // that they outlive main (guest/go/outlive_main.h), and go_of() knows its runtime.
  Result<std::shared_ptr<Module>> load_for_leaks(const std::string& path, const GuestLimits& limits,
                                                 Role role);
  [[nodiscard]] std::shared_ptr<const guest::go::GoRuntime> go_of(const Module& module) const;

 private:
  Result<std::shared_ptr<Module>> load_first(const std::string& path, const GuestLimits& limits,
                                             Role role);

  Runtime& runtime_;
  std::optional<std::string> stdin_;  // All of it.
  std::map<std::tuple<std::string, GuestLimits, Role>, std::shared_ptr<Module>> loaded_;
  std::map<const Module*, std::shared_ptr<const guest::go::GoRuntime>> go_;
};

}  // namespace weft::tools
