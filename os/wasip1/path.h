// SPDX-License-Identifier: Apache-2.0
// What the path_* functions share: the directory that they start from, and the path.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "os/wasip1/memory.h"
#include "os/wasip1/memory_files.h"
#include "os/wasip1/process.h"
#include "os/wasip1/stable_files.h"

namespace weft::wasip1 {

// Of a system call that returns 0 or sets errno.
inline Errno result_of(int call) {
  return call == 0 ? Errno::success : from_host(errno);
}

// The directory behind fd. EBADF: no such descriptor. ENOTDIR: not a directory. ENOTCAPABLE:
// without the rights.
inline Errno find_directory(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(process.fds().find(fd, 0, out));
  if (out->type != FileType::directory) return Errno::notdir;
  return (out->base & needed) == needed ? Errno::success : Errno::notcapable;
}

// The path at [at, at + length). EFAULT: outside of memory; else as check_path.
inline Errno load_path(Memory memory, Size at, Size length, std::string& out) {
  std::string_view text;
  WEFT_WASI_TRY(memory.text(at, length, text));
  return check_path(text, out);
}

// Both, and the parent of what the path names. EROFS: nothing there can be changed.
inline Errno find_parent(Process& process, Memory memory, Fd fd, Rights needed, Size path,
                         Size path_len, Parent& out) {
  Descriptor* directory = nullptr;
  WEFT_WASI_TRY(find_directory(process, fd, needed, directory));
  std::string text;
  WEFT_WASI_TRY(load_path(memory, path, path_len, text));
  if (MemoryDirectory::of(*directory->file) != nullptr) return Errno::rofs;
  return process.resolver().parent(directory->file->fd(), text, out);
}

// Calls remove(), which removes a name or gives it to another file. Tells a simulation's
// StableFiles when that was the file's last name.
template <class Remove>
Errno remove_name(Process& process, const Parent& name, Remove&& remove) {
  StableFiles* const stable = process.stable_files();
  struct stat status = {};
  const bool is_there = stable != nullptr &&
                        ::fstatat(name.fd(), name.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  const Errno e = remove();
  const bool was_last = S_ISDIR(status.st_mode) || status.st_nlink <= 1;
  if (is_there && e == Errno::success && was_last) stable->removed(status);
  return e;
}

}  // namespace weft::wasip1
