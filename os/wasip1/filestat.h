// What the host says about a file, in WASI's terms.
#pragma once

#include <sys/stat.h>

#include "os/wasip1/abi.h"

namespace weft::wasip1 {

// The type of the file in st_mode. Pipes are `unknown`: WASI has no type for them. Sockets are
// `socket_stream` unless one asks the socket itself.
constexpr FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::regular_file;
    case S_IFDIR:
      return FileType::directory;
    case S_IFLNK:
      return FileType::symbolic_link;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFBLK:
      return FileType::block_device;
    case S_IFSOCK:
      return FileType::socket_stream;
    default:
      return FileType::unknown;
  }
}

}  // namespace weft::wasip1
