// SPDX-License-Identifier: Apache-2.0
#include "tools/go_guest.h"

#include <algorithm>
#include <span>

#include "guest/go/go_runtime.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

bool is_relative(const wasip1::Preopen& preopen) {
  return !preopen.guest_path.starts_with('/');
}

// "./data" and "data" are "/data"; "." is "/".
std::string below_root(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return path == "." ? "/" : "/" + std::string(path);
}

}  // namespace

bool is_go_module(const std::string& path) {
  const auto file = read_whole_file(path);
  if (!file) return false;
  const auto module =
      wasm::read_module(std::as_bytes(std::span(*file)), {.bodies = wasm::Bodies::skip});
  return module && guest::go::is_go(*module);
}

void give_go_its_root(GuestSpec& spec) {
  auto& preopens = spec.options.preopens;
  if (std::none_of(preopens.begin(), preopens.end(), is_relative)) return;
  if (!is_go_module(spec.module_path)) return;
  for (wasip1::Preopen& preopen : preopens) {
    if (is_relative(preopen)) preopen.guest_path = below_root(preopen.guest_path);
  }
  auto& env = spec.options.env;
  const bool has_pwd = std::any_of(env.begin(), env.end(), [](const std::string& variable) {
    return variable.starts_with("PWD=");
  });
  if (!has_pwd) env.push_back("PWD=/");
}

}  // namespace weft::tools
