#include "os/wasip1/errno.h"

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

}  // namespace

std::string_view name(Errno errno_value) {
  const auto index = static_cast<std::size_t>(errno_value);
  return index < kErrnos ? kNames[index] : std::string_view("E?");
}

Errno from_host(int host_errno) {
  switch (host_errno) {
    case 0:
      return Errno::success;
      // The same thing under two names, or a thing that WASI has no name for but a near one.
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
      return Errno::again;
#endif
#if EOPNOTSUPP != ENOTSUP
    case EOPNOTSUPP:
      return Errno::notsup;
#endif
    case ESHUTDOWN:
      return Errno::pipe;
    case EPFNOSUPPORT:
      return Errno::afnosupport;
      // The rest is one to one.
#define WEFT_SAME(host, wasi) \
  case host:                  \
    return Errno::wasi;
      WEFT_SAME(E2BIG, toobig)
      WEFT_SAME(EACCES, acces)
      WEFT_SAME(EADDRINUSE, addrinuse)
      WEFT_SAME(EADDRNOTAVAIL, addrnotavail)
      WEFT_SAME(EAFNOSUPPORT, afnosupport)
      WEFT_SAME(EAGAIN, again)
      WEFT_SAME(EALREADY, already)
      WEFT_SAME(EBADF, badf)
      WEFT_SAME(EBADMSG, badmsg)
      WEFT_SAME(EBUSY, busy)
      WEFT_SAME(ECANCELED, canceled)
      WEFT_SAME(ECHILD, child)
      WEFT_SAME(ECONNABORTED, connaborted)
      WEFT_SAME(ECONNREFUSED, connrefused)
      WEFT_SAME(ECONNRESET, connreset)
      WEFT_SAME(EDEADLK, deadlk)
      WEFT_SAME(EDESTADDRREQ, destaddrreq)
      WEFT_SAME(EDOM, dom)
      WEFT_SAME(EDQUOT, dquot)
      WEFT_SAME(EEXIST, exist)
      WEFT_SAME(EFAULT, fault)
      WEFT_SAME(EFBIG, fbig)
      WEFT_SAME(EHOSTUNREACH, hostunreach)
      WEFT_SAME(EIDRM, idrm)
      WEFT_SAME(EILSEQ, ilseq)
      WEFT_SAME(EINPROGRESS, inprogress)
      WEFT_SAME(EINTR, intr)
      WEFT_SAME(EINVAL, inval)
      WEFT_SAME(EISCONN, isconn)
      WEFT_SAME(EISDIR, isdir)
      WEFT_SAME(ELOOP, loop)
      WEFT_SAME(EMFILE, mfile)
      WEFT_SAME(EMLINK, mlink)
      WEFT_SAME(EMSGSIZE, msgsize)
      WEFT_SAME(EMULTIHOP, multihop)
      WEFT_SAME(ENAMETOOLONG, nametoolong)
      WEFT_SAME(ENETDOWN, netdown)
      WEFT_SAME(ENETRESET, netreset)
      WEFT_SAME(ENETUNREACH, netunreach)
      WEFT_SAME(ENFILE, nfile)
      WEFT_SAME(ENOBUFS, nobufs)
      WEFT_SAME(ENODEV, nodev)
      WEFT_SAME(ENOENT, noent)
      WEFT_SAME(ENOEXEC, noexec)
      WEFT_SAME(ENOLCK, nolck)
      WEFT_SAME(ENOLINK, nolink)
      WEFT_SAME(ENOMEM, nomem)
      WEFT_SAME(ENOMSG, nomsg)
      WEFT_SAME(ENOPROTOOPT, noprotoopt)
      WEFT_SAME(ENOSPC, nospc)
      WEFT_SAME(ENOSYS, nosys)
      WEFT_SAME(ENOTCONN, notconn)
      WEFT_SAME(ENOTDIR, notdir)
      WEFT_SAME(ENOTEMPTY, notempty)
      WEFT_SAME(ENOTRECOVERABLE, notrecoverable)
      WEFT_SAME(ENOTSOCK, notsock)
      WEFT_SAME(ENOTSUP, notsup)
      WEFT_SAME(ENOTTY, notty)
      WEFT_SAME(ENXIO, nxio)
      WEFT_SAME(EOVERFLOW, overflow)
      WEFT_SAME(EOWNERDEAD, ownerdead)
      WEFT_SAME(EPERM, perm)
      WEFT_SAME(EPIPE, pipe)
      WEFT_SAME(EPROTO, proto)
      WEFT_SAME(EPROTONOSUPPORT, protonosupport)
      WEFT_SAME(EPROTOTYPE, prototype)
      WEFT_SAME(ERANGE, range)
      WEFT_SAME(EROFS, rofs)
      WEFT_SAME(ESPIPE, spipe)
      WEFT_SAME(ESRCH, srch)
      WEFT_SAME(ESTALE, stale)
      WEFT_SAME(ETIMEDOUT, timedout)
      WEFT_SAME(ETXTBSY, txtbsy)
      WEFT_SAME(EXDEV, xdev)
#undef WEFT_SAME
    default:
      return Errno::io;
  }
}

}  // namespace weft::wasip1
