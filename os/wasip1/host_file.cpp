// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/host_file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "os/wasip1/call_signals.h"
#include "os/wasip1/device.h"
#include "os/wasip1/filestat.h"
#include "os/wasip1/iovecs.h"
#include "scheduler/api.h"

namespace weft::wasip1 {
namespace {

// A description of our own, with O_NONBLOCK, on the pipe or terminal behind fd; invalid when there
// can be none.
UniqueFd open_again(int fd, const struct stat& status, bool tty) {
  constexpr unsigned kPtmxMajor = 5;
  constexpr unsigned kPtmxMinor = 2;
  // Opening the multiplexer again would make another terminal.
  const bool multiplexer = S_ISCHR(status.st_mode) && major(status.st_rdev) == kPtmxMajor &&
                           minor(status.st_rdev) == kPtmxMinor;
  if (!(S_ISFIFO(status.st_mode) || (tty && !multiplexer))) return {};
  const int access = ::fcntl(fd, F_GETFL) & O_ACCMODE;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  UniqueFd again(::open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat check = {};
  if (!again.valid() || ::fstat(again.get(), &check) != 0 || check.st_dev != status.st_dev ||
      check.st_ino != status.st_ino) {
    return {};
  }
  return again;
}

// /dev/null, /dev/zero and /dev/full: always ready, and what most guests' stdin is. The numbers are
// those of Linux's admin-guide/devices.txt.
bool is_bottomless(const struct stat& status) {
  constexpr unsigned kMemMajor = 1;
  const unsigned device = minor(status.st_rdev);
  return S_ISCHR(status.st_mode) && major(status.st_rdev) == kMemMajor &&
         (device == 3 || device == 5 || device == 7);
}

// Can the kernel say when it is ready? Of other devices only the kernel knows.
bool can_be_polled(int fd) {
  const UniqueFd probe(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  return !probe.valid() || ::epoll_ctl(probe.get(), EPOLL_CTL_ADD, fd, &event) == 0 ||
         errno != EPERM;
}

short poll_events(Direction direction) {
  return static_cast<short>(direction == Direction::read ? POLLIN | POLLRDHUP : POLLOUT);
}

// What this thread has borrowed, by the file: a description is of one file, so the same one is
// among the few of that. Those that are gone are swept out when there are twice as many as there
// were after the last time.
class Borrowed {
 public:
  // Those of the file, gone ones among them.
  auto of(const struct stat& status) { return known_.equal_range(key(status)); }

  void add(const struct stat& status, const std::shared_ptr<HostFile>& file) {
    if (known_.size() >= sweep_at_) {
      std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
      sweep_at_ = 2 * known_.size() + kLeast;
    }
    known_.emplace(key(status), file);
  }

 private:
  using Key = std::pair<dev_t, ino_t>;
  static constexpr std::size_t kLeast = 64;

  static Key key(const struct stat& status) { return {status.st_dev, status.st_ino}; }

  std::multimap<Key, std::weak_ptr<HostFile>> known_;
  std::size_t sweep_at_ = kLeast;
};

thread_local Borrowed borrowed;

}  // namespace

HostFile::HostFile(Reactor& reactor, UniqueFd fd, const struct stat* known)
    : reactor_(reactor), fd_(std::move(fd)) {
  struct stat status = {};
  if (known != nullptr) {
    status = *known;
  } else if (::fstat(fd_.get(), &status) != 0) {
    return;
  }
  type_ = file_type(status.st_mode);
  pipe_ = S_ISFIFO(status.st_mode);
  const bool bottomless = is_bottomless(status);
  tty_ = S_ISCHR(status.st_mode) && !bottomless && ::isatty(fd_.get()) == 1;
  if (S_ISSOCK(status.st_mode)) {
    int type = 0;
    socklen_t length = sizeof type;
    (void)::getsockopt(fd_.get(), SOL_SOCKET, SO_TYPE, &type, &length);
    type_ = type == SOCK_DGRAM ? FileType::socket_dgram : FileType::socket_stream;
  }
  const bool always_ready = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
                            S_ISBLK(status.st_mode) || bottomless ||
                            (S_ISCHR(status.st_mode) && !can_be_polled(fd_.get()));
  kind_ = always_ready ? Kind::file : Kind::own;
}

HostFile::~HostFile() {
  if (device_ != nullptr) device_->closed();
}

Result<std::shared_ptr<HostFile>> HostFile::simulate(Reactor& reactor,
                                                     std::shared_ptr<Device> device,
                                                     FileType type) {
  auto nothing = null(reactor);
  if (!nothing) return nothing;
  const struct stat unknown = {};
  auto file = std::shared_ptr<HostFile>(new HostFile(reactor, {}, &unknown));
  file->null_ = std::move(*nothing);
  file->kind_ = Kind::device;
  file->type_ = type;
  file->device_ = std::move(device);
  return file;
}

std::shared_ptr<HostFile> HostFile::own(Reactor& reactor, UniqueFd fd) {
  return std::shared_ptr<HostFile>(new HostFile(reactor, std::move(fd)));
}

Result<std::shared_ptr<HostFile>> HostFile::borrow(Reactor& reactor, int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return errno_error("descriptor " + std::to_string(fd), errno);
  const auto [first, last] = borrowed.of(status);
  for (auto entry = first; entry != last; ++entry) {
    auto file = entry->second.lock();
    if (file != nullptr && &file->reactor_ == &reactor && file->is_same_description(fd))
      return file;
  }
  UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!duplicate.valid()) {
    return errno_error("descriptor " + std::to_string(fd), errno);
  }
  auto file = std::shared_ptr<HostFile>(new HostFile(reactor, std::move(duplicate), &status));
  if (file->kind_ != Kind::file) {
    file->kind_ = S_ISSOCK(status.st_mode) ? Kind::socket : Kind::shared;
    if (UniqueFd again = open_again(file->fd(), status, file->tty_); again.valid()) {
      file->original_ = std::exchange(file->fd_, std::move(again));
      file->kind_ = Kind::own;
    }
  }
  borrowed.add(status, file);
  return file;
}

Result<std::shared_ptr<HostFile>> HostFile::null(Reactor& reactor) {
  thread_local std::weak_ptr<HostFile> known;
  if (auto file = known.lock(); file != nullptr && &file->reactor_ == &reactor) return file;
  UniqueFd fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return errno_error("/dev/null", errno);
  auto file = std::shared_ptr<HostFile>(new HostFile(reactor, std::move(fd)));
  known = file;
  return file;
}

bool HostFile::is_same_description(int fd) const {
  constexpr int kDupfdQuery = 1024 + 3;  // F_DUPFD_QUERY, Linux 6.10; not in older headers.
  const int mine = original_.valid() ? original_.get() : fd_.get();
  const int answer = ::fcntl(fd, kDupfdQuery, mine);
  if (answer >= 0) return answer == 1;
  const pid_t self = ::getpid();
  return ::syscall(SYS_kcmp, self, self, KCMP_FILE, fd, mine) == 0;
}

Errno HostFile::read(std::span<const iovec> buffers, std::size_t& n, off_t at) {
  n = 0;
  if (kind_ == Kind::device) return device_->read(buffers, n);
  const int count = static_cast<int>(buffers.size());
  ssize_t got = -1;
  do {
    if (kind_ == Kind::socket) {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(buffers.data());
      message.msg_iovlen = buffers.size();
      got = ::recvmsg(fd(), &message, MSG_DONTWAIT);
    } else if (kind_ == Kind::shared && !readiness(Direction::read).ready) {
      return Errno::again;
    } else if (at != kHere) {
      got = ::preadv(fd(), buffers.data(), count, at);
    } else {
      got = ::readv(fd(), buffers.data(), count);
    }
  } while (got < 0 && errno == EINTR);
  if (got < 0) return from_host(errno);
  n = static_cast<std::size_t>(got);
  return Errno::success;
}

Errno HostFile::write(std::span<const iovec> buffers, int rwf, std::size_t& n, off_t at) {
  n = 0;
  if (kind_ == Kind::device) return device_->write(buffers, n);
  const HoldBackSigpipe hold(pipe_);
  const int count = static_cast<int>(buffers.size());
  ssize_t put = -1;
  do {
    if (type_ == FileType::socket_stream || type_ == FileType::socket_dgram) {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(buffers.data());
      message.msg_iovlen = buffers.size();
      put = ::sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (kind_ == Kind::shared) {
      if (!readiness(Direction::write).ready) return Errno::again;
      const auto first = std::find_if(buffers.begin(), buffers.end(),
                                      [](const iovec& buffer) { return buffer.iov_len > 0; });
      if (first == buffers.end()) return Errno::success;
      put = ::write(fd(), first->iov_base, std::min<std::size_t>(first->iov_len, PIPE_BUF));
    } else if (kind_ == Kind::file && (rwf != 0 || at != kHere)) {
      put = ::pwritev2(fd(), buffers.data(), count, at, rwf);
    } else {
      put = ::writev(fd(), buffers.data(), count);
    }
  } while (put < 0 && errno == EINTR);
  const int error = put < 0 ? errno : 0;
  n = put < 0 ? 0 : static_cast<std::size_t>(put);
  if (error == EPIPE || (error == 0 && n < bytes_of(buffers))) hold.discard();
  return from_host(error);
}

Readiness HostFile::readiness(Direction direction) const {
  if (kind_ == Kind::file) return {.ready = true, .hangup = false};
  if (kind_ == Kind::device) {
    const Device::State state = device_->state(direction);
    return {.ready = state.ready, .hangup = state.hangup};
  }
  pollfd request{.fd = fd(), .events = poll_events(direction), .revents = 0};
  if (::poll(&request, 1, 0) <= 0) return {};
  return {.ready = request.revents != 0,
          .hangup = (request.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0};
}

bool HostFile::watches_itself() {
  if (kind_ == Kind::own) return true;
  if (kind_ != Kind::socket) return false;
  if (watches_[0] == nullptr && watches_[1] == nullptr) {
    itself_ = (::fcntl(fd(), F_GETFL) & O_NONBLOCK) != 0;
  }
  return itself_;
}

Errno HostFile::target(Direction direction, Target& out) {
  const bool direct = watches_itself();
  std::unique_ptr<Watch>& watch = watches_[direct ? 0 : static_cast<int>(direction)];
  out.direction = direct ? direction : Direction::read;
  if (watch == nullptr) {
    UniqueFd inner;
    if (!direct) {
      // Level-triggered: the epoll descriptor is readable exactly while the file is ready.
      inner.reset(::epoll_create1(EPOLL_CLOEXEC));
      epoll_event event{};
      event.events = direction == Direction::read ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
      if (!inner.valid() || ::epoll_ctl(inner.get(), EPOLL_CTL_ADD, fd(), &event) != 0) {
        return Errno::nfile;
      }
    }
    auto opened = direct ? Watch::open_itself(reactor_, fd()) : Watch::open(reactor_, inner.get());
    if (!opened) return Errno::nfile;
    watch = std::move(*opened);
  }
  out.watch = watch.get();
  return Errno::success;
}

Errno HostFile::wait(Direction direction) {
  if (kind_ == Kind::device) {
    const DeviceWait wait(*device_, direction, this_g());
    park(WaitReason::io_wait);
    return Errno::success;
  }
  Target to;
  WEFT_WASI_TRY(target(direction, to));
  const ReadyWait wait(*to.watch, to.direction, this_g());
  park(WaitReason::io_wait);
  return Errno::success;
}

}  // namespace weft::wasip1
