// SPDX-License-Identifier: Apache-2.0
// Each process ends in a child; the test reads what it printed.
#include "signals/fault.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/unit/signals/live_world.h"

using namespace weft;
using weft::test::LiveWorld;

namespace {

struct Death {
  int status = 0;
  std::string words;
};

template <class F>
Death death_of(F&& f) {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(fds[1], STDERR_FILENO);
    f();
    ::_exit(0);
  }
  ::close(fds[1]);
  Death death;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fds[0], buffer, sizeof buffer)) > 0;) {
    death.words.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fds[0]);
  ::waitpid(child, &death.status, 0);
  return death;
}

// Never inlined, never turned into a loop; the end is there for the compiler alone.
[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  if (depth < 0) return 0;
  return recurse(depth + 1) + frame[0];
}

}  // namespace

TEST_CASE("a G that overflows its stack is named, in Go's words, and the process ends with 2") {
  const Death death = death_of([] {
    signals::FaultHandler faults;
    LiveWorld w;
    (void)w.scheduler.spawn([] { (void)recurse(0); }, {.name = "deep"});
    w.scheduler.run();
  });
  CHECK(WIFEXITED(death.status));
  CHECK(WEXITSTATUS(death.status) == 2);
  CHECK(death.words == "runtime: goroutine stack exceeds " + std::to_string(kStackBytes) +
                           "-byte limit\nfatal error: stack overflow\n\n"
                           "goroutine 1 [running]: deep\n");
}

TEST_CASE("a thread without a G that overflows its stack is named as an M") {
  const Death death = death_of([] {
    signals::FaultHandler faults;
    LiveWorld w;
    (void)w.scheduler.new_m([](void*) { (void)recurse(0); }, nullptr);
    w.scheduler.run();
  });
  CHECK(WEXITSTATUS(death.status) == 2);
  CHECK(death.words.find("\n\nM1 [running]:\n") != std::string::npos);
}

TEST_CASE("another fault goes to the handler that was there before") {
  const Death death = death_of([] {
    struct sigaction mine = {};
    mine.sa_handler = [](int) { ::_exit(77); };
    ::sigaction(SIGSEGV, &mine, nullptr);
    signals::FaultHandler faults;
    LiveWorld w;
    w.go([] { ::raise(SIGSEGV); });
    w.scheduler.run();
  });
  CHECK(WIFEXITED(death.status));
  CHECK(WEXITSTATUS(death.status) == 77);
  CHECK(death.words.empty());
}

TEST_CASE("another fault without a previous handler has the default action") {
  const Death death = death_of([] {
    ::signal(SIGSEGV, SIG_DFL);
    signals::FaultHandler faults;
    LiveWorld w;
    void* const nowhere =
        ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    w.go([nowhere] { *static_cast<volatile char*>(nowhere) = 1; });
    w.scheduler.run();
  });
  CHECK(WIFSIGNALED(death.status));
  CHECK(WTERMSIG(death.status) == SIGSEGV);
}

TEST_CASE("a SIGSEGV that was sent ends the process, and no guest is asked whether it is its own") {
  const Death death = death_of([] {
    ::signal(SIGSEGV, SIG_DFL);
    signals::FaultHandler faults;
    signals::set_fault_claim([](const siginfo_t*, void*) { return true; });
    ::kill(::getpid(), SIGSEGV);
  });
  CHECK(WIFSIGNALED(death.status));
  CHECK(WTERMSIG(death.status) == SIGSEGV);
}
