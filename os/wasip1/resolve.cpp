// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "os/wasip1/long_call.h"

namespace weft::wasip1 {
namespace {

constexpr int kAttempts = 64;                // Of openat2, while renames go on under it.
constexpr int kLinksMax = 40;                // As the kernel's own limit.
constexpr std::size_t kRestMax = 64 * 1024;  // What is left of a path after links were put into it.

int openat2(int dir, const char* path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, dir, path, &how, sizeof how));
}

// Asked once: the answer does not change while a process lives.
bool kernel_has_openat2() {
  static const bool has = [] {
    const UniqueFd probe(openat2(AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0));
    return probe.valid() || (errno != ENOSYS && errno != EPERM);
  }();
  return has;
}

Errno read_link(int dir, const char* name, std::string& target) {
  char buffer[PATH_MAX];
  const ssize_t length = ::readlinkat(dir, name, buffer, sizeof buffer);
  if (length < 0) return from_host(errno);
  if (length == 0) return Errno::noent;
  target.assign(buffer, static_cast<std::size_t>(length));
  return Errno::success;
}

// One walk from a directory to what a path names.
class Walk {
 public:
  Walk(int root, std::string path) : root_(root), rest_(std::move(path)) {}

  Errno run(int flags, mode_t mode, UniqueFd& out) {
    LongCall turns;
    for (;; turns.step()) {
      if (rest_.empty()) return open_here(flags, mode, out);
      if (rest_.front() == '/')
        return Errno::perm;  // Only a whole path or a link's text starts with one.
      const std::string name = take_component();
      if (name == ".") continue;
      if (name == "..") {
        if (way_.empty()) return Errno::perm;
        way_.pop_back();
        continue;
      }
      const bool last = rest_.empty() && !slash_;
      bool done = false;
      WEFT_WASI_TRY(last ? open_last(name, flags, mode, out, done) : enter(name));
      if (done) return Errno::success;
    }
  }

 private:
  [[nodiscard]] int here() const { return way_.empty() ? root_ : way_.back().get(); }

  // Takes the first component off rest_, and the slashes after it; slash_ says whether there were
  // some.
  std::string take_component() {
    const std::size_t end = std::min(rest_.find('/'), rest_.size());
    std::string name = rest_.substr(0, end);
    const std::size_t next = std::min(rest_.find_first_not_of('/', end), rest_.size());
    slash_ = next > end;
    rest_.erase(0, next);
    return name;
  }

  // The path ends at a directory that we are in: "x/", ".", "..".
  Errno open_here(int flags, mode_t mode, UniqueFd& out) {
    out.reset(::openat(here(), ".", flags, mode));
    return out.valid() ? Errno::success : from_host(errno);
  }

  // Puts a link's text in its place.
  Errno follow(const std::string& target) {
    if (++links_ > kLinksMax) return Errno::loop;
    if (target.front() == '/') return Errno::perm;
    if (target.size() + rest_.size() > kRestMax) return Errno::nametoolong;
    rest_ = target + (slash_ ? "/" : "") + rest_;
    return Errno::success;
  }

  // Goes into a directory, or follows a link.
  Errno enter(const std::string& name) {
    UniqueFd next(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status = {};
    if (!next.valid() || ::fstat(next.get(), &status) != 0) return from_host(errno);
    if (S_ISLNK(status.st_mode)) {
      std::string target;
      WEFT_WASI_TRY(read_link(next.get(), "", target));
      return follow(target);
    }
    if (!S_ISDIR(status.st_mode)) return Errno::notdir;
    way_.push_back(std::move(next));
    return Errno::success;
  }

  // Opens the last component; done stays false when it was a link, which run() then goes on with.
  Errno open_last(const std::string& name, int flags, mode_t mode, UniqueFd& out, bool& done) {
    out.reset(::openat(here(), name.c_str(), flags | O_NOFOLLOW, mode));
    const int error = out.valid() ? 0 : errno;
    struct stat status = {};
    const bool is_link = out.valid() && ::fstat(out.get(), &status) == 0 && S_ISLNK(status.st_mode);
    const bool follows = (flags & O_NOFOLLOW) == 0;
    // ENOTDIR: what O_DIRECTORY | O_NOFOLLOW says to a link.
    if (follows && (is_link || error == ELOOP || error == ENOTDIR)) {
      std::string target;
      if (read_link(here(), name.c_str(), target) == Errno::success) {
        out.reset();
        return follow(target);
      }
    }
    if (error != 0) return from_host(error);
    done = true;
    return Errno::success;
  }

  int root_;
  std::string rest_;
  bool slash_ = false;
  int links_ = 0;
  std::vector<UniqueFd> way_;  // From below root_ to where we are.
};

}  // namespace

