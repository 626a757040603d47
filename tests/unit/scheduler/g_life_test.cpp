// SPDX-License-Identifier: Apache-2.0
// How a G ends: by returning, by an exception, killed, with its scheduler; and what travels with it
// when it switches.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("an exception that leaves a G comes out of run, and the other Gs go on in the next") {
  World w;
  w.go("thrower", [] { throw std::runtime_error("boom"); });
  w.go("other", [&] { w.say("other"); });
  CHECK_THROWS_WITH(w.scheduler.run(), "boom");
  CHECK(w.trace.empty());
  CHECK(w.run() == "other");
}

TEST_CASE("a yield inside a catch block keeps each G's own exception") {
  World w;
  for (const char* what : {"one", "two", "three"}) {
    w.go(what, [&w, what] {
      try {
        throw std::runtime_error(what);
      } catch (const std::exception& e) {
        yield();
        w.say(e.what());
        try {
          std::rethrow_exception(std::current_exception());
        } catch (const std::exception& again) {
          yield();
          w.say(again.what());
        }
      }
    });
  }
  CHECK(w.run() == "one two three one two three");
}

TEST_CASE("a G may yield while an exception unwinds its stack") {
  struct YieldsInDestructor {
    World& w;
    const char* name;
    ~YieldsInDestructor() {
      w.say(name);
      CHECK(std::uncaught_exceptions() == 1);
      yield();
      CHECK(std::uncaught_exceptions() == 1);
      w.say(name);
    }
  };
  World w;
  for (const char* name : {"x", "y"}) {
    w.go(name, [&w, name] {
      try {
        YieldsInDestructor guard{w, name};
        throw 1;
      } catch (int) {
        CHECK(std::uncaught_exceptions() == 0);
      }
    });
  }
  CHECK(w.run() == "x y x y");
}

TEST_CASE("a killed G runs its destructors, whatever it was doing") {
  struct SayOnExit {
    World& w;
    const char* word;
    ~SayOnExit() { w.say(word); }
  };
  World w;
  G& parked = w.go("parked", [&] {
    SayOnExit guard{w, "parked-ended"};
    park(WaitReason::select);
  });
  G& asleep = w.go("asleep", [&] {
    SayOnExit guard{w, "asleep-ended"};
    sleep_for(seconds(100));
  });
  G& queued = w.go("queued", [&] {
    SayOnExit guard{w, "queued-ended"};
    for (;;) yield();
  });
  w.go("killer", [&] {
    G* never_ran = *go([guard = std::unique_ptr<SayOnExit>(new SayOnExit{w, "never-ran-freed"})] {
      guard->w.say("but it ran");
    });
    w.scheduler.kill(parked);
    w.scheduler.kill(asleep);
    w.scheduler.kill(queued);
    w.scheduler.kill(*never_ran);
  });
  CHECK(w.run() == "queued-ended never-ran-freed parked-ended asleep-ended");
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("a scheduler that dies ends the Gs that are left") {
  int ended = 0;
  struct Count {
    int& n;
    ~Count() { ++n; }
  };
  {
    World w;
    for (int i = 0; i < 3; ++i) {
      w.go("left", [&] {
        Count count{ended};
        park(WaitReason::chan_receive);
      });
    }
    w.run();
    CHECK(w.result.end == RunEnd::deadlock);
  }
  CHECK(ended == 3);
}
