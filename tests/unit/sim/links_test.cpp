// SPDX-License-Identifier: Apache-2.0
// Links, from their ends: what comes through, when, and what happens when a link or a guest goes.
#include "sim/links.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "scheduler/api.h"
#include "sim/run.h"
#include "sim/virtual_time.h"

namespace {

using namespace weft;
using namespace weft::sim;
using wasip1::DeviceWait;
using wasip1::Errno;

// Two guests with one link; the guests are native Gs here.
struct Wire {
  explicit Wire(LinkSpec link, std::uint64_t seed = 1, const Schedule* forced = nullptr)
      : spec{{link}, {}}, options{options_of(seed, forced)} {
    ends[0] = plug_in(0);
    ends[1] = plug_in(1);
  }
  ~Wire() {
    network.stop();
    director.finish();
  }
  static DirectorOptions options_of(std::uint64_t seed, const Schedule* forced) {
    DirectorOptions options;
    options.seed = seed;
    options.forced = forced;
    options.then_policy = forced == nullptr;
    return options;
  }
  static LinkSpec link(bool datagrams = false) {
    LinkSpec spec;
    spec.ends[1] = 1;
    spec.datagrams = datagrams;
    return spec;
  }
  std::shared_ptr<LinkEnd> plug_in(std::size_t guest) {
    return std::static_pointer_cast<LinkEnd>(network.plug_in(guest).at(0).device);
  }
  void at(Duration time, WorldEvent::Kind kind) {
    WorldEvent event;
    event.at = time;
    event.kind = kind;
    event.groups = {1, 2};
    event.other = 1;
    spec.events.push_back(event);
  }
  RunResult run() {
    network.start(scheduler, [this](const WorldEvent& event) {
      ends[event.guest]->closed();
      if (event.kind == WorldEvent::Kind::restart) ends[event.guest] = plug_in(event.guest);
    });
    return scheduler.run();
  }
  std::int64_t ms() { return (clock.now() - kMonotonicStart).ns / 1'000'000; }

  // As a guest's write without NONBLOCK: waits for room, until all is written.
  Errno write(int side, std::string text) {
    while (!text.empty()) {
      iovec buffer{text.data(), text.size()};
      std::size_t n = 0;
      const Errno e = ends[side]->write({&buffer, 1}, n);
      text.erase(0, n);
      if (e == Errno::success) continue;
      if (e != Errno::again) return e;
      const DeviceWait wait(*ends[side], Direction::write, this_g());
      park(WaitReason::io_wait);
    }
    return Errno::success;
  }
  // "-" is the end of the stream.
  std::string read(int side, std::size_t most = 100) {
    std::string text(most, ' ');
    for (;;) {
      iovec buffer{text.data(), text.size()};
      std::size_t n = 0;
      const Errno e = ends[side]->read({&buffer, 1}, n);
      if (e == Errno::success) return n == 0 ? "-" : text.substr(0, n);
      REQUIRE(e == Errno::again);
      const DeviceWait wait(*ends[side], Direction::read, this_g());
      park(WaitReason::io_wait);
    }
  }

