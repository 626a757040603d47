// SPDX-License-Identifier: Apache-2.0
// MemoryFiles: a read-only directory that lies in memory, in the place of a host's directory.
//
//   auto files = MemoryFiles::make({{"etc/app.conf", "level=3\n"}, {"greeting", "hello\n"}});
//   GuestOptions{.preopens = {{.guest_path = "/data", .files = *files}}}
//
//   fd of a directory ─▶ HostFile (kind device) ─▶ MemoryDirectory ─▶ MemoryFiles::Node
//   fd of a file      ─▶ HostFile (kind file)   ─▶ the node's memfd, opened once more to read
//
// Each file, and each directory, is a memfd, so a file is read, sought and polled as any other, and
// the host gives both an inode and times. A directory's holds nothing: names are kept here. So each
// takes one descriptor of the process, as long as the MemoryFiles live. Guests that have them open
// keep them.
//
// What would change something is EROFS.
//
// From: any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "os/wasip1/device.h"
#include "os/wasip1/errnos.h"

namespace weft::wasip1 {

class HostFile;

// One file.
struct MemoryFile {
  std::string path;   // Relative, "a/b"; the directories on the way are made.
  std::string bytes;  // What is in it.
};

// A directory, with all that is below it. Any number of guests may have it.
class MemoryFiles {
 public:
  // A file or a directory of it.
  struct Node {
    UniqueFd fd;                                                         // The memfd.
    bool is_directory = false;                                           // Else a file.
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;  // Of a directory.
  };

  // The error names the path: one that is empty, absolute, not UTF-8, has "." or ".." in it, or is
  // there twice; or says that the system has no descriptor or memory left. From any thread.
  static Result<std::shared_ptr<const MemoryFiles>> make(const std::vector<MemoryFile>& files);

  // The directory itself.
  [[nodiscard]] const Node& root() const { return root_; }

 private:
  Status add(const MemoryFile& file);

  Node root_;
};

// A directory of it that a guest has open.
class MemoryDirectory final : public Device {
 public:
  // `node` is one of `files`, and a directory.
  MemoryDirectory(std::shared_ptr<const MemoryFiles> files, const MemoryFiles::Node& node)
      : files_(std::move(files)), node_(node) {}

  // The directory behind a descriptor's file, or nullptr: it is the host's, or none.
  static const MemoryDirectory* of(const HostFile& file);

  // What a path names. ENOENT, ENOTDIR; EPERM: it leaves this directory.
  Errno find(std::string_view path, const MemoryFiles::Node*& out) const;

  [[nodiscard]] const std::shared_ptr<const MemoryFiles>& files() const { return files_; }
  [[nodiscard]] const MemoryFiles::Node& node() const { return node_; }

  Errno read(std::span<const iovec>, std::size_t&) override { return Errno::isdir; }
  Errno write(std::span<const iovec>, std::size_t&) override { return Errno::isdir; }
  [[nodiscard]] State state(Direction) override { return {}; }

 private:
  std::shared_ptr<const MemoryFiles> files_;
  const MemoryFiles::Node& node_;
};

}  // namespace weft::wasip1
