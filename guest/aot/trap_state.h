// SPDX-License-Identifier: Apache-2.0
// TrapState: how a compiled guest is left in the middle of its code, and everything about it that
// is not on its own stack. One a running guest; it hangs on the guest's G, so it travels with it.
//
//   enter()  ─▶ the guest's code ─▶ a WASI function, C++ again, which may park the G
//     ▲              │  leave(): a trap that the code found itself, a budget that ran out, or a
//     │              │  WASI function's wish (its frames have been unwound)
//     │              │  SIGSEGV: beyond the memory's end, or beyond the stack's (claim());
//     │              │  SIGBUS: the file of its code was cut off (claim())
//     └──────────────┘  by longjmp, over frames of C that have nothing to destroy
//
// A guest may be left only while its own code is on top of the stack: `in_guest`. A fault at any
// other time is a bug of weft, and is not claimed.
//
// The guard page of a stack catches the guest's own frames. Host functions need more room than that
// page: require_stack() traps before one is called with too little.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "guest/engine.h"
#include "scheduler/g.h"

namespace weft {

class TrapState {
 public:
  // Some of them are weft's own, and a handler's.
  static constexpr std::size_t kFramesMax = 48;

  // What a WASI function may take of the stack, and what the kernel may (a path is 4 KiB).
  static constexpr std::size_t kHostStackBytes = std::size_t{48} * 1024;

  // Calls f(argument), on a G. Returns true when f returned, false when it was left.
  bool enter(void (*f)(void* argument), void* argument);

  // The guest that runs on this G, or null.
  static TrapState* current() noexcept;

  // --- in the guest ---

  // Takes note of a trap that the guest's code found. offset: of the trap, 0 when the calls under
  // way tell it.
  void note(TrapKind kind, std::uint32_t offset) noexcept;

  // Ends enter() by a jump. On the G's stack; no frame in between may hold an object with a
  // destructor.
  [[noreturn]] void leave() noexcept;

  // Is there room for a host function?
  [[nodiscard]] bool has_stack() const noexcept {
    return static_cast<const std::byte*>(__builtin_frame_address(0)) - stack_bottom_ >
           static_cast<std::ptrdiff_t>(kHostStackBytes);
  }

  // While it is entered: the guest's frames and those of what it called lie below.
  [[nodiscard]] const void* entry_stack() const { return reinterpret_cast<const void*>(landing_); }

  void* owner = nullptr;  // The instance whose state this is: for callers of current().

  // Code without tables for exceptions: fills in `frames`, from an address in the innermost
  // function's code and that function's frame; null: from where the guest's code was left. In a
  // fault's handler too. Null: by the tables.
  void (*walk_frames)(TrapState& state, const void* address, const void* frame) = nullptr;

  // Cleared around every call of the host from the guest.
  volatile bool in_guest = false;

  // Where accesses beyond the end of the guest's memory fault.
  const std::uint8_t* memory = nullptr;
  std::size_t reserved_bytes = 0;

  // --- of a guest that was left ---

  TrapKind kind = TrapKind::other;
  std::uint32_t known_offset = 0;  // In the module, if the code said it.
  // Addresses inside of the instructions under way, innermost first.
  std::array<const void*, kFramesMax> frames{};
  std::size_t frame_count = 0;

  // While one of these lives, a fault of a guest in this process becomes a trap of that guest.
  class FaultClaims {
   public:
    FaultClaims();
    ~FaultClaims();
    FaultClaims(const FaultClaims&) = delete;
    FaultClaims& operator=(const FaultClaims&) = delete;
  };

 private:
  struct OnG;
  static bool claim(const siginfo_t* info, void* context) noexcept;
  [[noreturn]] static void land(TrapState* self) noexcept;
  [[gnu::noinline]] void call(void (*f)(void* argument), void* argument);
  void walk() noexcept;

  bool noting_ = false;  // note() is under way.
  jmp_buf entry_;
  std::uintptr_t landing_ = 0;  // A stack pointer above everything that is lost by leaving.
  const std::byte* stack_bottom_ = nullptr;
};

}  // namespace weft
