// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/errnos.h"

#include <cerrno>
#include <iterator>

namespace weft::wasip1 {
namespace {

constexpr std::string_view kNames[] = {
#define WEFT_WASI_ERRNO_NAME(identifier, text) text,
    WEFT_WASI_ERRNOS(WEFT_WASI_ERRNO_NAME)
#undef WEFT_WASI_ERRNO_NAME
};
static_assert(std::size(kNames) == kErrnos);

struct HostErrno {
  int host;
  Errno wasi;
};

// Where the host has a number twice, the first row counts.
constexpr HostErrno kHostErrnos[] = {
    {0, Errno::success},
    {E2BIG, Errno::toobig},
    {EACCES, Errno::acces},
    {EADDRINUSE, Errno::addrinuse},
    {EADDRNOTAVAIL, Errno::addrnotavail},
    {EAFNOSUPPORT, Errno::afnosupport},
    {EAGAIN, Errno::again},
    {EALREADY, Errno::already},
    {EBADF, Errno::badf},
    {EBADMSG, Errno::badmsg},
    {EBUSY, Errno::busy},
    {ECANCELED, Errno::canceled},
    {ECHILD, Errno::child},
    {ECONNABORTED, Errno::connaborted},
    {ECONNREFUSED, Errno::connrefused},
    {ECONNRESET, Errno::connreset},
    {EDEADLK, Errno::deadlk},
    {EDESTADDRREQ, Errno::destaddrreq},
    {EDOM, Errno::dom},
    {EDQUOT, Errno::dquot},
    {EEXIST, Errno::exist},
    {EFAULT, Errno::fault},
    {EFBIG, Errno::fbig},
    {EHOSTUNREACH, Errno::hostunreach},
    {EIDRM, Errno::idrm},
    {EILSEQ, Errno::ilseq},
    {EINPROGRESS, Errno::inprogress},
    {EINTR, Errno::intr},
    {EINVAL, Errno::inval},
    {EISCONN, Errno::isconn},
    {EISDIR, Errno::isdir},
    {ELOOP, Errno::loop},
    {EMFILE, Errno::mfile},
    {EMLINK, Errno::mlink},
    {EMSGSIZE, Errno::msgsize},
    {EMULTIHOP, Errno::multihop},
    {ENAMETOOLONG, Errno::nametoolong},
    {ENETDOWN, Errno::netdown},
    {ENETRESET, Errno::netreset},
    {ENETUNREACH, Errno::netunreach},
    {ENFILE, Errno::nfile},
    {ENOBUFS, Errno::nobufs},
    {ENODEV, Errno::nodev},
    {ENOENT, Errno::noent},
    {ENOEXEC, Errno::noexec},
    {ENOLCK, Errno::nolck},
    {ENOLINK, Errno::nolink},
    {ENOMEM, Errno::nomem},
    {ENOMSG, Errno::nomsg},
    {ENOPROTOOPT, Errno::noprotoopt},
    {ENOSPC, Errno::nospc},
    {ENOSYS, Errno::nosys},
    {ENOTCONN, Errno::notconn},
    {ENOTDIR, Errno::notdir},
    {ENOTEMPTY, Errno::notempty},
    {ENOTRECOVERABLE, Errno::notrecoverable},
    {ENOTSOCK, Errno::notsock},
    {ENOTSUP, Errno::notsup},
    {ENOTTY, Errno::notty},
    {ENXIO, Errno::nxio},
    {EOVERFLOW, Errno::overflow},
    {EOWNERDEAD, Errno::ownerdead},
    {EPERM, Errno::perm},
    {EPIPE, Errno::pipe},
    {EPROTO, Errno::proto},
    {EPROTONOSUPPORT, Errno::protonosupport},
    {EPROTOTYPE, Errno::prototype},
    {ERANGE, Errno::range},
    {EROFS, Errno::rofs},
    {ESPIPE, Errno::spipe},
    {ESRCH, Errno::srch},
    {ESTALE, Errno::stale},
    {ETIMEDOUT, Errno::timedout},
    {ETXTBSY, Errno::txtbsy},
    {EXDEV, Errno::xdev},
    // The same thing under two names, or a thing that WASI has no name for but a near one.
    {EWOULDBLOCK, Errno::again},
    {EOPNOTSUPP, Errno::notsup},
    {ESHUTDOWN, Errno::pipe},
    {EPFNOSUPPORT, Errno::afnosupport},
};

}  // namespace

std::string_view name(Errno errno_value) {
  const auto index = static_cast<std::size_t>(errno_value);
  return index < kErrnos ? kNames[index] : std::string_view("E?");
}

Errno from_host(int host_errno) {
  for (const HostErrno& row : kHostErrnos) {
    if (row.host == host_errno) return row.wasi;
  }
  return Errno::io;
}

}  // namespace weft::wasip1
