// SPDX-License-Identifier: Apache-2.0
// The soak test: everything at once for long, beside a model that knows what must come out.
//
//   soak [SECONDS [SEED]]        10 seconds and a seed from the clock unless told
//
// Each part below starts Gs that do random things until the time is over, some of which are killed
// in the middle, and keeps its own books: what was sent against what was received, starts against
// ends, bytes against bytes. When the time is over all Gs end by themselves, and each part checks
// that its books are even. The schedule depends on real time, so a seed repeats the choices and not
// the run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"
#include "scheduler/random.h"
#include "scheduler/sync/task.h"
#include "scheduler/sync/wait_group.h"

namespace weft::soak {

class Soak {
 public:
  Soak(Reactor& reactor, std::uint64_t seed, Instant end)
      : reactor_(reactor), random_(seed), end_(end) {}

  // Is it time to end?
  [[nodiscard]] bool over() const { return now() >= end_; }
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  // 0 to n - 1.
  std::uint32_t below(std::uint32_t n) { return random_.below(n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  Duration at_most_us(std::uint32_t us) { return microseconds(1 + below(us)); }

  // A pause of some kind, as programs make.
  void pause() {
    switch (below(4)) {
      case 0:
        break;
      case 1:
        yield();
        break;
      case 2:
        sleep_for(at_most_us(300));
        break;
      default:
        for (std::uint32_t i = below(5); i > 0; --i) yield();
    }
  }

  // Starts f() and kills it after a while, again and again, until the time is over. Returns how
  // many were killed before they had ended.
  std::uint64_t start_and_kill(const std::function<void()>& f) {
    std::uint64_t killed = 0;
    while (!over()) {
      auto victim = spawn(f);
      pause();
      if (!victim.done()) ++killed;
      victim.kill();
      try {
        victim.join();
      } catch (const TaskKilled&) {
        ++killed_;
      }
    }
    return killed;
  }

  // When `holds` is false it says `what`, and the run has failed.
  void check(bool holds, const char* what) {
    ++checks_;
    if (holds) return;
    ++failures_;
    std::printf("soak: FAILED: %s\n", what);
    std::fflush(stdout);
  }

  [[nodiscard]] std::uint64_t checks() const { return checks_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t killed() const { return killed_; }

 private:
  Reactor& reactor_;
  Random random_;
  const Instant end_;
  std::uint64_t checks_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t killed_ = 0;
};

// Each runs on a G of its own and returns when all that it started has ended and its books are
// even. The number is what it did, for people.
std::uint64_t channels(Soak& soak);
std::uint64_t tasks(Soak& soak);
std::uint64_t locks(Soak& soak);
std::uint64_t times(Soak& soak);
std::uint64_t contexts(Soak& soak);
std::uint64_t pipes(Soak& soak);

}  // namespace weft::soak
