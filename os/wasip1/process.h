// SPDX-License-Identifier: Apache-2.0
// Process: the WASI side of one guest: arguments, environment, descriptors, clock, random source,
// trace.
//
// The engine makes one for each instance and hands it to every function of functions.h. The
// functions run on the guest's G and park it when they have to wait; Exit, OutputSpent (below) and
// weft::Killed leave them as exceptions.
//
// A fresh process has the descriptors
//   0, 1, 2             stdin, stdout, stderr
//   3 ...               the listeners, in order, then the links of a simulation, in order, then the
//                       preopened directories, in order
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/budget.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "os/clocks.h"
#include "os/cpu_meter.h"
#include "os/reactor.h"
#include "os/wasip1/call_hook.h"
#include "os/wasip1/call_signals.h"
#include "os/wasip1/fd_table.h"
#include "os/wasip1/host_memory.h"
#include "os/wasip1/resolve.h"

namespace weft::wasip1 {

class Device;
class MemoryFiles;
class StableFiles;

// Where --trace-wasi goes.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  // One line without its end. Called on the guest's G.
  virtual void line(std::string_view text) = 0;
};

// Thrown by proc_exit and caught by the engine. Not a std::exception.
struct Exit {
  std::uint32_t code;
};

// Thrown by a call that would write more than the guest may, and caught by the engine.
struct OutputSpent {};

// A Device in place of a file of the host.
struct DeviceFile {
  std::shared_ptr<Device> device;
  FileType type = FileType::character_device;  // What the guest is told it is.
};

struct Preopen {
  std::string host_path = {};
  std::string guest_path = {};
  std::shared_ptr<const MemoryFiles> files = {};  // In place of host_path (memory_files.h).
};

struct ProcessConfig {
  std::vector<std::string> args;  // argv[0] included.
  std::vector<std::string> env;   // "K=V".
  std::vector<Preopen> preopens;  // Directories.
  // Listening sockets; they become the process's own. They start with FDFLAGS_NONBLOCK: Go decides
  // by that flag whether a descriptor goes through its poller or may stop the whole guest.
  std::vector<UniqueFd> listeners;
  // Host descriptors, duplicated; their flags are never changed. -1: /dev/null, so reads give the
  // end of the file and what is written is dropped. (Not closed: path_open would hand out the
  // number again, and a guest that prints would write into its own files.)
  int stdin_fd = 0;
  int stdout_fd = 1;
  int stderr_fd = 2;
  // A simulation's. Those that are set take the place of stdin_fd, stdout_fd, stderr_fd.
  std::array<DeviceFile, 3> stdio;
  std::vector<DeviceFile> links;  // Streams both ways, with FDFLAGS_NONBLOCK, before the preopens.
  CallHook* hook = nullptr;       // Must outlive the process.
  std::shared_ptr<StableFiles> stable_files;         // What it says of files in place of the host.
  std::function<void(std::span<std::byte>)> random;  // Fills the buffer. Empty: getrandom(2).
  TraceSink* trace = nullptr;                        // Must outlive the process.
  BudgetSizes budgets = {.descriptors = 4096};       // What the guest may use.
  Budgets* all_budgets = nullptr;                    // What all may together. Must outlive it.
  ResolverKind resolver = ResolverKind::automatic;   // How paths are kept inside; tests force one.
};

class Process {
 public:
  // The reactor and the clock must outlive the process. Fails when a preopened directory can't be
  // opened or a given descriptor is not open; the error names it.
  static Result<std::unique_ptr<Process>> create(Reactor& reactor, GuestClock& clock,
                                                 ProcessConfig config);
  ~Process();

  [[nodiscard]] const std::vector<std::string>& args() const { return config_.args; }
  [[nodiscard]] const std::vector<std::string>& env() const { return config_.env; }
  [[nodiscard]] FdTable& fds() { return fds_; }
  [[nodiscard]] Budgets& budgets() { return budgets_; }
  [[nodiscard]] HostMemory& host_memory() { return host_memory_; }
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] GuestClock& clock() { return clock_; }
  [[nodiscard]] const Resolver& resolver() const { return resolver_; }
  [[nodiscard]] TraceSink* trace() const { return config_.trace; }
  // What its calls ask; nullptr: nothing.
  [[nodiscard]] CallHook* hook() const { return hook_; }
  // Has a hook told of its calls from now on, in front of the one that it was made with: for what
  // begins when the guest runs already. It decides nothing: what its before() returns is dropped.
  // nullptr: nothing is told any more, also when a call that is under way returns.
  void watch(CallHook* watcher);
  [[nodiscard]] StableFiles* stable_files() const { return config_.stable_files.get(); }

  // The CPU time that the guest has used so far. It is measured; where time does not pass by
  // itself, each unit of fuel that the guest was given counts kCpuTimePerFuel, so that it repeats.
  // On the guest's G.
  static constexpr Duration kCpuTimePerFuel = nanoseconds(10);
  Duration cpu_time();
  // Stops counting. For a process that outlives its scheduler; its destructor does the same.
  void stop_cpu_time();

  // In a simulation: replaces the host's inode, or everything that the host's file system says
  // differently in each run, by the run's own value. Without one it does nothing. ENOMEM: the guest
  // has seen more files than weft remembers for it.
  Errno stable_inode(std::uint64_t device, std::uint64_t& inode);
  Errno stabilise(struct stat& status);

  // Fills the buffer from the process's random source. Gives the others a turn every 64 KiB.
  Errno random(std::span<std::byte> buffer);

 private:
  Process(Reactor& reactor, GuestClock& clock, ProcessConfig config);
  Status add_stdio(int host_fd, Rights direction);
  Status add_device(const DeviceFile& file, Rights direction, std::uint16_t flags);
  Status add_listener(UniqueFd fd);
  Status add_preopen(const Preopen& preopen);
  Status add_host_directory(const Preopen& preopen);
  Status add_directory(std::shared_ptr<HostFile> file, Rights base, const Preopen& preopen);

  const HoldBackSigxfsz hold_back_sigxfsz_;
  Reactor& reactor_;
  GuestClock& clock_;
  ProcessConfig config_;
  Resolver resolver_;
  Budgets budgets_;
  HostMemory host_memory_;
  FdTable fds_;
  const Duration cpu_begin_ = cpu_time_of_thread();
  std::shared_ptr<CpuMeter> cpu_meter_;  // Since the guest asked first.
  const G* g_ = nullptr;                 // The G that it counts for.
  class Watched;
  CallHook* hook_ = config_.hook;
  CallHook* watcher_ = nullptr;
};

}  // namespace weft::wasip1
