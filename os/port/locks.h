// SPDX-License-Identifier: Apache-2.0
// The bottom of Go's runtime: lock, note, semaphore and futex of an M, under Go's own names.
//
//   lock, notesleep, semasleep, futexsleep      the M sleeps, with its G, and the others run
//   notetsleepg                                 only the G is parked
//   unlock, notewakeup, semawakeup, futexwakeup the one that waited longest gets in line to run
//
// On a wasm target there is one M, so a lock that is taken can only be its own (self deadlock) and
// a sleep could never end; Go throws. A strict port does that. Emulated, there are other Ms, and
// each of these does what it does on an operating system with threads. As in Go, a G that holds a
// lock stays on its M: osyield and usleep see m.locks and act on the M.
//
// All structs are valid when all their bytes are zero. They must not move while a G or an M waits.
// To be called on a G or on a thread; waking is allowed from g0 too (timers, event handlers). Not
// from other threads or signal handlers.
#pragma once

#include <cstdint>

#include "scheduler/scheduler.h"

namespace weft::port {

// A waiting M or G, on its own stack.
struct Waiter {
  M* m = nullptr;
  G* g = nullptr;  // notetsleepg: it is this G that waits, not its M.
  Waiter* next = nullptr;
  const void* address = nullptr;  // Of a futex.
  bool woken = false;
};

// Go's mutex. key is 0 or 1; owner is the M that holds it; first come, first served.
struct mutex {
  std::uintptr_t key;
  M* owner;
  Waiter* head;
  Waiter* tail;
};

// Throw: "self deadlock" when this M holds it already, "lock count".
void lock(mutex* l);
// Throw: "unlock of unlocked lock", "lock count" when this M holds none, "unlock of a lock that
// another M holds".
void unlock(mutex* l);

// Go's note: an event that happens once, until it is cleared. One M or G may wait for it.
struct note {
  std::uintptr_t key;
  Waiter* waiter;
};

void noteclear(note* n);
// Throw: "notewakeup - double wakeup".
void notewakeup(note* n);
// Throw: "notesleep - waitm out of sync" when it is waited for already. Strict: "notesleep not
// supported by wasi".
void notesleep(note* n);
// At most ns nanoseconds, for ever when ns < 0. Returns whether it was woken. Throws as notesleep;
// strict: "notetsleep not supported by wasi".
bool notetsleep(note* n, std::int64_t ns);
// The same for the G alone. Throw: "notetsleepg on g0" without a G. Strict: the real port's busy
// loop of yields.
bool notetsleepg(note* n, std::int64_t ns);

// For a G that waits for something else as well: while this lives, notewakeup(n) readies g, if it
// is parked. Throw: "notesleep - waitm out of sync" when n is waited for already.
class NoteWait {
 public:
  NoteWait(note& n, G& g);
  ~NoteWait() { n_.waiter = nullptr; }
  NoteWait(const NoteWait&) = delete;
  NoteWait& operator=(const NoteWait&) = delete;
  [[nodiscard]] bool woken() const { return waiter_.woken; }

 private:
  note& n_;
  Waiter waiter_;
};
[[nodiscard]] bool is_awake(const note& n);

// Go's semaphore of an M: semawakeup(mp) lets one semasleep of mp through, now or later.
void semacreate(M* mp);
// Returns 0 when it was woken, -1 after ns nanoseconds. For ever when ns < 0.
std::int32_t semasleep(std::int64_t ns);
void semawakeup(M* mp);

// Sleeps if *address == value, until futexwakeup or for ns nanoseconds (for ever when ns < 0).
// Returns false when the time was over first, which Go's does not say.
bool futexsleep(const std::uint32_t* address, std::uint32_t value, std::int64_t ns);
// Wakes up to count Ms that sleep there, first come first; returns how many.
std::uint32_t futexwakeup(const std::uint32_t* address, std::uint32_t count);

// --- for the port itself: the same emulated and strict ---

// Returns whether the note was woken. reason: what a dump shows.
bool sleep_on_note(note& n, const char* reason, std::int64_t ns);
void wake_note(note& n);

}  // namespace weft::port
