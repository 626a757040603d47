// SPDX-License-Identifier: Apache-2.0
// What the host says about a file, in WASI's terms, and back.
#pragma once

#include <sys/stat.h>

#include "os/wasip1/abi.h"

namespace weft::wasip1 {

// The type of the file in st_mode. Pipes are `unknown`: WASI has no type for them. Sockets are
// `socket_stream` unless one asks the socket itself.
constexpr FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::regular_file;
    case S_IFDIR:
      return FileType::directory;
    case S_IFLNK:
      return FileType::symbolic_link;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFBLK:
      return FileType::block_device;
    case S_IFSOCK:
      return FileType::socket_stream;
    default:
      return FileType::unknown;
  }
}

// A time of the host in nanoseconds since 1970; a time before 1970 is 0.
constexpr Timestamp timestamp(const timespec& t) {
  if (t.tv_sec < 0) return 0;
  return static_cast<Timestamp>(t.tv_sec) * 1'000'000'000 + static_cast<Timestamp>(t.tv_nsec);
}

// Layout: Filestat or unstable::Filestat.
template <class Layout>
Layout filestat(const struct stat& status) {
  Layout out{};
  out.dev = status.st_dev;
  out.ino = status.st_ino;
  out.filetype = file_type(status.st_mode);
  out.nlink = static_cast<decltype(out.nlink)>(status.st_nlink);
  out.size = static_cast<FileSize>(status.st_size);
  out.atim = timestamp(status.st_atim);
  out.mtim = timestamp(status.st_mtim);
  out.ctim = timestamp(status.st_ctim);
  return out;
}

// The two times that utimensat(2) takes. "Now" is the host's: only that may be set without owning
// the file. EINVAL: an unknown flag, or both a time and "now" for one of them.
inline Errno host_times(Timestamp atim, Timestamp mtim, std::uint32_t flags, timespec (&out)[2]) {
  constexpr std::uint32_t both_atim = fstflags::atim | fstflags::atim_now;
  constexpr std::uint32_t both_mtim = fstflags::mtim | fstflags::mtim_now;
  if ((flags & ~std::uint32_t{fstflags::all}) != 0) return Errno::inval;
  if ((flags & both_atim) == both_atim || (flags & both_mtim) == both_mtim) return Errno::inval;
  const auto time = [&](bool set, bool now, Timestamp t) {
    timespec host{};
    host.tv_sec = static_cast<time_t>(t / 1'000'000'000);
    host.tv_nsec = set ? static_cast<long>(t % 1'000'000'000) : now ? UTIME_NOW : UTIME_OMIT;
    return host;
  };
  out[0] = time((flags & fstflags::atim) != 0, (flags & fstflags::atim_now) != 0, atim);
  out[1] = time((flags & fstflags::mtim) != 0, (flags & fstflags::mtim_now) != 0, mtim);
  return Errno::success;
}

}  // namespace weft::wasip1
