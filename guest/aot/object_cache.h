// SPDX-License-Identifier: Apache-2.0
// The cache of compiled modules: one file an object, named by its key.
//
//   $XDG_CACHE_HOME/weft/    or ~/.cache/weft without that variable
//     <key>.so               the shared object, then a footer: magic, key, sizes and checksums, the
//                            name of the module
//     lock                   has a byte for each key, locked while a process makes that entry
//     work-XXXXXX/           where a process compiles
//
// The folder is opened once, and only when no other user can change or replace it
// (guest/aot/private_folder.h); from then on everything in it is reached by its descriptor. An
// entry appears by a rename, so a reader finds a whole one or none, and it loads the very file that
// it has opened and checked (guest/aot/cache_entry.h). A process that wants to make an entry locks
// it and looks again: of ten processes that start at once, one compiles and nine wait. An entry
// that is damaged, of another key, writable by others, or not a file is not used, and is made
// again. When a process is killed, its locks are released, and the next one that makes an entry
// removes its work folder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guest/aot/cache_entry.h"

namespace weft {

class ObjectCache {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{2} << 30;

  // What $XDG_CACHE_HOME and $HOME say. The error says that neither is set.
  static Result<std::string> default_folder();

  // Makes the folder, with access for its owner only, when it is missing.
  static Result<ObjectCache> open(std::string folder, std::uint64_t bytes_max = kBytesMax);

  // The entry, open and checked, or none when there is no good one.
  [[nodiscard]] std::optional<CacheEntry> find(const std::string& key) const;

  // As find; when there is none, calls make(work folder, path to write the object to) and keeps
  // what it made. While another process makes the same entry, calls wait() again and again until
  // that has ended. Both may throw; this call then leaves nothing behind.
  using Make = std::function<Status(const std::string& work, const std::string& object)>;
  using Wait = std::function<void()>;
  Result<CacheEntry> fill(const std::string& key, std::string_view module, const Make& make,
                          const Wait& wait);

  struct Entry {
    std::string key;
    std::string module;  // The name of the file that it was made of.
    std::uint64_t bytes;
    std::int64_t used_s;  // When it was last used, since 1970.
    bool good;
  };
  // All that is called like an entry, newest use first.
  [[nodiscard]] std::vector<Entry> entries() const;

  // Removes all of them, of any kind, and what killed processes left; returns how many entries it
  // removed.
  std::size_t clear();

  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  ObjectCache(std::string folder, UniqueFd fd, std::uint64_t bytes_max)
      : folder_(std::move(folder)),
        fd_(std::make_shared<const UniqueFd>(std::move(fd))),
        bytes_max_(bytes_max) {}
  [[nodiscard]] std::string by_descriptor() const;
  [[nodiscard]] std::vector<Entry> list() const;
  Status make_entry(const std::string& key, std::string_view module, const Make& make);
  void make_room(const std::string& but) const;
  void remove_left_work() const;

  std::string folder_;  // For messages.
  std::shared_ptr<const UniqueFd> fd_;
  std::uint64_t bytes_max_;
};

}  // namespace weft
