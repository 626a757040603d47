// SPDX-License-Identifier: Apache-2.0
// Bytes in and out of descriptors.
//
// The rule for all of them: do what is possible now; if nothing is and the descriptor has no
// FDFLAGS_NONBLOCK, park until the file is ready and try again. Reading a stream returns with what
// there is, reading a file when the buffers are full or the file ends. Writing goes on until
// everything is written, as a blocking write does under POSIX: so a slow reader delays only the
// guest that writes. Long transfers are done in pieces, with turns for the others in between
// (long_call.h).
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "os/wasip1/calls.h"
#include "os/wasip1/iovecs.h"
#include "os/wasip1/long_call.h"
#include "os/wasip1/stream.h"

namespace weft::wasip1 {
namespace {

// How many bytes one call of the host may move. A datagram is sent and received whole; what a
// device of a simulation does is a copy in memory.
std::size_t bytes_per_call(const Descriptor& descriptor) {
  const bool whole = descriptor.type == FileType::socket_dgram ||
                     descriptor.file->kind() == HostFile::Kind::device;
  return whole ? kBytesPerCall : kBytesPerTurn;
}

int write_flags(const Descriptor& descriptor, bool positioned) {
  int rwf = 0;
  if ((descriptor.flags & fdflags::append) != 0 && !positioned) rwf |= RWF_APPEND;
  if ((descriptor.flags & fdflags::dsync) != 0) rwf |= RWF_DSYNC;
  if ((descriptor.flags & (fdflags::sync | fdflags::rsync)) != 0) rwf |= RWF_SYNC;
  return rwf;
}

}  // namespace

Errno read_some(Descriptor& descriptor, Iovecs& iovecs, std::size_t& n, off_t at) {
  n = 0;
  HostFile& file = *descriptor.file;
  const bool fills = file.kind() == HostFile::Kind::file;
  const std::size_t max = bytes_per_call(descriptor);
  LongCall turns;
  // A read of 0 bytes does not tell whether the file has ended.
  while (iovecs.total() > 0) {
    const std::span<const iovec> buffers = iovecs.piece(max);
    const std::size_t wanted = bytes_of(buffers);
    std::size_t got = 0;
    const Errno e = file.read(buffers, got, at);
    if (e == Errno::again && descriptor.may_park()) {
      WEFT_WASI_TRY(file.wait(Direction::read));
      continue;
    }
    if (e != Errno::success) return n > 0 ? Errno::success : e;
    n += got;
    if (at != HostFile::kHere) at += static_cast<off_t>(got);
    iovecs.consume(got);
    turns.moved(got);
    if (!fills || got < wanted) break;
  }
  return Errno::success;
}

Errno write_all(Budget& output, Descriptor& descriptor, Iovecs& iovecs, std::size_t& n, off_t at) {
  n = 0;
  HostFile& file = *descriptor.file;
  const int rwf = write_flags(descriptor, at != HostFile::kHere);
  const std::size_t max = bytes_per_call(descriptor);
  if (descriptor.type == FileType::socket_dgram && iovecs.size() > kIovecsPerCall) {
    return Errno::msgsize;
  }
  LongCall turns;
  while (iovecs.total() > 0) {
    // Others may have written while this one waited: what is left is asked each time.
    const std::uint64_t left = output.left();
    if (left == 0) {
      if (n > 0) return Errno::success;
      throw OutputSpent{};
    }
    std::size_t written = 0;
    Errno e = file.write(iovecs.piece(std::min<std::uint64_t>(max, left)), rwf, written, at);
    n += written;
    if (at != HostFile::kHere) at += static_cast<off_t>(written);
    (void)output.take(written);  // No more than was left.
    iovecs.consume(written);
    turns.moved(written);
    if (e == Errno::again && descriptor.may_park()) {
      e = file.wait(Direction::write);
    } else if (e == Errno::success && written == 0) {
      e = Errno::again;  // The host took nothing and said nothing: don't spin.
    }
    if (e != Errno::success) return n > 0 ? Errno::success : e;
  }
  return Errno::success;
}

namespace {

// offset as the host takes it. EINVAL: beyond what a file can have.
Errno host_offset(FileSize offset, off_t& out) {
  if (offset > static_cast<FileSize>(std::numeric_limits<off_t>::max())) return Errno::inval;
  out = static_cast<off_t>(offset);
  return Errno::success;
}

Errno seek(Process& process, Memory memory, Fd fd, FileDelta offset, int whence, Size new_offset) {
  Descriptor* descriptor = nullptr;
  const bool tells = offset == 0 && whence == SEEK_CUR;
  WEFT_WASI_TRY(process.fds().find(fd, 0, descriptor));
  if (descriptor->type == FileType::directory) return Errno::badf;
  const HostFile& file = *descriptor->file;
  if (file.kind() != HostFile::Kind::file) return Errno::spipe;
  const bool allowed =
      (descriptor->base & (tells ? rights::fd_tell | rights::fd_seek : rights::fd_seek)) != 0;
  if (!allowed) return Errno::notcapable;
  WEFT_WASI_TRY(memory.check<FileSize>(new_offset));
  const off_t at = ::lseek(file.fd(), offset, whence);
  if (at < 0) return from_host(errno);
  return memory.store(new_offset, static_cast<FileSize>(at));
}

}  // namespace

// Reads into iovs_len buffers (iovecs of 8 bytes at iovs), and writes how many bytes were read (u32
// at nread); 0 at the end of the file. A file is read until the buffers are full; a stream gives
// what is there, at most 64 KiB. EBADF: no such descriptor, or a directory. EISDIR: stdin is a
// directory. ENOTCAPABLE: without fd_read. EFAULT: the iovecs, a buffer or nread lie outside.
// EINVAL: more than 65,536 iovecs. ENOMEM: no budget to hold them. EAGAIN: nothing there and
// FDFLAGS_NONBLOCK. Others: as the host says. Parks ("IO wait") on pipes, terminals and sockets;
// yields every 64 KiB. Specification: fd_read.
Errno fd_read(Process& process, Memory memory, Fd fd, Size iovs, Size iovs_len, Size nread) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_io(process, fd, rights::fd_read, descriptor));
  Iovecs iovecs(process.host_memory(), most_to_read(process));
  WEFT_WASI_TRY(iovecs.read(memory, iovs, iovs_len));
  WEFT_WASI_TRY(memory.check<Size>(nread));
  std::size_t n = 0;
  WEFT_WASI_TRY(read_some(*descriptor, iovecs, n));
  return memory.store(nread, static_cast<Size>(n));
}

