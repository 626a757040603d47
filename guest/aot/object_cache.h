// SPDX-License-Identifier: Apache-2.0
// The cache of compiled modules: one file an object, named by its key.
//
//   $XDG_CACHE_HOME/weft/<key>.so     ~/.cache/weft without that variable
//     the shared object, then a footer: magic, key, sizes and checksums, the name of the module
//   .../lock                          a byte of it for each key, locked while somebody fills it
//   .../work-XXXXXX/                  where somebody compiles
//
// The folder is opened once, and only when no other user can change it or put another in its place
// (guest/aot/private_folder.h); from then on everything in it is reached by its descriptor. An
// entry appears by a rename, so a reader finds a whole one or none, and what a reader has opened
// and checked is what it loads (guest/aot/cache_entry.h). Who wants to fill an entry locks it and
// looks
// again: of ten processes that start at once, one compiles and nine wait. An entry that is damaged,
// of another key, or writable by others is not used, and is made again; so is what is no file. A
// process that is killed leaves its lock free, and its work too: the next fill removes the folders
// that no living process has locked.
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
  // what it made. While another process makes the same one, wait() is called again and again, until
  // that has ended. Both may throw; nothing is left then but what others made.
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

  // Removes all of them, whatever they are, and what killed processes left; returns how many
  // entries it removed.
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
