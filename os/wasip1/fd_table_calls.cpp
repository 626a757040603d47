// SPDX-License-Identifier: Apache-2.0
// Descriptors themselves: their numbers, flags and rights.
#include <cstring>

#include "os/wasip1/calls.h"

namespace weft::wasip1 {

// Closes a descriptor. Preopened ones and stdio may be closed too.
// EBADF: no such descriptor. Never parks.
// Specification: fd_close.
Errno fd_close(Process& process, Memory, Fd fd) {
  return process.fds().close(fd);
}

// Gives the descriptor the number `to`; what had that number is closed, `fd` is free afterwards.
// EBADF: one of them is not open: a number that was never handed out can't be taken. Never parks.
// Specification: fd_renumber.
Errno fd_renumber(Process& process, Memory, Fd fd, Fd to) {
  return process.fds().renumber(fd, to);
}

// Writes type, flags and rights of a descriptor (24 bytes at fdstat):
//
//   0  1  2  4     8        16           24
//   |ft|  |fl|     | base   | inheriting |
//
// EBADF: no such descriptor. EFAULT: fdstat lies outside. Never parks.
// Specification: fd_fdstat_get.
Errno fd_fdstat_get(Process& process, Memory memory, Fd fd, Size fdstat) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, 0, descriptor));
  Fdstat stat{};
  stat.fs_filetype = descriptor->type;
  stat.fs_flags = descriptor->flags;
  stat.fs_rights_base = descriptor->base;
  stat.fs_rights_inheriting = descriptor->inheriting;
  return memory.store(fdstat, stat);
}

// Sets the flags of a descriptor: with nonblock a call that would park returns EAGAIN; append,
// dsync, sync and rsync hold for later writes. They are the guest's own: a terminal that weft
// shares with its parent keeps its flags. EBADF: no such descriptor. ENOTCAPABLE: without
// fd_fdstat_set_flags. EINVAL: an unknown flag. Never parks. Specification: fd_fdstat_set_flags.
Errno fd_fdstat_set_flags(Process& process, Memory, Fd fd, std::uint32_t flags) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, rights::fd_fdstat_set_flags, descriptor));
  if ((flags & ~std::uint32_t{fdflags::all}) != 0) return Errno::inval;
  descriptor->flags = static_cast<std::uint16_t>(flags);
  return Errno::success;
}

// Takes rights away from a descriptor: `base` and `inheriting` are what is left.
// EBADF: no such descriptor. ENOTCAPABLE: a right that it did not have. Never parks.
// Specification: fd_fdstat_set_rights.
Errno fd_fdstat_set_rights(Process& process, Memory, Fd fd, Rights base, Rights inheriting) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, 0, descriptor));
  if ((base & ~descriptor->base) != 0 || (inheriting & ~descriptor->inheriting) != 0) {
    return Errno::notcapable;
  }
  descriptor->base = base;
  descriptor->inheriting = inheriting;
  return Errno::success;
}

// Writes what the embedder gave under this descriptor (8 bytes at prestat): tag 0, a directory, and
// the length of its name. A listener has tag 1, which the specification does not know. Libraries
// enumerate preopens from 3 on until EBADF: Go and wasi-libc skip an unknown tag, but would stop or
// abort at any other errno before they have seen the directories.
// EBADF: no such descriptor, or one that was not preopened. EFAULT: prestat lies outside. Never
// parks. Specification: fd_prestat_get.
Errno fd_prestat_get(Process& process, Memory memory, Fd fd, Size prestat) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, 0, descriptor));
  Prestat answer{};
  if (descriptor->preopened_socket) {
    answer.tag = PreopenType::socket;
  } else if (descriptor->preopen_path.has_value()) {
    answer.pr_name_len = static_cast<Size>(descriptor->preopen_path->size());
  } else {
    return Errno::badf;
  }
  return memory.store(prestat, answer);
}

// Writes the name of a preopened directory at path, without a terminator.
// EBADF: no such descriptor, or one that was not preopened. ENOTDIR: a listener. ENAMETOOLONG:
// path_len is too small. EFAULT: [path, path + path_len) lies outside. Never parks. Specification:
// fd_prestat_dir_name.
Errno fd_prestat_dir_name(Process& process, Memory memory, Fd fd, Size path, Size path_len) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, 0, descriptor));
  if (descriptor->preopened_socket) return Errno::notdir;
  if (!descriptor->preopen_path.has_value()) return Errno::badf;
  const std::string& name = *descriptor->preopen_path;
  std::span<std::byte> out;
  WEFT_WASI_TRY(memory.bytes(path, path_len, out));
  if (out.size() < name.size()) return Errno::nametoolong;
  if (!name.empty()) std::memcpy(out.data(), name.data(), name.size());
  return Errno::success;
}

}  // namespace weft::wasip1