  WorldSpec spec;
  DirectorOptions options;
  ManualClock clock{kMonotonicStart};
  VirtualPoller poller{clock};
  std::unique_ptr<Policy> policy = make_policy({}, 1);
  EventLog log;
  Director director{options, *policy, log, clock, &clock};
  Network network{spec, director};
  std::shared_ptr<LinkEnd> ends[2];
  Scheduler scheduler{clock, poller};  // It ends the Gs that are left, which wait at ends.
};

template <class F>
void spawn(Wire& wire, F f) {
  REQUIRE(wire.scheduler.spawn(f).ok());
}

TEST_CASE("what is written comes out at the other end, after the delay") {
  LinkSpec link = Wire::link();
  link.delay = milliseconds(5);
  Wire wire(link);
  std::string seen;
  spawn(wire, [&] { CHECK(wire.write(0, "ping") == Errno::success); });
  spawn(wire, [&] {
    seen = wire.read(1);
    CHECK(wire.ms() == 5);
    CHECK(wire.write(1, "pong") == Errno::success);
  });
  spawn(wire, [&] {
    CHECK(wire.read(0) == "pong");
    CHECK(wire.ms() == 10);
  });
  CHECK(wire.run().end == RunEnd::finished);
  CHECK(seen == "ping");
}

TEST_CASE("a stream stays in order however much the delay varies") {
  LinkSpec link = Wire::link();
  link.jitter = milliseconds(70);
  Wire wire(link);
  std::string seen;
  spawn(wire, [&] {
    for (int i = 0; i < 26; ++i) (void)wire.write(0, std::string(1, static_cast<char>('a' + i)));
  });
  spawn(wire, [&] {
    while (seen.size() < 26) seen += wire.read(1);
  });
  CHECK(wire.run().end == RunEnd::finished);
  CHECK(seen == "abcdefghijklmnopqrstuvwxyz");
  CHECK(wire.ms() > 0);
}

TEST_CASE("datagrams keep their bounds, may overtake each other and may get lost") {
  LinkSpec link = Wire::link(true);
  link.jitter = milliseconds(70);
  link.lose_one_in = 4;
  Wire wire(link);
  std::vector<std::string> seen;
  spawn(wire, [&] {
    for (int i = 0; i < 200; ++i) (void)wire.write(0, "datagram " + std::to_string(100 + i));
  });
  spawn(wire, [&] {
    for (;;) seen.push_back(wire.read(1));
  });
  CHECK(wire.run().end == RunEnd::deadlock);  // The reader waits for more.
  CHECK(seen.size() > 100);
  CHECK(seen.size() < 190);
  CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == seen.size());
  CHECK(!std::is_sorted(seen.begin(), seen.end()));
  for (const std::string& text : seen) CHECK(text.size() == 12);
}

