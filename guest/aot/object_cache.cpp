// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/object_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "guest/aot/private_folder.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtension = ".so";
constexpr std::string_view kWork = "work-";
constexpr const char* kLock = "lock";

Error cache_error(const std::string& path, const char* what) {
  return Error{path + ": " + what + ": " + std::strerror(errno)};
}

// Whatever it is. Links are not followed.
bool remove_entry(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) == 0) return true;
  std::error_code error;
  fs::remove_all("/proc/self/fd/" + std::to_string(folder) + "/" + name, error);
  return !error;
}

// A byte of the lock file, locked for as long as this lives.
class KeyLock {
 public:
  Status lock(int folder, const std::string& key, const ObjectCache::Wait& wait) {
    if (!open(folder)) {
      // What is no file is in its place.
      remove_entry(folder, kLock);
      if (!open(folder)) return cache_error(std::string(kLock), "can't be opened");
    }
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(std::stoull(key.substr(0, 15), nullptr, 16));
    range.l_len = 1;
    while (::fcntl(fd_.get(), F_OFD_SETLK, &range) != 0) {
      if (errno != EINTR && errno != EAGAIN)
        return cache_error(std::string(kLock), "can't be locked");
      wait();
    }
    return Nothing{};
  }

 private:
  bool open(int folder) {
    constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    fd_.reset(::openat(folder, kLock, kFlags, 0600));
    struct stat status = {};
    return fd_.valid() && ::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode);
  }

  UniqueFd fd_;  // Closing it unlocks.
};

// A folder to work in, locked for as long as this lives, so that others see that its process is
// alive. Compilers need its path.
class WorkFolder {
 public:
  WorkFolder() = default;
  ~WorkFolder() {
    if (!lock_.valid()) return;
    std::error_code error;
    fs::remove_all(path_, error);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  Status make(const std::string& folder) {
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
      path_ = folder + "/" + std::string(kWork) + "XXXXXX";
      if (::mkdtemp(path_.data()) == nullptr) return cache_error(path_, "can't be made");
      UniqueFd lock(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
      // Between the two lines somebody may have taken it for one that was left behind.
      if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 || !is_there(lock.get())) {
        continue;
      }
      lock_ = std::move(lock);
      return Nothing{};
    }
    return Error{folder + ": others remove each folder that is made in it"};
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] bool is_there(int fd) const {
    struct stat opened = {};
    struct stat there = {};
    return ::fstat(fd, &opened) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
           opened.st_ino == there.st_ino && opened.st_dev == there.st_dev;
  }

  std::string path_;
  UniqueFd lock_;
};

}  // namespace

Result<std::string> ObjectCache::default_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') return std::string(xdg) + "/weft";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.cache/weft";
  return Error{
      "neither XDG_CACHE_HOME nor HOME is the absolute path of a folder; set one to keep compiled "
      "modules"};
}

Result<ObjectCache> ObjectCache::open(std::string folder, std::uint64_t bytes_max) {
  if (!folder.starts_with('/')) {
    std::error_code error;
    folder = (fs::current_path(error) / folder).string();
  }
  auto fd = open_private_folder(folder);
  if (!fd) return fd.error();
  return ObjectCache(std::move(folder), std::move(*fd), bytes_max);
}

// Where what is in the folder is reached: whatever has become of its path.
std::string ObjectCache::by_descriptor() const {
  return "/proc/self/fd/" + std::to_string(fd_->get());
}

std::optional<CacheEntry> ObjectCache::find(const std::string& key) const {
  auto entry = CacheEntry::open(fd_, folder_, key);
  // Used now: what is used longest ago goes first.
  if (entry) (void)::futimens(entry->fd(), nullptr);
  return entry;
}

Result<CacheEntry> ObjectCache::fill(const std::string& key, std::string_view module,
                                     const Make& make, const Wait& wait) {
  if (auto entry = find(key)) return std::move(*entry);
  KeyLock lock;
  if (Status locked = lock.lock(fd_->get(), key, wait); !locked) return locked.error();
  if (auto entry = find(key)) return std::move(*entry);
  remove_left_work();
  if (Status made = make_entry(key, module, make); !made) return made.error();
  if (auto entry = find(key)) return std::move(*entry);
  return Error{folder_ + ": the entry that was just made is not there, or not whole"};
}

Status ObjectCache::make_entry(const std::string& key, std::string_view module, const Make& make) {
  WorkFolder work;
  if (Status made = work.make(folder_); !made) return made.error();
  const std::string object = work.path() + "/object.so";
  if (Status made = make(work.path(), object); !made) return made.error();
  if (Status done = CacheEntry::finish(object, key, module); !done) return done.error();
  const std::string file = CacheEntry::file_of(key);
  if (::renameat(AT_FDCWD, object.c_str(), fd_->get(), file.c_str()) != 0) {
    remove_entry(fd_->get(), file);  // A folder was in its place.
    if (::renameat(AT_FDCWD, object.c_str(), fd_->get(), file.c_str()) != 0) {
      return cache_error(folder_ + "/" + file, "can't be put there");
    }
  }
  make_room(key);
  return Nothing{};
}

// Removes what was used longest ago until the rest fits.
void ObjectCache::make_room(const std::string& but) const {
  std::uint64_t bytes = 0;
  for (const Entry& entry : list()) {
    bytes += entry.bytes;
    if (bytes > bytes_max_ && entry.key != but) {
      remove_entry(fd_->get(), CacheEntry::file_of(entry.key));
    }
  }
}

// What processes left that were killed: nobody holds its lock.
void ObjectCache::remove_left_work() const {
  std::error_code error;
  for (const auto& item : fs::directory_iterator(by_descriptor(), error)) {
    const std::string name = item.path().filename().string();
    if (!name.starts_with(kWork)) continue;
    const UniqueFd lock(
        ::openat(fd_->get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (lock.valid() && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (lock.valid() || errno == ENOTDIR || errno == ELOOP) remove_entry(fd_->get(), name);
  }
}

// All that is called like an entry, newest use first, without a look into it.
std::vector<ObjectCache::Entry> ObjectCache::list() const {
  std::vector<Entry> found;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(by_descriptor(), error)) {
    if (item.path().extension() != kExtension) continue;
    struct stat status = {};
    const std::string name = item.path().filename().string();
    if (::fstatat(fd_->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    found.push_back({item.path().stem().string(),
                     {},
                     static_cast<std::uint64_t>(status.st_size),
                     status.st_mtime,
                     false});
  }
  std::sort(found.begin(), found.end(),
            [](const Entry& a, const Entry& b) { return a.used_s > b.used_s; });
  return found;
}

std::vector<ObjectCache::Entry> ObjectCache::entries() const {
  std::vector<Entry> found = list();
  for (Entry& entry : found) {
    const auto opened = CacheEntry::open(fd_, folder_, entry.key);
    entry.good = opened && opened->is_whole();
    if (entry.good) entry.module = opened->module();
  }
  return found;
}

std::size_t ObjectCache::clear() {
  remove_left_work();
  std::size_t removed = 0;
  for (const Entry& entry : list()) {
    if (remove_entry(fd_->get(), CacheEntry::file_of(entry.key))) ++removed;
  }
  return removed;
}

}  // namespace weft
