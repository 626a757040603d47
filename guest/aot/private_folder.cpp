// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/private_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>

namespace weft {
namespace {

constexpr int kLinksMax = 40;
constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;

Error folder_error(const std::string& path, const std::string& what) {
  return Error{path + ": " + what};
}

void push_front(std::deque<std::string>& names, const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  names.insert(names.begin(), parts.begin(), parts.end());
}

bool is_trusted(uid_t owner) {
  return owner == 0 || owner == ::geteuid();
}

class Walk {
 public:
  explicit Walk(const std::string& path) { push_front(names_, path); }

  Result<UniqueFd> go() {
    if (Status root = restart(); !root) return root.error();
    while (!names_.empty()) {
      const std::string name = std::move(names_.front());
      names_.pop_front();
      if (name == ".") continue;
      if (Status stepped = step(name); !stepped) return stepped.error();
    }
    struct stat status = {};
    if (::fstat(folder_.get(), &status) != 0) return folder_error(path_, std::strerror(errno));
    if (status.st_uid != ::geteuid() || (status.st_mode & kWritableByOthers) != 0) {
      return others_may(path_);
    }
    return std::move(folder_);
  }

 private:
  static Error others_may(const std::string& path) {
    return folder_error(path,
                        "others may change it, and so what guests run; give it to yourself alone "
                        "(chmod go-w) or set XDG_CACHE_HOME to another place");
  }

  Status restart() {
    path_ = "/";
    folder_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder_.valid()) return folder_error(path_, std::strerror(errno));
    return check();
  }

  // May others put something else in the place of what is in this folder?
  Status check() {
    struct stat status = {};
    if (::fstat(folder_.get(), &status) != 0) return folder_error(path_, std::strerror(errno));
    const bool sticky = (status.st_mode & S_ISVTX) != 0;
    if (!is_trusted(status.st_uid)) return others_may(path_);
    if ((status.st_mode & kWritableByOthers) != 0 && !sticky) return others_may(path_);
    return Nothing{};
  }

  Status step(const std::string& name) {
    const std::string path = (path_ == "/" ? "" : path_) + "/" + name;
    UniqueFd next(::openat(folder_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid() && errno == ENOENT) {
      if (::mkdirat(folder_.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
        return folder_error(path, std::string("can't be made: ") + std::strerror(errno));
      }
      next.reset(::openat(folder_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    }
    struct stat status = {};
    if (!next.valid() || ::fstat(next.get(), &status) != 0) {
      return folder_error(path, std::string("can't be used: ") + std::strerror(errno));
    }
    if (!is_trusted(status.st_uid)) return others_may(path);
    if (S_ISLNK(status.st_mode)) return follow(next.get(), path);
    if (!S_ISDIR(status.st_mode)) return folder_error(path, "is not a folder");
    folder_ = std::move(next);
    path_ = path;
    return check();
  }

  Status follow(int link, const std::string& path) {
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(link, "", target, sizeof target);
    if (length <= 0 || ++links_ > kLinksMax) return folder_error(path, "can't be followed");
    const std::string to(target, static_cast<std::size_t>(length));
    push_front(names_, to);
    return to.front() == '/' ? restart() : Status(Nothing{});
  }

  std::deque<std::string> names_;
  std::string path_;
  UniqueFd folder_;
  int links_ = 0;
};

}  // namespace

Result<UniqueFd> open_private_folder(const std::string& path) {
  if (!path.starts_with('/')) return folder_error(path, "is not an absolute path");
  auto folder = Walk(path).go();
  if (!folder) return folder.error();
  // To be read and locked, too.
  UniqueFd readable(::openat(folder->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable.valid() || ::faccessat(readable.get(), ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    return folder_error(path, std::string("can't be used: ") + std::strerror(errno));
  }
  return readable;
}

}  // namespace weft
