// SPDX-License-Identifier: Apache-2.0
// Files with two names: links of both kinds, and renaming. None of these parks. Errors that all
// path functions have in common are listed at the top of path.cpp.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "os/wasip1/calls.h"
#include "os/wasip1/path.h"

namespace weft::wasip1 {
namespace {

Errno is_directory(const Parent& parent, bool& out) {
  struct stat status = {};
  WEFT_WASI_TRY(
      result_of(::fstatat(parent.fd(), parent.name.c_str(), &status, AT_SYMLINK_NOFOLLOW)));
  out = S_ISDIR(status.st_mode);
  return Errno::success;
}

// A directory in memory has no links.
Errno no_link_in_memory(Process& process, Memory memory, Fd fd, Size path, Size path_len) {
  Descriptor* directory = nullptr;
  WEFT_WASI_TRY(find_directory(process, fd, rights::path_readlink, directory));
  std::string text;
  WEFT_WASI_TRY(load_path(memory, path, path_len, text));
  const MemoryFiles::Node* node = nullptr;
  WEFT_WASI_TRY(MemoryDirectory::of(*directory->file)->find(text, node));
  return Errno::inval;
}

// Can a new name, not of a directory, be made here? EEXIST, ENOTDIR, ENOENT: not with a trailing
// slash.
Errno check_new_name(const Parent& parent) {
  if (parent.special) return Errno::exist;
  if (!parent.trailing_slash) return Errno::success;
  bool directory = false;
  WEFT_WASI_TRY(is_directory(parent, directory));
  return directory ? Errno::exist : Errno::notdir;
}

}  // namespace

// Gives a file one more name. A link at the end of old_path gets the name itself; with
// symlink_follow the file that it leads to does. Both names lie under directories of the guest, so
// no other file can be reached this way. EPERM also: a directory. EEXIST: new_path exists. EXDEV:
// another file system. EMLINK. Rights: path_link_source of old_fd, path_link_target of new_fd.
// Specification: path_link.
Errno path_link(Process& process, Memory memory, Fd old_fd, std::uint32_t old_flags, Size old_path,
                Size old_path_len, Fd new_fd, Size new_path, Size new_path_len) {
  Descriptor* directory = nullptr;
  WEFT_WASI_TRY(find_directory(process, old_fd, rights::path_link_source, directory));
  if ((old_flags & ~lookupflags::symlink_follow) != 0) return Errno::inval;
  std::string text;
  WEFT_WASI_TRY(load_path(memory, old_path, old_path_len, text));
  if (MemoryDirectory::of(*directory->file) != nullptr) return Errno::rofs;
  const int from = directory->file->fd();
  const bool follows = (old_flags & lookupflags::symlink_follow) != 0;
  Parent old_name;
  WEFT_WASI_TRY(follows ? process.resolver().followed_parent(from, text, old_name)
                        : process.resolver().parent(from, text, old_name));
  Parent new_name;
  WEFT_WASI_TRY(find_parent(process, memory, new_fd, rights::path_link_target, new_path,
                            new_path_len, new_name));
  if (old_name.special) return Errno::perm;
  if (old_name.trailing_slash) {
    bool is_dir = false;
    WEFT_WASI_TRY(is_directory(old_name, is_dir));
    return is_dir ? Errno::perm : Errno::notdir;
  }
  WEFT_WASI_TRY(check_new_name(new_name));
  return result_of(
      ::linkat(old_name.fd(), old_name.name.c_str(), new_name.fd(), new_name.name.c_str(), 0));
}

// Renames a file or directory, replacing what has the new name. Links are renamed themselves. A
// trailing slash is allowed for directories. EBUSY: "." or "..". EISDIR, ENOTDIR, ENOTEMPTY,
// EEXIST: what has the new name can't be replaced by this. EINVAL: a directory into itself. EXDEV:
// another file system. Rights: path_rename_source of fd, path_rename_target of new_fd.
// Specification: path_rename.
Errno path_rename(Process& process, Memory memory, Fd fd, Size old_path, Size old_path_len,
                  Fd new_fd, Size new_path, Size new_path_len) {
  Parent old_name;
  WEFT_WASI_TRY(find_parent(process, memory, fd, rights::path_rename_source, old_path, old_path_len,
                            old_name));
  Parent new_name;
  WEFT_WASI_TRY(find_parent(process, memory, new_fd, rights::path_rename_target, new_path,
                            new_path_len, new_name));
  if (old_name.special || new_name.special) return Errno::busy;
  if (old_name.trailing_slash || new_name.trailing_slash) {
    bool directory = false;
    WEFT_WASI_TRY(is_directory(old_name, directory));
    if (!directory) return Errno::notdir;
  }
  return remove_name(process, new_name, [&] {
    return result_of(
        ::renameat(old_name.fd(), old_name.name.c_str(), new_name.fd(), new_name.name.c_str()));
  });
}

// Makes a symbolic link at new_path with the text old_path. A relative text may be anything: it is
// checked when the link is followed. An absolute one is refused: no guest could follow it, but the
// host's own programs would. EPERM also: old_path is absolute. EEXIST: new_path
// exists. Rights: path_symlink. Specification: path_symlink.
Errno path_symlink(Process& process, Memory memory, Size old_path, Size old_path_len, Fd fd,
                   Size new_path, Size new_path_len) {
  std::string target;
  Parent parent;
  WEFT_WASI_TRY(
      find_parent(process, memory, fd, rights::path_symlink, new_path, new_path_len, parent));
  WEFT_WASI_TRY(load_path(memory, old_path, old_path_len, target));
  if (target.front() == '/') return Errno::perm;
  WEFT_WASI_TRY(check_new_name(parent));
  return result_of(::symlinkat(target.c_str(), parent.fd(), parent.name.c_str()));
}

// Writes what a symbolic link says into buf, cut off at buf_len, without a terminator; and how many
// bytes it were (u32 at bufused). EINVAL also: not a link. EFAULT: buf or bufused lies outside.
// Rights: path_readlink. Specification: path_readlink.
Errno path_readlink(Process& process, Memory memory, Fd fd, Size path, Size path_len, Size buf,
                    Size buf_len, Size bufused) {
  Parent parent;
  if (const Errno e =
          find_parent(process, memory, fd, rights::path_readlink, path, path_len, parent);
      e != Errno::success) {
    return e == Errno::rofs ? no_link_in_memory(process, memory, fd, path, path_len) : e;
  }
  std::span<std::byte> room;
  WEFT_WASI_TRY(memory.bytes(buf, buf_len, room));
  WEFT_WASI_TRY(memory.check<Size>(bufused));
  if (parent.special) return Errno::inval;
  if (parent.trailing_slash) {
    bool directory = false;
    WEFT_WASI_TRY(is_directory(parent, directory));
    return directory ? Errno::inval : Errno::notdir;
  }
  char text[PATH_MAX];
  const ssize_t length = ::readlinkat(parent.fd(), parent.name.c_str(), text, sizeof text);
  if (length < 0) return from_host(errno);
  const std::size_t n = std::min(static_cast<std::size_t>(length), room.size());
  if (n > 0) std::memcpy(room.data(), text, n);
  return memory.store(bufused, static_cast<Size>(n));
}

}  // namespace weft::wasip1
