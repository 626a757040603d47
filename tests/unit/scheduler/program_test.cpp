// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/program.h"

#include <doctest/doctest.h>

#include <mutex>
#include <stdexcept>
#include <string>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/mutex.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("the program ends when main returns, and the other Gs are unwound") {
  struct Says {
    World& w;
    ~Says() { w.say("unwound"); }
  };
  std::string* trace = nullptr;
  {
    World w;
    trace = new std::string;
    const auto end = run_program(w.scheduler, [&] {
      (void)go([trace] {
        struct AtEnd {
          std::string& out;
          ~AtEnd() { out += "unwound"; }
        } at_end{*trace};
        sleep_for(seconds(100));
      });
      yield();
    });
    CHECK(end.exit_code == 0);
    CHECK(end.report.empty());
    CHECK(trace->empty());
  }
  CHECK(*trace == "unwound");
  delete trace;
}

TEST_CASE("a panic, a fatal error and a deadlock end with Go's text and 2") {
  const auto report = [](auto main) {
    World w;
    const auto end = run_program(w.scheduler, main);
    CHECK(end.exit_code == 2);
    return end.report;
  };
  CHECK(report([] { throw std::runtime_error("boom"); }) ==
        "panic: boom\n\ngoroutine 1 [running]:\n");
  CHECK(report([] {
          (void)go([] { throw std::string("text"); });
          sleep_for(seconds(1));
        }) == "panic: text\n\ngoroutine 2 [running]:\n");
  CHECK(report([] { throw 42; }) == "panic: 42\n\ngoroutine 1 [running]:\n");
#if !defined(__EMSCRIPTEN__)  // It tells no type.
  CHECK(report([] { throw 'x'; }) == "panic: (char)\n\ngoroutine 1 [running]:\n");
#endif
  CHECK(report([] { throw "literal"; }) == "panic: literal\n\ngoroutine 1 [running]:\n");
  CHECK(report([] { make_chan<int>().close(), chan<int>().close(); }) ==
        "panic: close of nil channel\n\ngoroutine 1 [running]:\n");
  CHECK(report([] { mutex().unlock(); }) ==
        "fatal error: sync: unlock of unlocked mutex\n\ngoroutine 1 [running]:\n");
  CHECK(report([] { (void)make_chan<int>().recv(); }) ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [chan receive, 0.000s]: main\n");
}

TEST_CASE("main may leave by goexit: the others go on, and then it is a deadlock") {
  World w;
  const auto end = run_program(w.scheduler, [&] {
    (void)go([&] {
      sleep_for(milliseconds(1));
      w.say("went-on");
    });
    goexit();
  });
  CHECK(w.trace == "went-on");
  CHECK(end.exit_code == 2);
  CHECK(end.report == "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n");
}
