// SPDX-License-Identifier: Apache-2.0
#include "tools/go_guest.h"

#include <algorithm>
#include <string_view>

#include "tools/whole_file.h"

namespace weft::tools {
namespace {

bool is_relative(const wasip1::Preopen& preopen) {
  return !preopen.guest_path.starts_with('/');
}

// Of a number in LEB128 at the front, which is cut off.
bool cut_size(std::string_view& bytes, std::size_t& size) {
  size = 0;
  for (int shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    size |= std::size_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return size <= bytes.size();
  }
  return false;
}

// "./data" and "data" are "/data"; "." is "/".
std::string below_root(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return path == "." ? "/" : "/" + std::string(path);
}

}  // namespace

bool is_go_module(const std::string& path) {
  const auto file = read_whole_file(path);
  if (!file || !file->starts_with(std::string_view("\0asm", 4))) return false;
  constexpr std::size_t kHeaderBytes = 8;
  std::string_view bytes = *file;
  bytes.remove_prefix(std::min(bytes.size(), kHeaderBytes));
  while (!bytes.empty()) {
    const bool is_custom = bytes.front() == '\0';
    bytes.remove_prefix(1);
    std::size_t size = 0;
    if (!cut_size(bytes, size)) return false;
    std::string_view section = bytes.substr(0, size);
    bytes.remove_prefix(size);
    std::size_t name = 0;
    if (!is_custom || !cut_size(section, name)) continue;
    const std::string_view title = section.substr(0, name);
    // A build may leave out the one, and strip the other.
    if (title == "go:buildid") return true;
    if (title == "producers" && section.find("Go cmd/compile") != std::string_view::npos) {
      return true;
    }
  }
  return false;
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