Resolver::Resolver(ResolverKind kind)
    : walks_(kind == ResolverKind::walk ||
             (kind == ResolverKind::automatic && !kernel_has_openat2())) {}

Errno Resolver::open(int dir, const std::string& path, int flags, mode_t mode,
                     UniqueFd& out) const {
  WEFT_WASI_TRY(find(dir, path, flags | O_CLOEXEC, mode, out));
  return check_file_system(out.get());
}

Errno Resolver::find(int dir, const std::string& path, int flags, mode_t mode,
                     UniqueFd& out) const {
  if (path.empty()) return Errno::noent;
  if (!walks_) {
    for (int i = 0; i < kAttempts; ++i) {
      out.reset(openat2(dir, path.c_str(), flags, mode));
      if (out.valid()) return Errno::success;
      if (errno == EXDEV) return Errno::perm;
      if (errno != EAGAIN && errno != EINTR) return from_host(errno);
    }
  }
  return Walk(dir, path).run(flags, mode, out);
}

Errno Resolver::parent(int dir, const std::string& path, Parent& out) const {
  if (path.empty()) return Errno::noent;
  if (path.front() == '/') return Errno::perm;
  const std::size_t end = path.find_last_not_of('/') + 1;
  const std::size_t slash = path.find_last_of('/', end - 1);
  const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
  out.name = path.substr(start, end - start);
  out.trailing_slash = end < path.size();
  out.special = out.name == "." || out.name == "..";
  out.borrowed = dir;
  out.owned.reset();
  // Of "x/.." the whole must lie inside, not only "x".
  const std::string directory = out.special ? path : path.substr(0, start);
  if (directory.empty()) return Errno::success;
  return open(dir, directory, O_PATH | O_DIRECTORY, 0, out.owned);
}

Errno Resolver::followed_parent(int dir, const std::string& path, Parent& out) const {
  std::string current = path;
  LongCall turns;
  for (int links = 0; links <= kLinksMax; ++links) {
    if (links > 1)
      turns.moved(kBytesPerTurn);  // The way to each may lead over 40 links of its own.
    WEFT_WASI_TRY(parent(dir, current, out));
    if (out.special || out.trailing_slash) return Errno::success;
    std::string target;
    const Errno e = read_link(out.fd(), out.name.c_str(), target);
    if (e == Errno::inval) return Errno::success;  // No link.
    if (e != Errno::success) return e;
    if (target.front() == '/') return Errno::perm;
    current.resize(current.size() - out.name.size());
    current += target;
    if (current.size() > kRestMax) return Errno::nametoolong;
  }
  return Errno::loop;
}

Errno check_file_system(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return from_host(errno);
  // Those have no device and no blocks. Asking further costs a message on a network file system.
  if (major(status.st_dev) != 0 || status.st_blocks != 0) return Errno::success;
  struct statfs about = {};
  if (::fstatfs(fd, &about) != 0) return from_host(errno);
  switch (about.f_type) {
    case PROC_SUPER_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
      return Errno::perm;
    default:
      return Errno::success;
  }
}

Errno check_path(std::string_view path, std::string& out) {
  if (path.empty()) return Errno::noent;
  if (path.size() >= PATH_MAX) return Errno::nametoolong;
  if (path.find('\0') != std::string_view::npos) return Errno::inval;
  if (!is_utf8(path)) return Errno::ilseq;
  out = path;
  return Errno::success;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) {
      return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
    };
    const unsigned first = byte(i);
    std::size_t length = 0;
    unsigned code = 0;
    unsigned smallest = 0;
    if (first < 0x80) {
      ++i;
      continue;
    } else if (first >> 5 == 0x6) {
      length = 2, code = first & 0x1f, smallest = 0x80;
    } else if (first >> 4 == 0xe) {
      length = 3, code = first & 0x0f, smallest = 0x800;
    } else if (first >> 3 == 0x1e) {
      length = 4, code = first & 0x07, smallest = 0x10000;
    } else {
      return false;
    }
    for (std::size_t k = 1; k < length; ++k) {
      if (byte(i + k) >> 6 != 0x2) return false;
      code = code << 6 | (byte(i + k) & 0x3f);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < smallest || code > 0x10ffff || surrogate) return false;
    i += length;
  }
  return true;
}

}  // namespace weft::wasip1
