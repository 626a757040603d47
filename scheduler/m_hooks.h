// SPDX-License-Identifier: Apache-2.0
// MHooks: what the scheduler calls when it makes and ends Ms. The names are those of Go's runtime
// (os_wasm.go). os/port/port.h implements them, emulated or strict; without hooks the scheduler
// does the emulated thing.
#pragma once

namespace weft {

struct M;

class MHooks {
 public:
  virtual ~MHooks() = default;
  virtual void mpreinit(M& m) = 0;  // On the parent, before the new M runs.
  virtual void minit(M& m) = 0;     // On the new M, first thing.
  virtual void unminit(M& m) = 0;   // On the M, when its work is over.
  virtual void mdestroy(M& m) = 0;  // After that, when nothing runs on it any more.
  // Called before an M is made, for work or by request. Throws to forbid it, as a real wasm port
  // does.
  virtual void newosproc(M& m) = 0;
  // False: there is one thread for ever, and LockOSThread does nothing, as on a real wasm port.
  virtual bool has_threads() { return true; }
};

}  // namespace weft
