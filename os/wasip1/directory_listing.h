// SPDX-License-Identifier: Apache-2.0
// DirectoryListing: what was in a directory at the moment when a guest began to read it.
//
// fd_readdir's cookies are places in this list, so they stay valid while files come and go. The
// list is taken when the guest asks for cookie 0, and lives until it does so again or closes the
// descriptor. What it holds is counted (host_memory.h): 24 bytes an entry, and the names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/wasip1/abi.h"
#include "os/wasip1/host_memory.h"
#include "os/wasip1/memory_files.h"

namespace weft::wasip1 {

class LongCall;

class DirectoryListing {
 public:
  struct Entry {
    std::string_view name;
    std::uint64_t ino;
    FileType type;
  };

  explicit DirectoryListing(HostMemory& memory) : held_(memory) {}

  // Reads the directory behind dir_fd. "." and ".." come first (".." with the inode of ".": a guest
  // learns nothing of the folder above), the others by name, so that the order does not depend on
  // the file system. ENOMEM: the guest makes weft hold too much. Others: as the host says. Gives
  // turns while it reads and sorts; may throw Killed. On a new listing only.
  Errno take(int dir_fd);
  // The same of a directory in memory.
  Errno take(const MemoryFiles::Node& directory);

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  // The name is valid as long as the listing.
  [[nodiscard]] Entry entry(std::size_t i) const {
    const Place& place = places_[i];
    return {name(place), place.ino, place.type};
  }
  // The device number of the directory itself.
  [[nodiscard]] std::uint64_t device() const { return device_; }

 private:
  struct Place {
    std::uint64_t ino;
    std::uint32_t name_at;  // In names_.
    std::uint16_t name_bytes;
    FileType type;
  };
  static_assert(sizeof(Place) <= 24);

  [[nodiscard]] std::string_view name(const Place& place) const {
    return std::string_view(names_).substr(place.name_at, place.name_bytes);
  }
  Errno add(std::string_view name, std::uint64_t ino, FileType type);
  void sort(LongCall& turns);

  std::vector<Place> places_;
  std::string names_;  // One after the other.
  std::uint64_t device_ = 0;
  HeldMemory held_;
};

}  // namespace weft::wasip1
