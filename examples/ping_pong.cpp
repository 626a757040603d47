// SPDX-License-Identifier: Apache-2.0
// Ping-pong: two Gs and two channels on one thread. Each value is handed from one G's frame to the
// other's.
//
//   examples/ping_pong [rounds]
#include <cstdio>
#include <cstdlib>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/program.h"

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  weft::SystemClock clock;
  weft::Reactor reactor;
  weft::Scheduler scheduler{clock, reactor};

  return weft::run_main(scheduler, [rounds] {
    auto ping = weft::make_chan<int>();
    auto pong = weft::make_chan<int>();
    (void)weft::go([ping, pong]() mutable {
      for (int ball : ping) pong.send(ball + 1);
      pong.close();
    });
    int ball = 0;
    for (int i = 0; i < rounds; ++i) {
      ping.send(ball);
      ball = *pong.recv();
      if (i < 5) std::printf("round %d: ball %d\n", i + 1, ball);
    }
    ping.close();
    std::printf("%d rounds, the ball was hit %d times\n", rounds, ball + rounds);
  });
}
