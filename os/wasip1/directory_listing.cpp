// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/directory_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/unique_fd.h"
#include "os/wasip1/filestat.h"
#include "os/wasip1/long_call.h"

namespace weft::wasip1 {

Errno DirectoryListing::take(int dir_fd) {
  // Opened again, so that the offset of dir_fd's own description does not move.
  UniqueFd fd(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat self = {};
  if (!fd.valid() || ::fstat(fd.get(), &self) != 0) return from_host(errno);
  const auto close = [](DIR* dir) { ::closedir(dir); };
  const std::unique_ptr<DIR, decltype(close)> dir(::fdopendir(fd.get()), close);
  if (dir == nullptr) return from_host(errno);
  (void)fd.release();  // The DIR's now.

  device_ = self.st_dev;
  WEFT_WASI_TRY(add(".", self.st_ino, FileType::directory));
  WEFT_WASI_TRY(add("..", self.st_ino, FileType::directory));
  LongCall turns;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    WEFT_WASI_TRY(add(name, entry->d_ino, file_type(DTTOIF(entry->d_type))));
    turns.step();
  }
  if (errno != 0) return from_host(errno);
  sort(turns);
  return Errno::success;
}

Errno DirectoryListing::take(const MemoryFiles::Node& directory) {
  struct stat status = {};
  if (::fstat(directory.fd.get(), &status) != 0) return from_host(errno);
  device_ = status.st_dev;
  WEFT_WASI_TRY(add(".", status.st_ino, FileType::directory));
  WEFT_WASI_TRY(add("..", status.st_ino, FileType::directory));
  LongCall turns;
  for (const auto& [name, child] : directory.children) {  // By name.
    if (::fstat(child->fd.get(), &status) != 0) return from_host(errno);
    WEFT_WASI_TRY(add(name, status.st_ino,
                      child->is_directory ? FileType::directory : FileType::regular_file));
    turns.step();
  }
  return Errno::success;
}

Errno DirectoryListing::add(std::string_view name, std::uint64_t ino, FileType type) {
  if (places_.size() == places_.capacity()) {
    const std::size_t more = std::max<std::size_t>(places_.capacity(), 8);
    if (!held_.grow(more * sizeof(Place))) return Errno::nomem;
    places_.reserve(places_.size() + more);
  }
  if (names_.size() + name.size() > names_.capacity()) {
    const std::size_t more = std::max(names_.capacity(), name.size());
    if (!held_.grow(more)) return Errno::nomem;
    names_.reserve(names_.capacity() + more);
  }
  places_.push_back({ino, static_cast<std::uint32_t>(names_.size()),
                     static_cast<std::uint16_t>(name.size()), type});
  names_ += name;
  return Errno::success;
}

void DirectoryListing::sort(LongCall& turns) {
  std::sort(places_.begin() + 2, places_.end(), [&](const Place& a, const Place& b) {
    turns.step();
    return name(a) < name(b);
  });
}

}  // namespace weft::wasip1
