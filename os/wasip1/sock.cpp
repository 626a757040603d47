// SPDX-License-Identifier: Apache-2.0
// Sockets: listeners that the embedder gave, what they accept, and stdio that is a socket. WASI
// preview 1 can't make any.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "os/wasip1/calls.h"
#include "os/wasip1/device.h"
#include "os/wasip1/iovecs.h"
#include "os/wasip1/long_call.h"
#include "os/wasip1/stream.h"

namespace weft::wasip1 {
namespace {

// EBADF: no such descriptor. ENOTSOCK: not a socket. ENOTCAPABLE: without the right.
Errno find_socket(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(process.fds().find(fd, 0, out));
  if (out->type != FileType::socket_stream && out->type != FileType::socket_dgram) {
    return Errno::notsock;
  }
  return (out->base & needed) == needed ? Errno::success : Errno::notcapable;
}

// One recvmsg that does not wait.
Errno receive(const HostFile& file, std::span<const iovec> buffers, int flags, std::size_t& n,
              std::uint16_t& ro_flags) {
  if (Device* device = file.device()) {
    return flags == 0 ? device->read(buffers, n) : device->peek(buffers, n);
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = buffers.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(file.fd(), &message, flags | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return from_host(errno);
  n = static_cast<std::size_t>(got);
  if ((message.msg_flags & MSG_TRUNC) != 0) ro_flags = roflags::data_truncated;
  return Errno::success;
}

// Guests can't set options, so weft sets the one that every server sets, as Go's net package does.
// Does nothing when it is not a TCP socket.
void set_no_delay(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// Takes the next connection of a listener and writes its descriptor (u32 at accepted_fd). flags:
// fdflags.nonblock or 0, for the connection. It has TCP_NODELAY. EBADF: no such descriptor.
// ENOTSOCK: not a socket. ENOTCAPABLE: not a listener. EINVAL: another flag. EFAULT: accepted_fd
// lies outside. EAGAIN: none there and the listener has FDFLAGS_NONBLOCK. EMFILE: the guest's
// descriptors are used up. ENFILE: those of all guests are, or the system's. ECONNABORTED: as the
// host says. Parks ("IO wait"). Specification: sock_accept.
Errno sock_accept(Process& process, Memory memory, Fd fd, std::uint32_t flags, Size accepted_fd) {
  Descriptor* listener = nullptr;
  WEFT_WASI_TRY(find_socket(process, fd, rights::sock_accept, listener));
  if ((flags & ~std::uint32_t{fdflags::nonblock}) != 0) return Errno::inval;
  WEFT_WASI_TRY(memory.check<Fd>(accepted_fd));
  UniqueFd connection;
  for (;;) {
    WEFT_WASI_TRY(process.fds().room());  // Others may have taken it while this one waited.
    connection.reset(
        ::accept4(listener->file->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) break;
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EMFILE) return Errno::nfile;
    if (error != EAGAIN && error != EWOULDBLOCK) return from_host(error);
    if (!listener->may_park()) return Errno::again;
    WEFT_WASI_TRY(listener->file->wait(Direction::read));
  }
  set_no_delay(connection.get());
  auto file = HostFile::own(process.reactor(), std::move(connection));
  auto descriptor = std::make_unique<Descriptor>(std::move(file), listener->inheriting, Rights{0},
                                                 static_cast<std::uint16_t>(flags));
  Fd number = 0;
  WEFT_WASI_TRY(process.fds().add(std::move(descriptor), number));
  return memory.store(accepted_fd, number);
}

// Receives into ri_data_len buffers at ri_data; writes how many bytes came (u32 at ro_datalen; 0:
// the other end has closed) and flags (u16 at ro_flags; 1: the datagram was longer). ri_flags: peek
// 1 leaves them in the socket; waitall 2 waits until the buffers are full (not together with peek:
// there it waits for the first byte only). EBADF: no such descriptor. ENOTSOCK: not a socket.
// ENOTCAPABLE: without fd_read. EINVAL: another flag, or more than 65,536 buffers. EFAULT: an
// address lies outside. EAGAIN: nothing there and FDFLAGS_NONBLOCK. ENOTCONN, ECONNRESET: as the
// host says. Parks ("IO wait"). Specification: sock_recv.
Errno sock_recv(Process& process, Memory memory, Fd fd, Size ri_data, Size ri_data_len,
                std::uint32_t ri_flags, Size ro_datalen, Size ro_flags) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_socket(process, fd, rights::fd_read, descriptor));
  if ((ri_flags & ~std::uint32_t{riflags::all}) != 0) return Errno::inval;
  Iovecs iovecs(process.host_memory(), most_to_read(process));
  WEFT_WASI_TRY(iovecs.read(memory, ri_data, ri_data_len));
  WEFT_WASI_TRY(memory.check<Size>(ro_datalen));
  WEFT_WASI_TRY(memory.check<std::uint16_t>(ro_flags));
  const bool peeks = (ri_flags & riflags::peek) != 0;
  const bool waits_for_all =
      (ri_flags & riflags::waitall) != 0 && !peeks && descriptor->type == FileType::socket_stream;
  HostFile& file = *descriptor->file;
  std::size_t total = 0;
  std::uint16_t flags = 0;
  LongCall turns;
  // A datagram comes whole.
  const bool in_pieces = descriptor->type == FileType::socket_stream && !peeks && !file.device();
  const std::size_t max = in_pieces ? kBytesPerTurn : kBytesPerCall;
  for (;;) {
    std::size_t n = 0;
    const Errno e = receive(file, iovecs.piece(max), peeks ? MSG_PEEK : 0, n, flags);
    total += n;
    turns.moved(n);
    if (e == Errno::success) {
      if (!peeks) iovecs.consume(std::min(n, iovecs.total()));
      if (n == 0 || !waits_for_all || iovecs.total() == 0) break;
    } else if (e != Errno::again || !descriptor->may_park()) {
      if (total > 0) break;
      return e;
    } else {
      WEFT_WASI_TRY(file.wait(Direction::read));
    }
  }
  WEFT_WASI_TRY(memory.store(ro_flags, flags));
  return memory.store(ro_datalen, static_cast<Size>(total));
}

// Sends si_data_len buffers at si_data, and writes how many bytes were sent (u32 at so_datalen):
// all, or fewer for the reasons that fd_write has. There are no flags: si_flags must be 0. EBADF:
// no such descriptor. ENOTSOCK: not a socket. ENOTCAPABLE: without fd_write. EINVAL: a flag, or
// more than 65,536 buffers. EFAULT: an address lies outside. EAGAIN: no room and FDFLAGS_NONBLOCK.
// EPIPE: the other end has closed (no signal is raised). ECONNRESET, EMSGSIZE: as the host says.
// Parks ("IO wait"). Specification: sock_send.
Errno sock_send(Process& process, Memory memory, Fd fd, Size si_data, Size si_data_len,
                std::uint32_t si_flags, Size so_datalen) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_socket(process, fd, rights::fd_write, descriptor));
  if (si_flags != 0) return Errno::inval;
  Iovecs iovecs(process.host_memory());
  WEFT_WASI_TRY(iovecs.read(memory, si_data, si_data_len));
  WEFT_WASI_TRY(memory.check<Size>(so_datalen));
  std::size_t n = 0;
  WEFT_WASI_TRY(write_all(process.budgets().output_bytes, *descriptor, iovecs, n));
  return memory.store(so_datalen, static_cast<Size>(n));
}

// Ends one direction of a connection or both: rd 1, wr 2.
// EBADF: no such descriptor. ENOTSOCK: not a socket. ENOTCAPABLE: without sock_shutdown. EINVAL:
// neither, or an unknown bit. ENOTCONN: as the host says. Never parks. Specification:
// sock_shutdown.
Errno sock_shutdown(Process& process, Memory, Fd fd, std::uint32_t how) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_socket(process, fd, rights::sock_shutdown, descriptor));
  if (Device* device = descriptor->file->device()) {
    if (how == 0 || how > (sdflags::rd | sdflags::wr)) return Errno::inval;
    return device->shutdown((how & sdflags::rd) != 0, (how & sdflags::wr) != 0);
  }
  int host_how = 0;
  switch (how) {
    case sdflags::rd:
      host_how = SHUT_RD;
      break;
    case sdflags::wr:
      host_how = SHUT_WR;
      break;
    case sdflags::rd | sdflags::wr:
      host_how = SHUT_RDWR;
      break;
    default:
      return Errno::inval;
  }
  return ::shutdown(descriptor->file->fd(), host_how) == 0 ? Errno::success : from_host(errno);
}

}  // namespace weft::wasip1
