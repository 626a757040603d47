// SPDX-License-Identifier: Apache-2.0
// The cache of compiled modules: one file an object, named by its key.
//
//   $XDG_CACHE_HOME/weft/<key>.so     ~/.cache/weft without that variable
//     the shared object, then a footer: magic, key, sizes and checksums, the name of the module
//   .../lock                          a byte of it for each key, locked while somebody fills it
//   .../work-XXXXXX/                  where somebody compiles
//
// An entry appears by a rename, so a reader finds a whole one or none. Whoever wants to fill one
// locks it and looks again: of ten processes that start at once, one compiles and nine wait. An
// entry that is damaged, of another key, or writable by others is not used, and is made anew. What
// a start checks is the part that is loaded: line numbers, most of a large object, have a checksum
// of their own, which is looked at before they are used. A
// process that dies leaves its lock free and its work behind, which the next fill removes when it
// is a day old.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft {

class ObjectCache {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{2} << 30;

  // What $XDG_CACHE_HOME and $HOME say. The error says that neither is set.
  static Result<std::string> default_folder();

  // Makes the folder, with access for its owner only, when it is missing.
  static Result<ObjectCache> open(std::string folder, std::uint64_t bytes_max = kBytesMax);

  // The path of the entry, checked, or "" when there is no good one.
  [[nodiscard]] std::string find(const std::string& key) const;

  // May the line numbers of this entry, whose code is loaded, be used? One where they are damaged
  // is removed, so that it is made anew at the next start.
  static bool has_good_lines(const std::string& path);

  // As find; when there is none, calls make(work folder, path to write the object to) and keeps
  // what it made. While another process makes the same one, wait() is called again and again, until
  // that has ended. Both may throw; nothing is left then but what others made.
  using Make = std::function<Status(const std::string& work, const std::string& object)>;
  using Wait = std::function<void()>;
  Result<std::string> fill(const std::string& key, std::string_view module, const Make& make,
                           const Wait& wait);

  struct Entry {
    std::string key;
    std::string module;  // The name of the file that it was made of.
    std::uint64_t bytes;
    std::int64_t used_s;  // When it was last used, since 1970.
    bool good;
  };
  // Newest use first.
  [[nodiscard]] std::vector<Entry> entries() const;

  // Removes all entries; returns how many.
  std::size_t clear();

  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  ObjectCache(std::string folder, std::uint64_t bytes_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max) {}
  [[nodiscard]] std::string path_of(const std::string& key) const;
  Result<std::string> make_entry(const std::string& key, std::string_view module, const Make& make);
  void make_room(const std::string& but) const;
  void remove_old_work() const;

  std::string folder_;
  std::uint64_t bytes_max_;
};

}  // namespace weft
