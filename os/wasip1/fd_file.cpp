// SPDX-License-Identifier: Apache-2.0
// The file behind a descriptor: its attributes, its size, its way to the disk. None of these parks;
// fd_sync and fd_datasync block the thread as long as the disk takes. Changing a file's size is
// done in steps, with turns for the others in between.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "os/wasip1/calls.h"
#include "os/wasip1/file_size.h"
#include "os/wasip1/filestat.h"
#include "os/wasip1/memory_files.h"

namespace weft::wasip1 {
namespace {

// EBADF also for a directory: it has no bytes.
Errno find_file(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(process.fds().find(fd, 0, out));
  if (out->type == FileType::directory) return Errno::badf;
  return (out->base & needed) == needed ? Errno::success : Errno::notcapable;
}

// EINVAL: [offset, offset + len) is not within what a file can have.
Errno check_range(FileSize offset, FileSize len) {
  constexpr auto max = static_cast<FileSize>(std::numeric_limits<off_t>::max());
  return offset > max || len > max - offset ? Errno::inval : Errno::success;
}

template <class Layout>
Errno filestat_get(Process& process, Memory memory, Fd fd, Size at) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, rights::fd_filestat_get, descriptor));
  struct stat status = {};
  const MemoryDirectory* const in_memory = MemoryDirectory::of(*descriptor->file);
  const int host_fd = in_memory != nullptr ? in_memory->node().fd.get() : descriptor->file->fd();
  if (::fstat(host_fd, &status) != 0) return from_host(errno);
  WEFT_WASI_TRY(process.stabilise(status));
  auto answer = filestat<Layout>(status);
  answer.filetype = descriptor->type;
  return memory.store(at, answer);
}

}  // namespace

// Tells the system how [offset, offset + len) will be used (len 0: to the end). 0 normal, 1
// sequential, 2 random, 3 willneed, 4 dontneed, 5 noreuse. A hint without an effect that a guest
// can see; what is not needed is forgotten in steps, with turns for the others in between. On a
// directory it does nothing. EBADF: no such descriptor. ENOTCAPABLE: without fd_advise. EINVAL: no
// such advice, or beyond 2^63 - 1. ESPIPE: a pipe. Specification: fd_advise.
Errno fd_advise(Process& process, Memory, Fd fd, FileSize offset, FileSize len,
                std::uint32_t advice) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, rights::fd_advise, descriptor));
  constexpr int kHost[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                           POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  if (advice >= std::size(kHost)) return Errno::inval;
  WEFT_WASI_TRY(check_range(offset, len));
  if (descriptor->type == FileType::directory) return Errno::success;
  return advise(descriptor->file->fd(), static_cast<off_t>(offset), static_cast<off_t>(len),
                kHost[advice]);
}

// Makes sure that [offset, offset + len) has its place on the disk; the file grows when it was
// shorter. EBADF: no such descriptor, or a directory. ENOTCAPABLE: without fd_allocate. EINVAL: len
// 0, or beyond 2^63 - 1. ENOTSUP: the file system can't (it is not imitated by writing zeros).
// ENOSPC: the disk is full, or len is more than the guest may still write (it counts as written).
// EFBIG, ESPIPE, ENODEV: as the host says. After an error the size is as before. Never parks;
// yields every 8 MiB. Specification: fd_allocate.
Errno fd_allocate(Process& process, Memory, Fd fd, FileSize offset, FileSize len) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_file(process, fd, rights::fd_allocate, descriptor));
  if (len == 0) return Errno::inval;
  WEFT_WASI_TRY(check_range(offset, len));
  Budget& output = process.budgets().output_bytes;
  if (len > output.left()) return Errno::nospc;
  WEFT_WASI_TRY(
      allocate(descriptor->file->fd(), static_cast<off_t>(offset), static_cast<off_t>(len)));
  (void)output.take_up_to(len);  // Others may have written meanwhile.
  return Errno::success;
}

// Waits until the file's data is on the disk.
// EBADF: no such descriptor. ENOTCAPABLE: without fd_datasync. EINVAL: a file that has no disk.
// EIO: as the host says. Specification: fd_datasync.
Errno fd_datasync(Process& process, Memory, Fd fd) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, rights::fd_datasync, descriptor));
  return ::fdatasync(descriptor->file->fd()) == 0 ? Errno::success : from_host(errno);
}

// Waits until the file's data and attributes are on the disk.
// EBADF: no such descriptor. ENOTCAPABLE: without fd_sync. EINVAL: a file that has no disk. EIO: as
// the host says. Specification: fd_sync.
Errno fd_sync(Process& process, Memory, Fd fd) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, rights::fd_sync, descriptor));
  return ::fsync(descriptor->file->fd()) == 0 ? Errno::success : from_host(errno);
}

// Writes the attributes of the file (64 bytes at filestat):
//
//   0     8     16 17   24      32     40     48     56     64
//   | dev | ino |ft|    | nlink | size | atim | mtim | ctim |      times in ns since 1970
//
// EBADF: no such descriptor. ENOTCAPABLE: without fd_filestat_get. EFAULT: filestat lies outside.
// Specification: fd_filestat_get.
Errno fd_filestat_get(Process& process, Memory memory, Fd fd, Size filestat) {
  return filestat_get<Filestat>(process, memory, fd, filestat);
}

// The same; the struct has 56 bytes and nlink only 32 bits.
Errno unstable::fd_filestat_get(Process& process, Memory memory, Fd fd, Size filestat) {
  return filestat_get<unstable::Filestat>(process, memory, fd, filestat);
}

// Makes the file `size` bytes long: cuts it off, or adds zeros. EBADF: no such descriptor, or a
// directory. ENOTCAPABLE: without fd_filestat_set_size. EINVAL: beyond 2^63 - 1, or a file that has
// no size. EFBIG, ENOSPC: as the host says. Never parks; a large file is cut off in steps, with
// turns for the others in between. Specification: fd_filestat_set_size.
Errno fd_filestat_set_size(Process& process, Memory, Fd fd, FileSize size) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_file(process, fd, rights::fd_filestat_set_size, descriptor));
  WEFT_WASI_TRY(check_range(size, 0));
  return set_size(descriptor->file->fd(), static_cast<off_t>(size));
}

// Sets the times of the file: fst_flags says for each whether to the value given (atim 1, mtim 4)
// or to now (2, 8). EBADF: no such descriptor. ENOTCAPABLE: without fd_filestat_set_times. EINVAL:
// both for one of them, or an unknown flag. EPERM, EACCES, EROFS: as the host says. Specification:
// fd_filestat_set_times.
Errno fd_filestat_set_times(Process& process, Memory, Fd fd, Timestamp atim, Timestamp mtim,
                            std::uint32_t fst_flags) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(process.fds().find(fd, rights::fd_filestat_set_times, descriptor));
  timespec times[2];
  WEFT_WASI_TRY(host_times(atim, mtim, fst_flags, times));
  return ::futimens(descriptor->file->fd(), times) == 0 ? Errno::success : from_host(errno);
}

}  // namespace weft::wasip1
