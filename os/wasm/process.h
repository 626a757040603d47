// SPDX-License-Identifier: Apache-2.0
// Process on a wasm target: what the port (os/port) stands on there. On Linux a process is a
// guest's and weft is the host (os/wasip1/process.h); here weft is the guest, and what the
// functions of os/wasip1/calls.h do is asked of the host that runs it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "os/wasip1/abi.h"
#include "os/wasm/poller.h"

namespace weft::wasip1 {

// Thrown by proc_exit.
struct Exit {
  std::uint32_t code;
};

struct ProcessConfig {
  std::vector<std::string> args;                     // argv[0] included.
  std::vector<std::string> env;                      // "K=V".
  std::function<void(std::span<std::byte>)> random;  // Fills the buffer. Empty: the host's.
};

class Process {
 public:
  static Result<std::unique_ptr<Process>> create(wasm::TargetPoller& poller, GuestClock& clock,
                                                 ProcessConfig config) {
    return std::unique_ptr<Process>(new Process(poller, clock, std::move(config)));
  }

  [[nodiscard]] const std::vector<std::string>& args() const { return config_.args; }
  [[nodiscard]] const std::vector<std::string>& env() const { return config_.env; }
  [[nodiscard]] GuestClock& clock() { return clock_; }
  [[nodiscard]] wasm::TargetPoller& poller() { return poller_; }

  static constexpr Duration kCpuTimePerFuel = nanoseconds(10);
  // The host tells a guest no CPU time: it is the time that has passed.
  Duration cpu_time() { return clock_.now() - begin_; }

  Errno random(std::span<std::byte> buffer) {
    if (config_.random) {
      config_.random(buffer);
      return Errno::success;
    }
    return target::random(buffer) ? Errno::success : Errno::io;
  }

 private:
  Process(wasm::TargetPoller& poller, GuestClock& clock, ProcessConfig config)
      : poller_(poller), clock_(clock), config_(std::move(config)), begin_(clock.now()) {}

  wasm::TargetPoller& poller_;
  GuestClock& clock_;
  ProcessConfig config_;
  const Instant begin_;
};

}  // namespace weft::wasip1
