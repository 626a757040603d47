// SPDX-License-Identifier: Apache-2.0
// What fd_* and sock_* share: finding a descriptor for a transfer, and transfers that park. The
// rule is told in fd_io.cpp.
#pragma once

#include <cstddef>

#include "os/wasip1/iovecs.h"
#include "os/wasip1/process.h"

namespace weft::wasip1 {

// The descriptor, if bytes can go through it. EBADF: none, or a directory. EISDIR: a directory in
// the place of stdin. ENOTCAPABLE: without the right.
inline Errno find_io(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(process.fds().find(fd, 0, out));
  const bool allowed = (out->base & needed) == needed;
  // A directory from path_open never has the right to be read.
  if (out->type == FileType::directory) return allowed ? Errno::isdir : Errno::badf;
  return allowed ? Errno::success : Errno::notcapable;
}

// The same, and it has offsets. ESPIPE: it has none. ENOTCAPABLE: without the right and fd_seek.
inline Errno find_positioned(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(find_io(process, fd, needed, out));
  if (out->file->kind() != HostFile::Kind::file) return Errno::spipe;
  return process.fds().find(fd, rights::fd_seek, out);
}

// How much one call may read. A recorder keeps what was read until it is written down, and all of a
// guest's buffers may be the same memory.
inline std::size_t most_to_read(const Process& process) {
  constexpr std::size_t kWatched = std::size_t{1} << 20;
  return process.hook() != nullptr ? kWatched : kBytesPerCall;
}

// Reads into iovecs from a file's offset `at`, or from where it stands (HostFile::kHere). A file is
// read until the buffers are full or it ends, with turns for the others in between. A stream gives
// what is there; if nothing is, this parks. EAGAIN: nothing is there, and it must not park. An
// error after the first byte makes the transfer short.
Errno read_some(Descriptor& descriptor, Iovecs& iovecs, std::size_t& n, off_t at = HostFile::kHere);

// Writes everything, at a file's offset `at` or where it stands, parking while there is no room,
// with turns for the others in between. An error after the first byte makes it short, and so does
// the end of the budget. EAGAIN: no room, and it must not park. Throws OutputSpent when nothing was
// left of the budget before the first byte.
Errno write_all(Budget& output, Descriptor& descriptor, Iovecs& iovecs, std::size_t& n,
                off_t at = HostFile::kHere);

}  // namespace weft::wasip1
