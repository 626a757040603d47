// SPDX-License-Identifier: Apache-2.0
#include "sim/record/call_shape.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "os/wasip1/functions.h"

namespace weft::sim {
namespace {

struct Shape {
  std::string_view name;
  std::string_view letters;
};
constexpr Shape kShapes[] = {
    {"clock_time_get", "vvT"},
    {"fd_advise", "vvvv"},
    {"fd_allocate", "vvv"},
    {"fd_close", "v"},
    {"fd_datasync", "v"},
    {"fd_fdstat_get", "vD"},
    {"fd_fdstat_set_flags", "vv"},
    {"fd_fdstat_set_rights", "vvv"},
    {"fd_filestat_get", "vS"},
    {"fd_filestat_set_size", "vv"},
    {"fd_filestat_set_times", "vvvv"},
    {"fd_pread", "vrnvc"},
    {"fd_prestat_dir_name", "vRn"},
    {"fd_prestat_get", "v8"},
    {"fd_pwrite", "vwnvc"},
    {"fd_read", "vrnc"},
    {"fd_readdir", "vbnvc"},
    {"fd_renumber", "vv"},
    {"fd_seek", "vvv8"},
    {"fd_sync", "v"},
    {"fd_tell", "v8"},
    {"fd_write", "vwnc"},
    {"path_create_directory", "vpn"},
    {"path_filestat_get", "vvpnS"},
    {"path_filestat_set_times", "vvpnvvv"},
    {"path_link", "vvpnvpn"},
    {"path_open", "vvpnvvvv4"},
    {"path_readlink", "vpnbnc"},
    {"path_remove_directory", "vpn"},
    {"path_rename", "vpnvpn"},
    {"path_symlink", "pnvpn"},
    {"path_unlink_file", "vpn"},
    {"poll_oneoff", "senc"},
    {"random_get", "Rn"},
    {"sock_accept", "vv4"},
    {"sock_recv", "vrnvc2"},
    {"sock_send", "vwnvc"},
    {"sock_shutdown", "vv"},
};

}  // namespace

std::string_view letters_of(std::uint32_t function) {
  static const std::vector<std::string_view> table = [] {
    std::vector<std::string_view> letters;
    for (const wasip1::Function& f : wasip1::functions()) {
      const auto* shape = std::find_if(std::begin(kShapes), std::end(kShapes),
                                       [&](const Shape& s) { return s.name == f.name; });
      letters.push_back(shape == std::end(kShapes) ? std::string_view{} : shape->letters);
    }
    return letters;
  }();
  return function < table.size() ? table[function] : std::string_view{};
}

std::size_t bytes_of(char letter) {
  switch (letter) {
    case '2':
      return 2;
    case '4':
      return 4;
    case '8':
    case 'T':
      return 8;
    case 'D':
      return 24;
    case 'S':
      return 64;
    default:
      return 0;
  }
}

bool is_of_outside(std::uint32_t function) {
  return !letters_of(function).empty();
}

std::uint32_t number_of_function(std::string_view name) {
  const auto all = wasip1::functions();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.name == name; });
  return static_cast<std::uint32_t>(found - all.begin());
}

}  // namespace weft::sim