TEST_CASE(
    "a datagram that is too large for the buffer of its reader is cut, and the next is whole") {
  Wire wire(Wire::link(true));
  spawn(wire, [&] {
    (void)wire.write(0, "long datagram");
    (void)wire.write(0, "short");
    CHECK(wire.read(1, 4) == "long");
    CHECK(wire.read(1, 100) == "short");
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("a slow link delays its writer, and no other guest") {
  LinkSpec link = Wire::link();
  link.bandwidth = 1000;
  link.buffer = 100;
  Wire wire(link);
  std::size_t seen = 0;
  std::int64_t written_at = 0;
  spawn(wire, [&] {
    CHECK(wire.write(0, std::string(1000, 'x')) == Errno::success);
    written_at = wire.ms();
  });
  spawn(wire, [&] {
    while (seen < 1000) seen += wire.read(1).size();
  });
  spawn(wire, [&] {
    sleep_for(milliseconds(10));
    CHECK(wire.ms() == 10);
  });
  CHECK(wire.run().end == RunEnd::finished);
  CHECK(wire.ms() == 1000);
  CHECK(written_at == 900);
}

TEST_CASE("a reader that does not read fills the buffer, and the writer waits until it does") {
  LinkSpec link = Wire::link();
  link.buffer = 10;
  Wire wire(link);
  std::int64_t written_at = 0;
  spawn(wire, [&] {
    CHECK(wire.write(0, std::string(11, 'x')) == Errno::success);
    written_at = wire.ms();
  });
  spawn(wire, [&] {
    sleep_for(seconds(3));
    CHECK(wire.read(1).size() == 10);
  });
  CHECK(wire.run().end == RunEnd::finished);
  CHECK(written_at == 3000);
}

TEST_CASE("a partition holds a stream back and loses datagrams") {
  for (const bool datagrams : {false, true}) {
    CAPTURE(datagrams);
    LinkSpec link = Wire::link(datagrams);
    link.delay = milliseconds(5);
    Wire wire(link);
    wire.at(milliseconds(8), WorldEvent::Kind::partition);
    wire.at(milliseconds(100), WorldEvent::Kind::heal);
    std::string seen;
    spawn(wire, [&] {
      (void)wire.write(0, "a");
      sleep_for(milliseconds(7));
      (void)wire.write(0, "b");  // Underway when the partition comes.
      sleep_for(milliseconds(20));
      (void)wire.write(0, "c");
      sleep_for(milliseconds(100));
      (void)wire.write(0, "d");
    });
    spawn(wire, [&] {
      while (seen.find('d') == std::string::npos) {
        const std::string text = wire.read(1);
        seen += text + "@" + std::to_string(wire.ms()) + " ";
      }
    });
    CHECK(wire.run().end == RunEnd::finished);
    CHECK(seen == (datagrams ? "a@5 d@132 " : "a@5 bc@105 d@132 "));
  }
}

TEST_CASE("a link that is cut and in a partition needs both mended and healed") {
  LinkSpec link = Wire::link();
  Wire wire(link);
  wire.at(milliseconds(1), WorldEvent::Kind::cut);
  wire.at(milliseconds(2), WorldEvent::Kind::partition);
  wire.at(milliseconds(10), WorldEvent::Kind::heal);
  wire.at(milliseconds(20), WorldEvent::Kind::mend);
  spawn(wire, [&] {
    sleep_for(milliseconds(5));
    (void)wire.write(0, "a");
    CHECK(wire.read(1) == "a");
    CHECK(wire.ms() == 20);
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("when a guest goes, the other reads what was underway, then the end, and can't write") {
  LinkSpec link = Wire::link();
  link.delay = milliseconds(5);
  Wire wire(link);
  wire.at(milliseconds(1), WorldEvent::Kind::kill);
  spawn(wire, [&] { (void)wire.write(0, "last words"); });
  spawn(wire, [&] {
    CHECK(wire.read(1) == "last words");
    CHECK(wire.read(1) == "-");
    CHECK(wire.ms() == 6);
    CHECK(wire.read(1) == "-");
    CHECK(wire.write(1, "hello?") == Errno::pipe);
    CHECK(wire.ends[1]->state(Direction::read).hangup);
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("after a restart a descriptor is a new stream, once the end of the old one was read") {
  LinkSpec link = Wire::link();
  link.delay = milliseconds(5);
  Wire wire(link);
  wire.at(milliseconds(10), WorldEvent::Kind::restart);
  spawn(wire, [&] {
    sleep_for(milliseconds(20));
    CHECK(wire.write(1, "for the old one") == Errno::pipe);
    CHECK(wire.read(1) == "-");
    CHECK(wire.write(1, "for the new one") == Errno::success);
  });
  spawn(wire, [&] {
    sleep_for(milliseconds(11));
    CHECK(wire.read(0) == "for the new one");
    (void)wire.write(0, "yes");
    CHECK(wire.read(1) == "yes");
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("a full writer whose reader goes does not wait for ever") {
  LinkSpec link = Wire::link();
  link.buffer = 4;
  Wire wire(link);
  wire.at(milliseconds(10), WorldEvent::Kind::kill);
  spawn(wire, [&] {
    (void)wire.write(1, "12345678");
    CHECK(wire.ms() == 10);
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("short reads and writes take a half, and lose nothing") {
  LinkSpec link = Wire::link();
  link.shorten_one_in = 1;
  Wire wire(link);
  spawn(wire, [&] {
    std::string text = "12345678";
    iovec buffer{text.data(), text.size()};
    std::size_t n = 0;
    CHECK(wire.ends[0]->write({&buffer, 1}, n) == Errno::success);
    CHECK(n == 4);
    CHECK(wire.write(0, text.substr(n)) == Errno::success);
    std::string seen;
    while (seen.size() < 8) seen += wire.read(1);
    CHECK(seen == text);
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("shutting down one direction leaves the other") {
  Wire wire(Wire::link());
  spawn(wire, [&] {
    (void)wire.write(0, "question");
    CHECK(wire.ends[0]->shutdown(false, true) == Errno::success);
    CHECK(wire.write(0, "more") == Errno::pipe);
    CHECK(wire.read(1) == "question");
    CHECK(wire.read(1) == "-");
    CHECK(wire.write(1, "answer") == Errno::success);
    CHECK(wire.read(0) == "answer");
  });
  CHECK(wire.run().end == RunEnd::finished);
}

TEST_CASE("what a link does follows from the seed, or from a schedule that was written down") {
  LinkSpec link = Wire::link(true);
  link.jitter = milliseconds(70);
  link.lose_one_in = 3;
  Schedule schedule;
  const auto order = [&](std::uint64_t seed, const Schedule* forced) {
    Wire wire(link, seed, forced);
    std::string seen;
    spawn(wire, [&] {
      for (char c = 'a'; c <= 'z'; ++c) (void)wire.write(0, std::string(1, c));
    });
    spawn(wire, [&] {
      for (;;) seen += wire.read(1);
    });
    CHECK(wire.run().end == RunEnd::deadlock);
    schedule = wire.director.schedule();
    return seen;
  };
  const std::string first = order(1, nullptr);
  CHECK(order(1, nullptr) == first);
  const Schedule recorded = schedule;
  CHECK(order(2, nullptr) != first);
  CHECK(order(2, &recorded) == first);
}

}  // namespace
