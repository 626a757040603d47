// SPDX-License-Identifier: Apache-2.0
// HostFile: one open file of the host as guests use it: read, write, ready?, wait until ready. No
// call blocks the thread, for any kind of descriptor. No call changes the flags of a file
// description that other processes share.
//
// How depends on the kind:
//   file    Regular files, directories, block devices, and devices that can't be polled
//           (/dev/null): always ready; the call goes straight to the host.
//   own     A file description that is ours alone and has O_NONBLOCK: what path_open opened,
//           accepted sockets, and pipes and terminals given as stdio, which are opened once more
//           through /proc/self/fd. That gives a description of our own on the same pipe or
//           terminal, so the one that weft shares with its parent keeps its flags.
//   socket  A socket whose description is shared. It can't be opened again; MSG_DONTWAIT does it
//           for each call.
//   device  No file of the host at all: a Device of a simulation (os/wasip1/device.h).
//   shared  Everything else (no /proc, no permission to open, other devices): first poll(2) without
//           a timeout; then at most PIPE_BUF bytes are written, which a pipe that polled writable
//           takes whole. If another process empties the pipe between the two calls, a read blocks
//           the thread; only this last resort has that flaw.
//
// Waiting goes through a Watch of the reactor. Asio makes a descriptor that it watches
// non-blocking, which for a shared description would change the parent's terminal; so for `socket`
// and `shared` the reactor watches a private epoll descriptor that holds the file, and never the
// file itself. But a socket that is non-blocking already, as an embedder's on Asio is, is watched
// itself: that changes nothing of it, and the kernel handles each event once.
//
// Guests that are given the same description (a thousand copies on one terminal) share one
// HostFile: it costs three descriptors, not three thousand. A file that is watched itself takes no
// second one for that, and all devices share the one of /dev/null.
#pragma once

#include <sys/stat.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "os/reactor.h"
#include "os/wasip1/abi.h"

namespace weft::wasip1 {

class Device;

struct Readiness {
  bool ready = false;
  bool hangup = false;
};

class HostFile {
 public:
  enum class Kind : std::uint8_t { file, own, socket, shared, device };

  // A file that other processes share: stdio. Duplicates fd, or shares what an earlier call made of
  // the same description. Fails when fd is not open or the system has no descriptor left.
  static Result<std::shared_ptr<HostFile>> borrow(Reactor& reactor, int fd);

  // /dev/null, for streams that a guest was not given. One description for all guests.
  static Result<std::shared_ptr<HostFile>> null(Reactor& reactor);

  // A file that is ours alone. Anything but a regular file or a directory must have O_NONBLOCK.
  static std::shared_ptr<HostFile> own(Reactor& reactor, UniqueFd fd);

  // A device in a file's place. Calls that need a host's descriptor get that of null(), and fail
  // when it does.
  static Result<std::shared_ptr<HostFile>> simulate(Reactor& reactor,
                                                    std::shared_ptr<Device> device, FileType type);
  ~HostFile();

  [[nodiscard]] int fd() const { return null_ == nullptr ? fd_.get() : null_->fd(); }
  [[nodiscard]] Device* device() const { return device_.get(); }
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] FileType type() const { return type_; }
  [[nodiscard]] bool is_tty() const { return tty_; }

  // Where the file stands: what preadv2(2) and pwritev2(2) take for that.
  static constexpr off_t kHere = -1;

  // Reads or writes what is possible now and says how much in n. EAGAIN: nothing is. Kind file
  // only: an offset `at`; writing: rwf is flags of pwritev2 (RWF_APPEND, RWF_SYNC, ...). Never
  // raises SIGPIPE.
  Errno read(std::span<const iovec> buffers, std::size_t& n, off_t at = kHere);
  Errno write(std::span<const iovec> buffers, int rwf, std::size_t& n, off_t at = kHere);

  // The state now. Costs a system call, for files none.
  [[nodiscard]] Readiness readiness(Direction direction) const;

  // What a ReadyWait takes, to wait for `direction`. Creates them on first use; ENFILE when that
  // fails.
  struct Target {
    Watch* watch = nullptr;
    Direction direction = Direction::read;
  };
  // Not for kind device, whose waits are DeviceWaits.
  Errno target(Direction direction, Target& out);

  // Parks the running G until the file may be ready, or a little longer: ask again afterwards. May
  // throw Killed. ENFILE: the system has no descriptor left to watch it.
  Errno wait(Direction direction);

 private:
  // known: what fstat(2) says of it, where that was asked.
  HostFile(Reactor& reactor, UniqueFd fd, const struct stat* known = nullptr);
  [[nodiscard]] bool is_same_description(int fd) const;
  bool watches_itself();

  Reactor& reactor_;
  UniqueFd fd_;
  UniqueFd original_;  // Of a file that was opened again: the description it was borrowed from.
  Kind kind_ = Kind::file;
  FileType type_ = FileType::unknown;
  bool tty_ = false;
  bool pipe_ = false;
  bool itself_ = false;                // A socket that was non-blocking when it was first watched.
  std::shared_ptr<Device> device_;     // Kind device, with
  std::shared_ptr<HostFile> null_;     // /dev/null.
  std::unique_ptr<Watch> watches_[2];  // What is watched itself uses the first for both directions.
};

}  // namespace weft::wasip1
