// SPDX-License-Identifier: Apache-2.0
// Errno: what every WASI function returns, and the one place where the host's errno becomes one.
//
// The values are those of wasi_snapshot_preview1 (and of wasi_unstable: the list never changed). A
// guest sees the number, --trace-wasi prints the name. A host's errno enters in from_host() and
// nowhere else.
//
// Specification: "errno" in the types of WASI preview 1.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::wasip1 {

// One row for each value, in the order of the specification: identifier, name.
#define WEFT_WASI_ERRNOS(X)                     \
  X(success, "ESUCCESS")               /* 0 */  \
  X(toobig, "E2BIG")                   /* 1 */  \
  X(acces, "EACCES")                   /* 2 */  \
  X(addrinuse, "EADDRINUSE")           /* 3 */  \
  X(addrnotavail, "EADDRNOTAVAIL")     /* 4 */  \
  X(afnosupport, "EAFNOSUPPORT")       /* 5 */  \
  X(again, "EAGAIN")                   /* 6 */  \
  X(already, "EALREADY")               /* 7 */  \
  X(badf, "EBADF")                     /* 8 */  \
  X(badmsg, "EBADMSG")                 /* 9 */  \
  X(busy, "EBUSY")                     /* 10 */ \
  X(canceled, "ECANCELED")             /* 11 */ \
  X(child, "ECHILD")                   /* 12 */ \
  X(connaborted, "ECONNABORTED")       /* 13 */ \
  X(connrefused, "ECONNREFUSED")       /* 14 */ \
  X(connreset, "ECONNRESET")           /* 15 */ \
  X(deadlk, "EDEADLK")                 /* 16 */ \
  X(destaddrreq, "EDESTADDRREQ")       /* 17 */ \
  X(dom, "EDOM")                       /* 18 */ \
  X(dquot, "EDQUOT")                   /* 19 */ \
  X(exist, "EEXIST")                   /* 20 */ \
  X(fault, "EFAULT")                   /* 21 */ \
  X(fbig, "EFBIG")                     /* 22 */ \
  X(hostunreach, "EHOSTUNREACH")       /* 23 */ \
  X(idrm, "EIDRM")                     /* 24 */ \
  X(ilseq, "EILSEQ")                   /* 25 */ \
  X(inprogress, "EINPROGRESS")         /* 26 */ \
  X(intr, "EINTR")                     /* 27 */ \
  X(inval, "EINVAL")                   /* 28 */ \
  X(io, "EIO")                         /* 29 */ \
  X(isconn, "EISCONN")                 /* 30 */ \
  X(isdir, "EISDIR")                   /* 31 */ \
  X(loop, "ELOOP")                     /* 32 */ \
  X(mfile, "EMFILE")                   /* 33 */ \
  X(mlink, "EMLINK")                   /* 34 */ \
  X(msgsize, "EMSGSIZE")               /* 35 */ \
  X(multihop, "EMULTIHOP")             /* 36 */ \
  X(nametoolong, "ENAMETOOLONG")       /* 37 */ \
  X(netdown, "ENETDOWN")               /* 38 */ \
  X(netreset, "ENETRESET")             /* 39 */ \
  X(netunreach, "ENETUNREACH")         /* 40 */ \
  X(nfile, "ENFILE")                   /* 41 */ \
  X(nobufs, "ENOBUFS")                 /* 42 */ \
  X(nodev, "ENODEV")                   /* 43 */ \
  X(noent, "ENOENT")                   /* 44 */ \
  X(noexec, "ENOEXEC")                 /* 45 */ \
  X(nolck, "ENOLCK")                   /* 46 */ \
  X(nolink, "ENOLINK")                 /* 47 */ \
  X(nomem, "ENOMEM")                   /* 48 */ \
  X(nomsg, "ENOMSG")                   /* 49 */ \
  X(noprotoopt, "ENOPROTOOPT")         /* 50 */ \
  X(nospc, "ENOSPC")                   /* 51 */ \
  X(nosys, "ENOSYS")                   /* 52 */ \
  X(notconn, "ENOTCONN")               /* 53 */ \
  X(notdir, "ENOTDIR")                 /* 54 */ \
  X(notempty, "ENOTEMPTY")             /* 55 */ \
  X(notrecoverable, "ENOTRECOVERABLE") /* 56 */ \
  X(notsock, "ENOTSOCK")               /* 57 */ \
  X(notsup, "ENOTSUP")                 /* 58 */ \
  X(notty, "ENOTTY")                   /* 59 */ \
  X(nxio, "ENXIO")                     /* 60 */ \
  X(overflow, "EOVERFLOW")             /* 61 */ \
  X(ownerdead, "EOWNERDEAD")           /* 62 */ \
  X(perm, "EPERM")                     /* 63 */ \
  X(pipe, "EPIPE")                     /* 64 */ \
  X(proto, "EPROTO")                   /* 65 */ \
  X(protonosupport, "EPROTONOSUPPORT") /* 66 */ \
  X(prototype, "EPROTOTYPE")           /* 67 */ \
  X(range, "ERANGE")                   /* 68 */ \
  X(rofs, "EROFS")                     /* 69 */ \
  X(spipe, "ESPIPE")                   /* 70 */ \
  X(srch, "ESRCH")                     /* 71 */ \
  X(stale, "ESTALE")                   /* 72 */ \
  X(timedout, "ETIMEDOUT")             /* 73 */ \
  X(txtbsy, "ETXTBSY")                 /* 74 */ \
  X(xdev, "EXDEV")                     /* 75 */ \
  X(notcapable, "ENOTCAPABLE")         /* 76 */

enum class Errno : std::uint16_t {
#define WEFT_WASI_ERRNO_VALUE(identifier, text) identifier,
  WEFT_WASI_ERRNOS(WEFT_WASI_ERRNO_VALUE)
#undef WEFT_WASI_ERRNO_VALUE
};

inline constexpr std::size_t kErrnos = 77;
static_assert(static_cast<std::size_t>(Errno::notcapable) == kErrnos - 1);
static_assert(static_cast<int>(Errno::badf) == 8 && static_cast<int>(Errno::intr) == 27 &&
              static_cast<int>(Errno::nosys) == 52 && static_cast<int>(Errno::spipe) == 70);

// "EBADF"; "E?" for a value that is not in the list.
std::string_view name(Errno errno_value);

// What a guest is told for an errno of the host. An errno that WASI has no value for becomes EIO; 0
// becomes ESUCCESS.
Errno from_host(int host_errno);

}  // namespace weft::wasip1

// Returns from the function with the Errno of expression unless that is success.
#define WEFT_WASI_TRY(expression)                                     \
  do {                                                                \
    if (const ::weft::wasip1::Errno weft_errno_of_try = (expression); \
        weft_errno_of_try != ::weft::wasip1::Errno::success) {        \
      return weft_errno_of_try;                                       \
    }                                                                 \
  } while (false)
