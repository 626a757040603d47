// SPDX-License-Identifier: Apache-2.0
// Each policy's order, on small worlds whose right order can be read off.
#include "sim/policy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "scheduler/sync/select.h"
#include "tests/unit/world.h"

namespace {

using namespace weft;
using namespace weft::sim;

std::unique_ptr<Policy> policy(const char* text, std::uint64_t seed = 1) {
  auto spec = parse_policy(text);
  REQUIRE(spec.ok());
  return make_policy(*spec, seed);
}

struct PolicyWorld : test::World {
  explicit PolicyWorld(std::unique_ptr<Policy> chosen) : policy(std::move(chosen)) {
    scheduler.set_chooser(policy.get());
    scheduler.set_event_sink(policy.get());
  }
  ~PolicyWorld() {
    scheduler.set_chooser(nullptr);
    scheduler.set_event_sink(nullptr);
  }
  // Three Gs that say their names and yield, twice.
  std::string three_twice() {
    for (const char* name : {"a", "b", "c"}) {
      go(name, [this, name] {
        say(name);
        weft::yield();
        say(name);
      });
    }
    return run();
  }
  std::unique_ptr<Policy> policy;
};

TEST_CASE("fifo runs what waited longest") {
  CHECK(PolicyWorld(policy("fifo")).three_twice() == "a b c a b c");
}

TEST_CASE("lifo runs what came last") {
  CHECK(PolicyWorld(policy("lifo")).three_twice() == "c c b b a a");
}

TEST_CASE("go runs the newest spawn first, then the others in order, and yields to the tail") {
  CHECK(PolicyWorld(policy("go")).three_twice() == "c a b c a b");
}

TEST_CASE(
    "go looks at the global queue every 61 turns, so a pair that readies each other starves "
    "nobody") {
  PolicyWorld w(policy("go"));
  G* a = nullptr;
  G* b = nullptr;
  int rounds = 0;
  bool yielded_ran = false;
  int rounds_when_it_ran = 0;
  a = &w.go("a", [&] {
    while (!yielded_ran && rounds < 1000) {
      ++rounds;
      if (b->state() == GState::waiting) weft::ready(*b);
      weft::park(WaitReason::io_wait);
    }
    if (b->state() == GState::waiting) weft::ready(*b);
  });
  b = &w.go("b", [&] {
    while (!yielded_ran && rounds < 1000) {
      if (a->state() == GState::waiting) weft::ready(*a);
      weft::park(WaitReason::io_wait);
    }
    if (a->state() == GState::waiting) weft::ready(*a);
  });
  w.go("yields", [&] {
    weft::yield();
    yielded_ran = true;
    rounds_when_it_ran = rounds;
  });
  w.run();
  CHECK(yielded_ran);
  CHECK(rounds_when_it_ran <= 62);
}

TEST_CASE("random gives every order of three Gs, and the same one for the same seed") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::string order = PolicyWorld(policy("random", seed)).three_twice();
    orders.insert(order.substr(0, 5));
    CHECK(PolicyWorld(policy("random", seed)).three_twice() == order);
  }
  CHECK(orders.size() >= 6);
}

TEST_CASE("pct of depth 1 keeps to its priorities: each G runs to its end") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    orders.insert(PolicyWorld(policy("pct:depth=1", seed)).three_twice());
  }
  CHECK(orders == std::set<std::string>{"a a b b c c", "a a c c b b", "b b a a c c", "b b c c a a",
                                        "c c a a b b", "c c b b a a"});
}

TEST_CASE("pct of depth 2 lets the running G fall once, at a safe point") {
  const auto run = [](std::uint64_t seed) {
    PolicyWorld w(policy("pct:depth=2,steps=4", seed));
    for (const char* name : {"a", "b"}) {
      w.go(name, [&w, name] {
        for (int i = 0; i < 3; ++i) {
          w.say(name);
          weft::checkpoint();
        }
      });
    }
    return w.run();
  };
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 100; ++seed) orders.insert(run(seed));
  CHECK(orders.count("a b b b a a") == 1);
  CHECK(orders.count("b b a a a b") == 1);
  CHECK(orders.count("a b a b a b") == 0);  // That takes more than one change.
}

TEST_CASE("pct lets a G that waits by giving way, or by looking, wait for one of lower priority") {
  const auto ends = [](std::uint64_t seed, auto wait) {
    PolicyWorld w(policy("pct", seed));
    bool is_set = false;
    std::uint32_t rounds = 0;
    for (const char* name : {"waits", "waits too"}) {
      w.go(name, [&] {
        while (!is_set && ++rounds < 1'000'000) wait();
      });
    }
    w.go("sets", [&] { is_set = true; });
    w.run();
    return is_set && rounds < 1'000'000;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(ends(seed, [] { weft::yield(); }));
    CHECK(ends(seed, [] { weft::checkpoint(); }));
  }
}

TEST_CASE("bounded preempts no more often than its bound") {
  int most = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    PolicyWorld w(policy("bounded:bound=2,steps=10", seed));
    std::string last;
    int changes = 0;
    for (const char* name : {"a", "b"}) {
      w.go(name, [&, name] {
        for (int i = 0; i < 5; ++i) {
          if (!last.empty() && last != name) ++changes;
          last = name;
          weft::checkpoint();
        }
      });
    }
    w.run();
    most = std::max(most, changes);
  }
  CHECK(most == 3);  // Two preemptions, and the change when the first one ends.
}

TEST_CASE("rr gives each G its quantum of safe points") {
  PolicyWorld w(policy("rr:quantum=2"));
  for (const char* name : {"a", "b"}) {
    w.go(name, [&w, name] {
      for (int i = 0; i < 4; ++i) {
        w.say(name);
        weft::checkpoint();
      }
    });
  }
  CHECK(w.run() == "a a b b a a b b");
}

