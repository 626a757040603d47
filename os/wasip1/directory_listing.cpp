// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/directory_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/unique_fd.h"
#include "os/wasip1/filestat.h"

namespace weft::wasip1 {

Errno DirectoryListing::take(int dir_fd, DirectoryListing& out) {
  // Opened anew: the offset of dir_fd's own description stays where it is.
  UniqueFd fd(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat self = {};
  if (!fd.valid() || ::fstat(fd.get(), &self) != 0) return from_host(errno);
  const auto close = [](DIR* dir) { ::closedir(dir); };
  const std::unique_ptr<DIR, decltype(close)> dir(::fdopendir(fd.get()), close);
  if (dir == nullptr) return from_host(errno);
  (void)fd.release();  // The DIR's now.

  std::vector<Entry> entries{{".", self.st_ino, FileType::directory},
                             {"..", self.st_ino, FileType::directory}};
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    entries.push_back({std::string(name), entry->d_ino, file_type(DTTOIF(entry->d_type))});
  }
  if (errno != 0) return from_host(errno);
  std::sort(entries.begin() + 2, entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  out.entries_ = std::move(entries);
  out.device_ = self.st_dev;
  return Errno::success;
}

}  // namespace weft::wasip1
