// SPDX-License-Identifier: Apache-2.0
// What fd_* and sock_* share: finding a descriptor for a transfer, and transfers that park. The
// rule is told in fd_io.cpp.
#pragma once

#include <cstddef>

#include "os/wasip1/iovecs.h"
#include "os/wasip1/process.h"

namespace weft::wasip1 {

// The descriptor, if bytes can go through it. EBADF: none, or a directory. ENOTCAPABLE: without the
// right.
inline Errno find_io(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(process.fds().find(fd, 0, out));
  if (out->type == FileType::directory) return Errno::badf;
  return (out->base & needed) == needed ? Errno::success : Errno::notcapable;
}

// The same, and it has offsets. ESPIPE: it has none. ENOTCAPABLE: without the right and fd_seek.
inline Errno find_positioned(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(find_io(process, fd, needed, out));
  if (out->file->kind() != HostFile::Kind::file) return Errno::spipe;
  return process.fds().find(fd, rights::fd_seek, out);
}

// Reads what there is, parking until there is something. EAGAIN: nothing, and it may not park.
Errno read_some(Descriptor& descriptor, const Iovecs& iovecs, std::size_t& n);

// Writes everything, parking while there is no room; an error after the first byte makes it short,
// and so does the end of the budget. EAGAIN: no room, and it may not park. Throws OutputSpent when
// nothing was left of the budget before the first byte.
Errno write_all(Budget& output, Descriptor& descriptor, Iovecs& iovecs, std::size_t& n);

}  // namespace weft::wasip1
