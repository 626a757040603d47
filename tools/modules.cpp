// SPDX-License-Identifier: Apache-2.0
#include "tools/modules.h"

#include "guest/go/outlive_main.h"
#include "guest/wabt/wat_text.h"
#include "tools/messages.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

// Text begins with a parenthesis or a comment. A binary begins with a zero byte.
bool is_text(const std::string& path, const std::string& bytes) {
  return !bytes.starts_with('\0') && (path.ends_with(".wat") || bytes.starts_with("(module"));
}

// A Go guest whose runtime is not as weft knows it runs as any other.
void tell_refused(const Module& module) {
  if (module.go_refused.empty()) return;
  say(module.name + ": its goroutines are neither preempted nor ordered: " + module.go_refused);
}

}  // namespace

Result<std::shared_ptr<Module>> Modules::load(const std::string& path, const GuestLimits& limits,
                                              Role role) {
  auto& known = loaded_[{path, limits, role}];
  if (known != nullptr) return known;
  auto module = load_first(path, limits, role);
  if (module) {
    known = *module;
    tell_refused(*known);
  }
  return module;
}

Result<std::shared_ptr<Module>> Modules::load_for_leaks(const std::string& path,
                                                        const GuestLimits& limits, Role role) {
  auto file = path == kStdinModule ? Error{} : read_whole_file(path);
  if (!file) return load(path, limits, role);
  const auto bytes = std::as_writable_bytes(std::span(*file));
  auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
  auto go = module ? guest::go::recognise(*module) : Error{};
  if (!go || !*go || !guest::go::let_outlive_main(*module, **go, bytes)) {
    return load(path, limits, role);
  }
  auto loaded = runtime_.load_bytes(path.substr(path.find_last_of('/') + 1), bytes, limits, role);
  if (loaded) {
    tell_refused(**loaded);
    go_[loaded->get()] = std::make_shared<const guest::go::GoRuntime>(std::move(**go));
  }
  return loaded;
}

std::shared_ptr<const guest::go::GoRuntime> Modules::go_of(const Module& module) const {
  const auto at = go_.find(&module);
  return at != go_.end() ? at->second : nullptr;
}

Result<std::shared_ptr<Module>> Modules::load_first(const std::string& path,
                                                    const GuestLimits& limits, Role role) {
  const bool from_stdin = path == kStdinModule;
  if (!from_stdin && !path.ends_with(".wat")) return runtime_.load(path, limits, role);
  if (from_stdin && !stdin_) {
    auto bytes = read_whole_file("/dev/stdin");
    if (!bytes) return bytes.error();
    stdin_ = std::move(*bytes);
  }
  std::string bytes = from_stdin ? *stdin_ : "";
  if (!from_stdin) {
    auto file = read_whole_file(path);
    if (!file) return file.error();
    bytes = std::move(*file);
  }
  const std::string name = from_stdin ? "stdin" : path.substr(path.find_last_of('/') + 1);
  if (is_text(path, bytes)) {
    std::vector<std::uint8_t> binary;
    const std::string wrong = wat_to_binary(bytes, binary);
    if (!wrong.empty()) return Error{(from_stdin ? name : path) + ":" + wrong};
    bytes.assign(binary.begin(), binary.end());
  }
  return runtime_.load_bytes(name, std::as_bytes(std::span(bytes)), limits, role);
}

}  // namespace weft::tools
