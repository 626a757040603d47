// SPDX-License-Identifier: Apache-2.0
// The hot path is sacred: yield, park and ready allocate nothing, make no system call and read no
// clock.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

#if !defined(WEFT_ASAN)  // ASan has operators of its own.
namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
#endif

namespace {

// Two Gs that yield, and two that park and ready each other, `rounds` times each.
void spawn_traffic(World& w, int rounds) {
  for (int i = 0; i < 2; ++i) {
    w.go("yields", [rounds] {
      for (int n = 0; n < rounds; ++n) yield();
    });
  }
  static G* parked;
  parked = &w.go("parks", [rounds] {
    for (int n = 0; n < rounds; ++n) park(WaitReason::semacquire);
  });
  w.go("readies", [rounds] {
    for (int n = 0; n < rounds; ++n) {
      while (parked->state() != GState::waiting) yield();
      ready(*parked);
      yield();
    }
  });
}

// From here on any system call but exit_group(2) kills the process.
[[maybe_unused]] void forbid_system_calls() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  sock_fprog filter{sizeof program / sizeof *program, program};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) ::_exit(99);
}

// Runs f in a child process; returns its wait status.
template <class F>
[[maybe_unused]] int in_child(F&& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    f();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("yield, park and ready read no clock; the look outside reads it once in 61 switches") {
  World w;
  spawn_traffic(w, 1'000);
  const std::uint64_t before = w.clock.reads();
  w.run();
  const std::uint64_t looks = w.clock.reads() - before;
  CHECK(looks <= w.scheduler.switches() / kSwitchesPerLook + 10);  // The first come sooner.
}

// ASan allocates and makes system calls of its own when a fiber is switched.
#if !defined(WEFT_ASAN)
TEST_CASE("yield, park and ready allocate nothing") {
  World w;
  spawn_traffic(w, 1'000);
  const std::size_t before = allocations;
  w.run();
  CHECK(allocations == before);
  CHECK(w.scheduler.switches() > 4'000);
}

TEST_CASE("a sleep allocates nothing") {
  World w;
  for (int i = 0; i < 100; ++i) {
    w.go("sleeps", [i] { sleep_for(milliseconds(i + 1)); });
  }
  const std::size_t before = allocations;
  w.run();
  CHECK(allocations == before);
}

TEST_CASE("spawning a G on a pooled stack allocates nothing") {
  World w;
  w.go("warms up", [] {});
  w.run();
  const std::size_t before = allocations;
  w.go("pooled", [] {});
  w.run();
  CHECK(allocations == before);
}

TEST_CASE("yield, park and ready make no system call") {
  const int status = in_child([] {
    World w;
    spawn_traffic(w, 1'000);
    w.go("ends the process", [] {
      for (int n = 0; n < 900; ++n) yield();
      ::_exit(7);  // While the traffic goes on.
    });
    w.go("forbids", [] { forbid_system_calls(); });
    w.run();
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("the test for system calls does catch one") {
  const int status = in_child([] {
    forbid_system_calls();
    (void)::getppid();
  });
  CHECK(WIFSIGNALED(status));
}
#endif
