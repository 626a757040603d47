// SPDX-License-Identifier: Apache-2.0
#include "tools/worker_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "weft-worker-";

// The lock of a folder; none when another process has it, or the file is not there any more: it
// may be removed between open and flock, by one that held the lock.
UniqueFd locked(const std::string& folder, int flags,
                const WorkerFolder::BeforeLock& before_lock = {}) {
  const std::string path = folder + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!lock.valid()) return lock;
  if (before_lock) before_lock(folder);
  struct stat held = {};
  struct stat there = {};
  const bool is_ours = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 &&
                       ::fstat(lock.get(), &held) == 0 && ::lstat(path.c_str(), &there) == 0 &&
                       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
  if (!is_ours) lock.reset();
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

Result<std::unique_ptr<WorkerFolder>> WorkerFolder::make(const BeforeLock& before_lock) {
  const char* set = std::getenv("TMPDIR");
  const std::string where = set != nullptr && *set != '\0' ? set : "/tmp";
  remove_left_ones(where);
  // A worker that starts at the same time may take the new folder for a left one, until it is
  // locked. It then removes it, and there is a new one. O_EXCL: the lock that is there is the only
  // one that ever was in the folder.
  constexpr int kTries = 100;
  std::string path;
  for (int n = 0; n < kTries; ++n) {
    path = where + "/" + kPrefix + "XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return errno_error(path, errno);
    errno = 0;
    UniqueFd lock = locked(path, O_CREAT | O_EXCL, before_lock);
    const int reason = errno;
    if (lock.valid()) {
      return std::unique_ptr<WorkerFolder>(new WorkerFolder(fs::absolute(path), std::move(lock)));
    }
    std::error_code ignored;
    fs::remove_all(path, ignored);
    const bool was_taken = reason == 0 || reason == EWOULDBLOCK || reason == ENOENT;
    if (!was_taken) return errno_error(path + "/lock", reason);
  }
  return refused_by_host(path + ": other workers remove it again and again");
}

WorkerFolder::~WorkerFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace weft::tools
