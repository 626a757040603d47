// SPDX-License-Identifier: Apache-2.0
// Resolver: finds what a guest's path names, without ever leaving the directory it starts from.
//
// Two ways, with the same answers:
//   openat2  The kernel resolves with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: "..", symbolic links
//            and mounts as usual, but EXDEV at the first step outside. It notices when a rename
//            moves a directory away during the resolution, and says EAGAIN: then we try again, and
//            after kAttempts take the other way.
//   walk     Where the kernel lacks openat2 (before Linux 5.6, or a seccomp filter): one component
//            at a time, each opened with O_NOFOLLOW relative to the one before. Links are read and
//            their text is resolved here; ".." goes back to the directory that we came from, which
//            we still hold open, so no rename can lead outside.
//
// A step outside (an absolute path, too many "..", a link to an absolute path) is EPERM. Every
// directory is its own root: a directory that a guest opened is not a way back to the preopen above
// it.
//
// What lies on a file system that shows or steers the processes of the host (procfs, cgroups) is
// EPERM too, wherever it is mounted: /proc/self/mem is weft's own memory.
//
// Calls that name something without opening it (mkdir, unlink, rename, ...) get the parent
// directory, opened as above, and a last component without a slash. A guest's whole path never goes
// to the host.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "os/wasip1/errnos.h"

namespace weft::wasip1 {

enum class ResolverKind : std::uint8_t {
  automatic,  // openat2 where the kernel has it.
  openat2,
  walk,
};

// A directory and a name in it: "." and ".." are named by path_parent only as `special`.
struct Parent {
  [[nodiscard]] int fd() const { return owned.valid() ? owned.get() : borrowed; }

  std::string name;             // Without slashes.
  bool trailing_slash = false;  // There were some after it: it must be a directory.
  bool special =
      false;  // name is "." or "..": a directory, inside, that has no name of its own here.
  UniqueFd owned;
  int borrowed = -1;  // The directory that the path started from.
};

class Resolver {
 public:
  explicit Resolver(ResolverKind kind = ResolverKind::automatic);

  // Opens what path names under dir. flags are those of open(2); with O_NOFOLLOW a link at the end
  // is not followed (ELOOP, or with O_PATH the link itself). O_CLOEXEC is always added. EPERM: the
  // path leaves dir. ENOENT: it is empty. Others: as the host says.
  Errno open(int dir, const std::string& path, int flags, mode_t mode, UniqueFd& out) const;

  // Finds the directory that holds what path names; the last component may be missing, and is never
  // followed.
  Errno parent(int dir, const std::string& path, Parent& out) const;

  // The same, but as long as the last component is a link it is followed. ELOOP: more than 40.
  Errno followed_parent(int dir, const std::string& path, Parent& out) const;

  [[nodiscard]] bool walks() const { return walks_; }

 private:
  Errno find(int dir, const std::string& path, int flags, mode_t mode, UniqueFd& out) const;

  bool walks_;
};

// Copies a guest's path if it is a valid one. ENOENT: empty. EINVAL: holds a zero. EILSEQ: not
// UTF-8. ENAMETOOLONG: 4096 bytes or more.
Errno check_path(std::string_view path, std::string& out);

bool is_utf8(std::string_view text);

// EPERM: the file behind fd lies on a file system that shows or steers the host's processes. Such a
// directory can't be given to a guest.
Errno check_file_system(int fd);

}  // namespace weft::wasip1