TEST_CASE("stride shares safe points as tickets are shared") {
  PolicyWorld w(policy("stride:rich=3,poor=1"));
  int rich = 0;
  int poor = 0;
  bool ended = false;
  const auto compute = [&](int& count) {
    while (!ended) {
      if (++count, rich + poor == 4000) ended = true;
      weft::checkpoint();
    }
  };
  w.go("rich", [&] { compute(rich); });
  w.go("poor", [&] { compute(poor); });
  w.run();
  CHECK(rich > 2900);
  CHECK(rich < 3100);
}

TEST_CASE("edf runs the nearest deadline, and preempts for one that wakes up") {
  PolicyWorld w(policy("edf:urgent=5ms,lazy=1s"));
  w.go("lazy", [&] {
    for (int i = 0; i < 3; ++i) {
      w.say("lazy");
      w.clock.advance(milliseconds(10));
      Scheduler::request_preempt(weft::this_g());  // A look at the clock.
      weft::checkpoint();
    }
  });
  w.go("urgent", [&] {
    weft::sleep_for(milliseconds(15));
    w.say("urgent");
  });
  CHECK(w.run() == "lazy lazy urgent lazy");
}

TEST_CASE("the allowances of edf are times, as everywhere") {
  const auto spec = parse_policy("edf:a=1.5s,b=250us,c=1ms1ns");
  REQUIRE(spec);
  CHECK(spec->get("a", 0) == 1'500'000'000);
  CHECK(to_string(*spec) == "edf:a=1500ms,b=250us,c=1000001ns");
  CHECK(*parse_policy(to_string(*spec)) == *spec);
  CHECK(parse_policy("edf:a=50").error().message.find("policy edf: a wants a time with a unit") ==
        0);
  CHECK(!parse_policy("edf:a"));
  CHECK(!parse_policy("edf:a="));
}

TEST_CASE("a policy that preempts can be told not to; what its user said of it stays") {
  for (const PolicyInfo& info : policies()) {
    CAPTURE(std::string(info.name));
    PolicySpec spec = undisturbed(*parse_policy(info.name));
    CHECK(parse_policy(to_string(spec)));
    if (info.name != "random" && info.name != "pct" && info.name != "bounded") {
      CHECK(spec.parameters.empty());
      continue;
    }
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      PolicyWorld w(make_policy(spec, seed));
      w.go("goes on", [&w] {
        for (int i = 0; i < 5000; ++i) weft::checkpoint();
        w.say("first");
      });
      w.go("goes on, too", [&w] {
        for (int i = 0; i < 5000; ++i) weft::checkpoint();
        w.say("then");
      });
      const std::string order = w.run();
      CHECK((order == "first then" || order == "then first"));
    }
  }
  CHECK(to_string(undisturbed(*parse_policy("random:preempt=3"))) == "random:preempt=3");
  CHECK(to_string(undisturbed(*parse_policy("pct:depth=2"))) == "pct:depth=2,patience=0");
}

TEST_CASE("every policy runs everything to its end") {
  for (const PolicyInfo& info : policies()) {
    CAPTURE(std::string(info.name));
    PolicyWorld w(policy(std::string(info.name).c_str(), 3));
    int ended = 0;
    for (int i = 0; i < 50; ++i) {
      w.go("g", [&] {
        for (int k = 0; k < 20; ++k) {
          weft::checkpoint();
          if (k % 5 == 0) weft::sleep_for(milliseconds(k));
          if (k % 3 == 0) weft::yield();
        }
        ++ended;
      });
    }
    w.run();
    CHECK(ended == 50);
  }
}

TEST_CASE("a policy that is not known is named, with those that are") {
  const auto message = [](const char* text) { return parse_policy(text).error().message; };
  CHECK(message("foo") ==
        "unknown policy 'foo'; known are fifo, go, lifo, random, pct, bounded, rr, stride, edf");
  CHECK(message("pct:deep=3") ==
        "policy pct has no parameter 'deep'; it has: depth steps patience");
  CHECK(message("fifo:x=1") == "policy fifo has no parameter 'x'; it has: none");
  CHECK(message("pct:depth=-1") ==
        "policy pct: 'depth=-1' is not NAME=NUMBER with a number up to 100000");
  CHECK(message("pct:depth") ==
        "policy pct: 'depth' is not NAME=NUMBER with a number up to 100000");
  CHECK(to_string(*parse_policy("pct:steps=7,depth=2")) == "pct:depth=2,steps=7");
}

TEST_CASE("a name that belongs to no guest, or to two, is refused") {
  const std::vector<std::string> names = {"a_name_of_twenty-three_b.wasm",
                                          "a_name_of_twenty-three_c.wasm", "web.wasm"};
  const auto error = [&](const char* spec) {
    const Status checked = check_names(*parse_policy(spec), names);
    return checked ? std::string() : checked.error().message;
  };
  CHECK(error("stride:web.wasm=3") == "");
  CHECK(error("fifo") == "");
  CHECK(error("stride:wep.wasm=3").find("no guest is called 'wep.wasm'; there are: a_name") !=
        std::string::npos);
  CHECK(error("edf:a_name_of_twenty-three_b.wasm=3ms").find("begin with the same 23 bytes") !=
        std::string::npos);
}

TEST_CASE("a name longer than a G keeps is found by what the G keeps") {
  const PolicySpec spec = with_g_names(*parse_policy("stride:a_name_of_more_than_23_bytes=3"));
  CHECK(spec.get("a_name_of_more_than_23_", 1) == 3);
}

}  // namespace
