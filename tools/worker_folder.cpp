// SPDX-License-Identifier: Apache-2.0
#include "tools/worker_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "weft-worker-";

UniqueFd locked(const std::string& folder, int flags) {
  UniqueFd lock(::open((folder + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (lock.valid() && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
  return lock;
}

// Those of this user whose worker is gone.
void remove_left_ones(const std::string& where) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(where, error)) {
    const std::string path = entry.path().string();
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    struct stat found = {};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) ||
        found.st_uid != ::geteuid()) {
      continue;
    }
    const UniqueFd lock = locked(path, 0);
    if (lock.valid()) fs::remove_all(path, error);
  }
}

}  // namespace

Result<std::unique_ptr<WorkerFolder>> WorkerFolder::make() {
  const char* set = std::getenv("TMPDIR");
  const std::string where = set != nullptr && *set != '\0' ? set : "/tmp";
  remove_left_ones(where);
  std::string path = where + "/" + kPrefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return errno_error(path, errno);
  UniqueFd lock = locked(path, O_CREAT);
  if (!lock.valid()) return errno_error(path + "/lock", errno);
  return std::unique_ptr<WorkerFolder>(new WorkerFolder(fs::absolute(path), std::move(lock)));
}

WorkerFolder::~WorkerFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace weft::tools
