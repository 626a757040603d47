// SPDX-License-Identifier: Apache-2.0
// What it costs to wait for a descriptor: a byte through a pipe to another G, and one back.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/unique_fd.h"
#include "bench/histogram.h"
#include "bench/world.h"

namespace weft::bench {
namespace {

// A pipe whose reader waits on the reactor.
class Pipe {
 public:
  explicit Pipe(Reactor& reactor) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    out_ = UniqueFd(ends[0]);
    in_ = UniqueFd(ends[1]);
    auto watch = Watch::open(reactor, out_.get());
    if (!watch) std::abort();
    watch_ = std::move(*watch);
  }

  void send(char byte) {
    if (::write(in_.get(), &byte, 1) != 1) std::abort();
  }

  char recv() {
    char byte = 0;
    while (::read(out_.get(), &byte, 1) != 1) {
      ReadyWait wait(*watch_, Direction::read, this_g());
      while (!wait.fired()) park(WaitReason::io_wait);
    }
    return byte;
  }

 private:
  UniqueFd out_;
  UniqueFd in_;
  std::unique_ptr<Watch> watch_;
};

void pipe_echo(benchmark::State& state) {
  LiveWorld world;
  Pipe there(world.poller);
  Pipe back(world.poller);
  Histogram times;
  std::int64_t sum = 0;
  world.go([&] {
    for (char byte = 1; (byte = there.recv()) != 0;) back.send(byte);
  });
  world.go([&] {
    for (auto _ : state) {
      const Instant start = now();
      there.send(1);
      sum += back.recv();
      times.record((now() - start).ns);
    }
    there.send(0);
  });
  world.scheduler.run();
  report(state, iterations(state), sum);
  report_distribution(state, times);
}
BENCHMARK(pipe_echo);

}  // namespace
}  // namespace weft::bench