// Writes iovs_len buffers, and how many bytes were written (u32 at nwritten). It is less than all
// only after an error behind the first byte, with FDFLAGS_NONBLOCK, beyond 2 GiB, or when the guest
// may write no more: the next call then ends it. EBADF: no such descriptor, or a directory.
// ENOTCAPABLE: without fd_write. EFAULT: the iovecs, a buffer or nwritten lie outside. EINVAL: more
// than 65,536 iovecs. ENOMEM: no budget to hold them. EAGAIN: no room and FDFLAGS_NONBLOCK. EPIPE:
// no reader. EFBIG: the host lets no file grow so large (RLIMIT_FSIZE, the file system). Others: as
// the host says. Parks ("IO wait") on pipes, terminals and sockets; yields every 64 KiB.
// Specification: fd_write.
Errno fd_write(Process& process, Memory memory, Fd fd, Size iovs, Size iovs_len, Size nwritten) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_io(process, fd, rights::fd_write, descriptor));
  Iovecs iovecs(process.host_memory());
  WEFT_WASI_TRY(iovecs.read(memory, iovs, iovs_len));
  WEFT_WASI_TRY(memory.check<Size>(nwritten));
  std::size_t n = 0;
  WEFT_WASI_TRY(write_all(process.budgets().output_bytes, *descriptor, iovecs, n));
  return memory.store(nwritten, static_cast<Size>(n));
}

