// SPDX-License-Identifier: Apache-2.0
// A pipeline with cancellation: numbers flow through squares to main until a context's deadline
// ends all of it. Each stage selects between its work and the context, so none is left behind.
#include <cstdio>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/sync/context.h"
#include "scheduler/sync/program.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/wait_group.h"

namespace {

// Sends v unless the context ends first; returns whether it did.
bool send(weft::context& ctx, weft::chan<int>& out, int v) {
  return weft::select(weft::on_send(out, v), weft::on_recv(ctx.done())) == 0;
}

}  // namespace

int main() {
  weft::SystemClock clock;
  weft::Reactor reactor;
  weft::Scheduler scheduler{clock, reactor};

  return weft::run_main(scheduler, [] {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), weft::milliseconds(100));
    auto numbers = weft::make_chan<int>();
    auto squares = weft::make_chan<int>(4);
    weft::wait_group stages;

    stages.go([numbers, ctx = ctx]() mutable {
      for (int i = 1; send(ctx, numbers, i); ++i) weft::sleep_for(weft::milliseconds(10));
      std::printf("numbers: %s\n", ctx.why());
      numbers.close();
    });
    stages.go([numbers, squares, ctx = ctx]() mutable {
      for (int i : numbers) {
        if (!send(ctx, squares, i * i)) break;
      }
      squares.close();
    });

    int count = 0;
    for (int square : squares) {
      if (++count <= 3) std::printf("square: %d\n", square);
    }
    stages.wait();
    std::printf("the pipeline is empty, %s\n", count >= 3 ? "after many squares" : "too early");
  });
}
