// SPDX-License-Identifier: Apache-2.0
// The end of a guest.
#include "os/wasip1/calls.h"

namespace weft::wasip1 {
namespace {

// The signals of the specification whose default action does not end the process. (A guest can't
// handle signals.)
enum Signal : std::uint32_t {
  kNone = 0,
  kChld = 16,
  kCont = 17,
  kStop = 18,
  kTstp = 19,
  kTtin = 20,
  kTtou = 21,
  kUrg = 22,
  kWinch = 27,
  kLast = 30,
};

}  // namespace

// Ends the guest with an exit code. Does not return: throws Exit, which runs the destructors up to
// the engine. Specification: proc_exit.
void proc_exit(Process&, Memory, std::uint32_t rval) {
  throw Exit{rval};
}

// Sends the guest itself a signal. Guests have no handlers, so each signal has its default action:
// chld, cont, urg and winch do nothing, the others end the guest with exit code 128 + sig. EINVAL:
// no such signal. ENOTSUP: stop, tstp, ttin, ttou: the guest could not be continued. Never parks.
// Specification: proc_raise.
Errno proc_raise(Process&, Memory, std::uint32_t sig) {
  switch (sig) {
    case kNone:
    case kChld:
    case kCont:
    case kUrg:
    case kWinch:
      return Errno::success;
    case kStop:
    case kTstp:
    case kTtin:
    case kTtou:
      return Errno::notsup;
    default:
      break;
  }
  if (sig > kLast) return Errno::inval;
  throw Exit{128 + sig};
}

}  // namespace weft::wasip1
