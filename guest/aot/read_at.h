// SPDX-License-Identifier: Apache-2.0
// Reads a part of a file that somebody else may change: when it is cut off, a mapping of it ends
// weft by SIGBUS, and a read is short.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weft {

// All of `to`, from this place on. False when the file has not so many bytes, or can't be read.
inline bool read_at(int fd, std::span<std::byte> to, std::uint64_t at) {
  while (!to.empty()) {
    const ssize_t got = ::pread(fd, to.data(), to.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to = to.subspan(static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace weft
