// SPDX-License-Identifier: Apache-2.0
// Work in a process of its own: what may crash, take too much memory, or take long while signals
// must be heard. libwabt's translation and the C compilers run in it.
//
//   this process                          the child
//     fork ──────────────────────────────▶  a process group of its own; default signals; no
//     wait(), again and again                descriptor but the pipe, /dev/null for 0 to 2
//     progress() ◀──────── pipe ────────── body(): reports, may start programs
//     the result ◀──────── pipe ────────── what body returned; _exit
//
// A SIGTERM has the child kill and reap the programs that it started, and end. It comes when wait()
// throws, when the child is over its budget of memory or time, and, from the kernel, when this
// process has died: so nothing that was started for a process outlives it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft {

// In the child: tells the parent how much of the work is done (cheap, and nothing is said twice),
// and starts programs.
class ChildSide {
 public:
  explicit ChildSide(int to) : to_(to) {}
  void report(std::size_t done, std::size_t of);

  // Of each process of a program.
  struct Limits {
    std::size_t address_bytes;
    unsigned cpu_s;
  };
  // Starts a program, found in $PATH, in a process group of its own. What it prints is appended to
  // the file `log`. At most kProgramsMax at a time. Returns its process, or -1 and errno.
  static constexpr std::size_t kProgramsMax = 256;
  static int start_program(const std::vector<std::string>& words, const std::string& log,
                           const Limits& limits);
  // Waits until one ends. Returns it, or -1 when there is none, and how it ended as waitpid() says.
  static int wait_for_program(int* status);

 private:
  int to_;
  std::size_t done_ = static_cast<std::size_t>(-1);
};

struct ChildOptions {
  std::string what;            // What an error begins with: "its translation to C".
  std::size_t bytes_max = 0;   // Resident memory beyond this process's own; 0: not looked at.
  int timeout_s = 0;           // 0: none.
  std::function<void()> wait;  // Called every few milliseconds. May throw; see above.
  // Before each wait: what the child said last, 0 and 0 at first. May be empty.
  std::function<void(std::size_t done, std::size_t of)> progress = {};
};

// Runs body in a child and returns what body returned, which must not hold more than 4 GiB. When
// body did not return, the error says how the child ended: killed, crashed, over a budget. An
// exception of body is an error, too. Blocks the thread, and calls wait() meanwhile. Other threads
// of the process are not in the child: body must not wait for one.
Result<std::string> in_child(const ChildOptions& options,
                             const std::function<Result<std::string>(ChildSide&)>& body);

}  // namespace weft
