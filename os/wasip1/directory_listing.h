// SPDX-License-Identifier: Apache-2.0
// DirectoryListing: what was in a directory at the moment when a guest began to read it.
//
// fd_readdir's cookies are places in this list, so they stay valid while files come and go. The
// list is taken when the guest asks for cookie 0, and lives until it does so again or closes the
// descriptor.
#pragma once

#include <string>
#include <vector>

#include "os/wasip1/abi.h"

namespace weft::wasip1 {

class DirectoryListing {
 public:
  struct Entry {
    std::string name;
    std::uint64_t ino;
    FileType type;
  };

  // Reads the directory behind dir_fd. "." and ".." come first (".." with the inode of "." itself:
  // a guest is told nothing of what lies above), the others by name, so that the order does not
  // depend on the file system.
  static Errno take(int dir_fd, DirectoryListing& out);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // The device number of the directory itself.
  [[nodiscard]] std::uint64_t device() const { return device_; }

 private:
  std::vector<Entry> entries_;
  std::uint64_t device_ = 0;
};

}  // namespace weft::wasip1