// As fd_read, at an offset and without moving the descriptor's own. ESPIPE: not a file that has
// offsets. EINVAL: an offset beyond 2^63 - 1. ENOTCAPABLE: without fd_read and fd_seek. Never
// parks; yields every 64 KiB. Specification: fd_pread.
Errno fd_pread(Process& process, Memory memory, Fd fd, Size iovs, Size iovs_len, FileSize offset,
               Size nread) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_positioned(process, fd, rights::fd_read, descriptor));
  Iovecs iovecs(process.host_memory(), most_to_read(process));
  WEFT_WASI_TRY(iovecs.read(memory, iovs, iovs_len));
  WEFT_WASI_TRY(memory.check<Size>(nread));
  off_t at = 0;
  WEFT_WASI_TRY(host_offset(offset, at));
  std::size_t n = 0;
  WEFT_WASI_TRY(read_some(*descriptor, iovecs, n, at));
  return memory.store(nread, static_cast<Size>(n));
}

// As fd_write, at an offset and without moving the descriptor's own, also when it has
// FDFLAGS_APPEND. ESPIPE: not a file that has offsets. EINVAL: an offset beyond 2^63 - 1.
// ENOTCAPABLE: without fd_write and fd_seek. Never parks; yields every 64 KiB. Specification:
// fd_pwrite.
Errno fd_pwrite(Process& process, Memory memory, Fd fd, Size iovs, Size iovs_len, FileSize offset,
                Size nwritten) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_positioned(process, fd, rights::fd_write, descriptor));
  Iovecs iovecs(process.host_memory());
  WEFT_WASI_TRY(iovecs.read(memory, iovs, iovs_len));
  WEFT_WASI_TRY(memory.check<Size>(nwritten));
  off_t at = 0;
  WEFT_WASI_TRY(host_offset(offset, at));
  std::size_t n = 0;
  WEFT_WASI_TRY(write_all(process.budgets().output_bytes, *descriptor, iovecs, n, at));
  return memory.store(nwritten, static_cast<Size>(n));
}

// Moves the offset of the descriptor and writes the new one (u64 at new_offset). whence: 0 from the
// start, 1 from here, 2 from the end. EBADF: no such descriptor, or a directory. ESPIPE: a pipe,
// terminal or socket. ENOTCAPABLE: without fd_seek (fd_tell does when nothing moves). EINVAL: no
// such whence, or before the start. EFAULT: new_offset lies outside. Never parks. Specification:
// fd_seek.
Errno fd_seek(Process& process, Memory memory, Fd fd, FileDelta offset, std::uint32_t whence,
              Size new_offset) {
  switch (whence) {
    case static_cast<std::uint32_t>(Whence::set):
      return seek(process, memory, fd, offset, SEEK_SET, new_offset);
    case static_cast<std::uint32_t>(Whence::cur):
      return seek(process, memory, fd, offset, SEEK_CUR, new_offset);
    case static_cast<std::uint32_t>(Whence::end):
      return seek(process, memory, fd, offset, SEEK_END, new_offset);
    default:
      return Errno::inval;
  }
}

// The same; whence: 0 from here, 1 from the end, 2 from the start.
Errno unstable::fd_seek(Process& process, Memory memory, Fd fd, FileDelta offset,
                        std::uint32_t whence, Size new_offset) {
  switch (whence) {
    case static_cast<std::uint32_t>(Whence::cur):
      return seek(process, memory, fd, offset, SEEK_CUR, new_offset);
    case static_cast<std::uint32_t>(Whence::end):
      return seek(process, memory, fd, offset, SEEK_END, new_offset);
    case static_cast<std::uint32_t>(Whence::set):
      return seek(process, memory, fd, offset, SEEK_SET, new_offset);
    default:
      return Errno::inval;
  }
}

// Writes the offset of the descriptor (u64 at offset). Errors: those of fd_seek. Never parks.
// Specification: fd_tell.
Errno fd_tell(Process& process, Memory memory, Fd fd, Size offset) {
  return seek(process, memory, fd, 0, SEEK_CUR, offset);
}

}  // namespace weft::wasip1
