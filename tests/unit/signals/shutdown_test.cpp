// SPDX-License-Identifier: Apache-2.0
#include "signals/shutdown.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "tests/unit/signals/live_world.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::signals::Shutdown;
using weft::test::LiveWorld;
using weft::test::World;

TEST_CASE("the first SIGINT asks, and after the grace time every G is killed") {
  World w;
  Shutdown shutdown(w.scheduler,
                    {.grace = seconds(5),
                     .on_request = [&](int sig) { w.say("asked " + std::to_string(sig)); },
                     .on_kill = {}});
  struct Unwound {
    World& w;
    ~Unwound() { w.say("unwound"); }
  };
  w.go("waits", [&] {
    Unwound unwound{w};
    park(WaitReason::chan_receive);
  });
  w.go("raises", [] { ::raise(SIGINT); });
  CHECK(w.run() == "asked 2 unwound");
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.clock.now() == Instant{} + seconds(5));
  CHECK(shutdown.signal() == SIGINT);
  CHECK(shutdown.killed());
}

TEST_CASE("SIGXCPU, the end of the process's CPU time, asks as SIGTERM does") {
  World w;
  Shutdown shutdown(w.scheduler,
                    {.grace = seconds(5),
                     .on_request = [&](int sig) { w.say("asked " + std::to_string(sig)); },
                     .on_kill = {}});
  w.go("waits", [] { park(WaitReason::chan_receive); });
  w.go("raises", [] { ::raise(SIGXCPU); });
  CHECK(w.run() == "asked " + std::to_string(SIGXCPU));
  CHECK(shutdown.signal() == SIGXCPU);
  CHECK(shutdown.killed());
}

TEST_CASE("a program that ends in its grace time is not killed") {
  World w;
  bool asked = false;
  Shutdown shutdown(w.scheduler,
                    {.grace = seconds(5), .on_request = [&](int) { asked = true; }, .on_kill = {}});
  w.go("works", [&] {
    ::raise(SIGTERM);
    while (!asked) sleep_for(seconds(1));
    w.say("finished by itself");
  });
  CHECK(w.run() == "finished by itself");
  CHECK(shutdown.signal() == SIGTERM);
  CHECK_FALSE(shutdown.killed());
}

TEST_CASE("the second signal kills at once, SIGINT as well as SIGTERM") {
  World w;
  Shutdown shutdown(w.scheduler);
  w.go("waits", [] { park(WaitReason::select); });
  w.go("raises", [] {
    ::raise(SIGTERM);
    sleep_for(seconds(1));
    ::raise(SIGINT);
    sleep_for(seconds(100));
  });
  w.run();
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.clock.now() == Instant{} + seconds(1));
  CHECK(shutdown.signal() == SIGTERM);
}

TEST_CASE("without a grace time the first signal kills; on_kill decides how") {
  World w;
  Shutdown shutdown(w.scheduler,
                    {.grace = {}, .on_request = {}, .on_kill = [&] { w.scheduler.stop(); }});
  w.go("raises", [] {
    ::raise(SIGINT);
    park(WaitReason::select);
  });
  w.run();
  CHECK(w.result.end == RunEnd::stopped);
}

TEST_CASE("a signal wakes a loop that waits") {
  LiveWorld w;
  Shutdown shutdown(w.scheduler, {.grace = {}, .on_request = {}, .on_kill = {}});
  w.go([] { sleep_for(seconds(60)); });
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::usleep(20'000);
    ::kill(self, SIGTERM);
    ::_exit(0);
  }
  const Instant start = w.clock.now();
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.clock.now() - start < seconds(30));
  CHECK(shutdown.signal() == SIGTERM);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("the third signal has the default action") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGTERM, SIG_DFL);  // The test program has its own.
    LiveWorld w;
    Shutdown shutdown(w.scheduler);
    for (int i = 0; i < 3; ++i) ::raise(SIGTERM);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("SIGQUIT prints every G and M, and the program goes on") {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(fds[1], STDERR_FILENO);
  {
    World w;
    Shutdown shutdown(w.scheduler);
    w.go("sleeper", [&] { w.scheduler.sleep_m("note sleep", now() + seconds(2)); });
    w.go("raises", [&] {
      ::raise(SIGQUIT);
      sleep_for(seconds(1));
      w.say("goes on");
    });
    w.run();
    CHECK(w.trace == "goes on");
    CHECK(shutdown.signal() == 0);
  }
  std::fflush(stderr);
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(fds[1]);
  char buffer[4096];
  const ssize_t n = ::read(fds[0], buffer, sizeof buffer);
  ::close(fds[0]);
  const std::string text(buffer, static_cast<std::size_t>(n > 0 ? n : 0));
  CHECK(text.find("SIGQUIT: quit\n\ngoroutine 1 [running]: sleeper\n"
                  "goroutine 2 [sleep, 0.000s]: raises\n\n"
                  "M0: sleeping (note sleep) curg=1\nM1: running\n\nSCHED ") == 0);
}
