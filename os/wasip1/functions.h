// SPDX-License-Identifier: Apache-2.0
// The table of all WASI functions: one row holds everything that weft knows of a function.
//
//   guest ─ import ─▶ engine ─▶ Function::call(process, memory, args) ─▶ one function of calls.h
//
// Function::call is the one place that every call passes: it unpacks the arguments, traces the call
// when the process has a TraceSink, and turns the Errno into the number that the guest gets.
//
// The other columns of a row are for tools. Tracing reads the names, recording the shape,
// exploration what a call touches and changes, and --faults how it may fail. To add a function, add
// a row; nothing else holds a list of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft::wasip1 {

// Can another guest see that the call was made, or does what another guest does change its answer?
// The time is not among what others change: it moves when nobody can run. poll_oneoff and
// sched_yield give way by themselves.
enum class Sight : std::uint8_t { own, shared };

// What a call touches, as coarsely as exploration needs it.
enum class Touch : std::uint8_t {
  nothing,
  files,       // All files and directories are one object.
  descriptor,  // What the first argument names: files, a standard stream, or a link between guests.
  links,       // All links: it looks at any of them.
};

// Does a call change what it touches? Calls that report inodes do: the number of an inode depends
// on which guest asked first.
enum class Change : std::uint8_t {
  no,
  yes,
  if_it_creates,  // path_open: by its flags.
};

// How a call on files may fail under --faults.
enum class Failure : std::uint8_t {
  never,
  io,             // EIO: it reads, or takes away.
  nospc,          // ENOSPC: it may need room on the disk.
  if_it_creates,  // path_open: ENOSPC when its flags create or cut a file, else EIO.
};

// What recording, exploration and faults know of a function.
struct CallFacts {
  // Which parameter is what, one letter each. Empty: nothing of it comes from outside (arguments,
  // environment, sched_yield), so it needs no record.
  //   v  a number                           p  the address of a path, whose length is next
  //   w  iovecs with what is to be written  r  iovecs to be filled
  //   b  a buffer to be filled              e  a list of events to be filled
  //   R  a buffer to be filled to its end   s  subscriptions: compared by the events' userdata
  //   n  the length or number of what the letter before tells
  //   c  where the number of bytes or events goes
  //   2 4 8 D S  where 2, 4, 8, 24, 64 bytes go; T: the 8 bytes of a time
  std::string_view shape;
  Sight sight = Sight::own;
  Touch touches = Touch::nothing;
  Change changes = Change::no;
  Failure failure = Failure::never;
  // May the kernel hold the thread for it until a disk has answered? Where it touches a descriptor:
  // only that of a file or a directory, see waited_for_disk().
  bool waits_for_disk = false;

  // Has its shape one of these letters?
  [[nodiscard]] constexpr bool has(std::string_view letters) const {
    return shape.find_first_of(letters) != std::string_view::npos;
  }
  // Does it move bytes between a file and iovecs, so that it can move fewer than it was asked to?
  [[nodiscard]] constexpr bool moves_bytes() const { return has("rw"); }
  [[nodiscard]] constexpr bool is_of_outside() const { return !shape.empty(); }
};

struct Function {
  std::string_view name;    // "fd_write"
  std::string_view params;  // One letter for each parameter: i = i32, I = i64. fd_write: "iiii"
  bool returns_errno;       // False for proc_exit only.
  // The arguments as in `params`, each in the low bits of its own element. Runs on a G; may park
  // it. Throws Exit (proc_exit, proc_raise) and Killed.
  std::uint32_t (*call)(Process& process, Memory memory, const std::uint64_t* args);
  std::string_view arg_names;  // "fd iovs iovs_len nwritten"
  CallFacts facts;
};

// The 46 functions of wasi_snapshot_preview1, by name.
std::span<const Function> functions();

// The place in functions() of the function of this name. The name must be one of them.
std::size_t number_of(std::string_view name);

// The function that a module imports, or nullptr. Modules: wasi_snapshot_preview1, and
// wasi_unstable, which lacks sock_accept and has four functions with layouts of its own.
const Function* find(std::string_view module, std::string_view name);

// May the call that was just made have waited for a disk? One on a pipe, a socket or a terminal did
// not.
bool waited_for_disk(const Function& function, Process& process, const std::uint64_t* args);

}  // namespace weft::wasip1
