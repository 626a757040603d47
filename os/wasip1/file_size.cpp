// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/file_size.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/wasip1/long_call.h"

namespace weft::wasip1 {
namespace {

// A few milliseconds of work, where the pages are memory.
constexpr off_t kAllocateStep = off_t{8} << 20;
constexpr off_t kTruncateStep = off_t{16} << 20;
constexpr off_t kForgetStep = off_t{8} << 20;
// A file with holes may be larger than all disks: its steps are longer, not more.
constexpr off_t kStepsMax = 4096;
constexpr off_t kBlockBytes = 512;  // The unit of st_blocks.

Errno allocate_once(int fd, int mode, off_t offset, off_t length) {
  while (::fallocate(fd, mode, offset, length) != 0) {
    if (errno != EINTR) return from_host(errno);
  }
  return Errno::success;
}

Errno truncate_once(int fd, off_t size) {
  while (::ftruncate(fd, size) != 0) {
    if (errno != EINTR) return from_host(errno);
  }
  return Errno::success;
}

Errno allocate_in_steps(int fd, off_t offset, off_t length, LongCall& turns) {
  const off_t end = offset + length;
  const off_t last = end - std::min(length, kAllocateStep);
  // The last step first, without changing the size: if the file can't be so long, the host says so
  // now.
  if (last > offset) {
    WEFT_WASI_TRY(allocate_once(fd, FALLOC_FL_KEEP_SIZE, last, end - last));
  }
  for (off_t at = offset; at < last; at += kAllocateStep) {
    WEFT_WASI_TRY(allocate_once(fd, FALLOC_FL_KEEP_SIZE, at, std::min(kAllocateStep, last - at)));
    turns.moved(kBytesPerTurn);
  }
  return allocate_once(fd, 0, last, end - last);
}

}  // namespace

Errno allocate(int fd, off_t offset, off_t length) {
  LongCall turns;
  const Errno e = allocate_in_steps(fd, offset, length, turns);
  struct stat status = {};
  if (e != Errno::success && length > kAllocateStep && ::fstat(fd, &status) == 0) {
    (void)truncate_once(fd, status.st_size);
  }
  return e;
}

Errno advise(int fd, off_t offset, off_t length, int advice) {
  struct stat status = {};
  off_t end = length == 0 ? 0 : offset + length;
  if (advice == POSIX_FADV_DONTNEED && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    if (end == 0 || end > status.st_size) end = status.st_size;
    const off_t step =
        (1 + std::max(end - offset, off_t{0}) / kForgetStep / kStepsMax) * kForgetStep;
    LongCall turns;
    for (; offset < end && end - offset > step; offset += step) {
      if (const int e = ::posix_fadvise(fd, offset, step, advice); e != 0) {
        return from_host(e);
      }
      turns.moved(kBytesPerTurn);
    }
    if (length != 0 && offset < end) length = end - offset;
  }
  return from_host(::posix_fadvise(fd, offset, length, advice));  // Which does not set errno.
}

Errno set_size(int fd, off_t size) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return from_host(errno);
  const bool is_large = status.st_blocks > kTruncateStep / kBlockBytes;
  if (is_large && size < status.st_size) {
    LongCall turns;
    const off_t step = std::max(kTruncateStep, (status.st_size - size) / kStepsMax);
    for (off_t at = status.st_size - step; at > size; at -= step) {
      WEFT_WASI_TRY(truncate_once(fd, at));
      turns.moved(kBytesPerTurn);
    }
  }
  return truncate_once(fd, size);
}

}  // namespace weft::wasip1
