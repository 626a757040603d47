// SPDX-License-Identifier: Apache-2.0
#include "tools/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"

namespace weft::tools {

Result<std::string> read_whole_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Error{path + ": " + std::strerror(errno)};
  std::string text;
  char chunk[64 * 1024];
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk, sizeof chunk);
    if (got == 0) return text;
    if (got > 0) {
      text.append(chunk, static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return Error{path + ": " + std::strerror(errno)};
    }
  }
}

Status write_file(const std::string& path, const std::string& text) {
  std::FILE* out = std::fopen(path.c_str(), "wb");
  if (out == nullptr) return Error{path + ": " + std::strerror(errno)};
  const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  const int error = errno;
  if (std::fclose(out) != 0 || !written) {
    return Error{path + ": " + std::strerror(written ? errno : error)};
  }
  return Nothing{};
}

Status flush_stdout() {
  const bool failed_before = std::ferror(stdout) != 0;
  errno = 0;
  if (std::fflush(stdout) == 0 && !failed_before) return Nothing{};
  return Error{std::string("stdout: ") + (errno != 0 ? std::strerror(errno) : "can't be written")};
}

}  // namespace weft::tools
