// SPDX-License-Identifier: Apache-2.0
// One compiled module in the cache: a shared object, and behind it a footer with the key and the
// checksums. An entry is opened once: the descriptor that was checked is the one that is loaded.
//
// Nothing here maps the file: cutting it off would end weft by SIGBUS.
//
// A start checks only the part that is loaded. Line numbers, which are most of a large object, have
// a checksum of their own, which is checked before they are used.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft {

class CacheEntry {
 public:
  // Opens the file `key`.so in the folder. None when it is not there, does not belong to this user,
  // can be written by others, or is not an undamaged entry for this key. Never waits, also when the
  // name is that of a FIFO.
  static std::optional<CacheEntry> open(std::shared_ptr<const UniqueFd> folder,
                                        const std::string& folder_path, std::string_view key);

  // The file that was checked, open to be read.
  [[nodiscard]] int fd() const { return file_.get(); }
  // For messages: another file may have this name now.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string module() const;

  // Are all of its bytes whole? `step` is called after each 256 KiB.
  [[nodiscard]] bool is_whole(const std::function<void()>& step = {}) const;
  // Is the file shorter than what was loaded of it?
  [[nodiscard]] bool is_cut_off() const;
  // May its line numbers be used? One where they are damaged is removed, so that it is made again
  // at the next start.
  [[nodiscard]] bool has_good_lines(const std::function<void()>& step = {}) const;

  // Makes an entry of an object: appends the footer. Nobody may write the file from then on.
  static Status finish(const std::string& object, std::string_view key, std::string_view module);

  // The name of a key's file.
  static std::string file_of(std::string_view key) { return std::string(key) + ".so"; }

 private:
  struct Footer {
    char magic[8];
    char key[64];
    std::uint64_t bytes;
    std::uint64_t loaded_bytes;     // From the start: what dlopen() reads.
    std::uint64_t loaded_checksum;  // Of those.
    std::uint64_t rest_checksum;    // Of the others: line numbers, which only a trap needs.
    char module[96];
  };

  CacheEntry(UniqueFd file, std::shared_ptr<const UniqueFd> folder, std::string path)
      : file_(std::move(file)), folder_(std::move(folder)), path_(std::move(path)) {}
  [[nodiscard]] bool is_ours() const;
  bool read_footer(std::string_view key);

  UniqueFd file_;
  std::shared_ptr<const UniqueFd> folder_;
  std::string path_;
  Footer footer_{};
};

}  // namespace weft
