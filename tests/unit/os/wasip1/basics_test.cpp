// SPDX-License-Identifier: Apache-2.0
// The subsystems that hold no descriptors: arguments, environment, clocks, random bytes, the end;
// and the table of functions.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

TEST_CASE("args_get writes addresses and strings and not a byte more") {
  ProcessConfig config;
  config.args = {"a", "bc", ""};
  TestGuest guest(std::move(config));
  guest.run([&] {
    CHECK(guest.call("args_sizes_get", {100, 108}) == Errno::success);
    CHECK(guest.u32(100) == 3);
    CHECK(guest.u32(108) == 6);
    CHECK(guest.call("args_get", {200, 301}) == Errno::success);
    CHECK(guest.u32(200) == 301);
    CHECK(guest.u32(204) == 303);
    CHECK(guest.u32(208) == 306);
    CHECK(guest.text(212, 1) == "?");
    CHECK(guest.text(300, 8) == std::string("?a\0bc\0\0?", 8));
  });
}

TEST_CASE("the environment is what was given and nothing of the host's") {
  ProcessConfig config;
  config.env = {"K=V"};
  TestGuest guest(std::move(config));
  guest.run([&] {
    CHECK(guest.call("environ_sizes_get", {0, 4}) == Errno::success);
    CHECK(guest.u32(0) == 1);
    CHECK(guest.u32(4) == 4);
    CHECK(guest.call("environ_get", {8, 16}) == Errno::success);
    CHECK(guest.text(16, 5) == std::string("K=V\0?", 5));
  });
}

TEST_CASE("strings that do not fit are EFAULT and leave memory as it was") {
  ProcessConfig config;
  config.args = {"program", "argument"};
  TestGuest guest(std::move(config));
  guest.run([&] {
    CHECK(guest.call("args_get", {0, TestGuest::kMemory - 16}) == Errno::fault);
    CHECK(guest.text(0, 8) == "????????");
    CHECK(guest.call("args_get", {TestGuest::kMemory - 4, 0}) == Errno::fault);
    CHECK(guest.call("args_sizes_get", {TestGuest::kMemory, 0}) == Errno::fault);
    CHECK(guest.call("args_sizes_get", {0, TestGuest::kMemory - 3}) == Errno::fault);
    CHECK(guest.text(0, 4) == "????");
    CHECK(guest.call("args_get", {0, TestGuest::kMemory - 17}) == Errno::success);
  });
}

TEST_CASE("the clocks are the process's own and their resolution is a nanosecond") {
  ManualClock clock({1234}, 1'600'000'000'000'000'000);
  TestGuest guest({}, &clock);
  guest.run([&] {
    CHECK(guest.call("clock_time_get", {0, 0, 8}) == Errno::success);
    CHECK(guest.u64(8) == 1'600'000'000'000'000'000ull);
    CHECK(guest.call("clock_time_get", {1, 1000, 8}) == Errno::success);
    CHECK(guest.u64(8) == 1234);
    CHECK(guest.call("clock_res_get", {0, 8}) == Errno::success);
    CHECK(guest.u64(8) == 1);
    for (const std::uint64_t none : {4, 1'000'000}) {
      CHECK(guest.call("clock_time_get", {none, 0, 8}) == Errno::inval);
      CHECK(guest.call("clock_res_get", {none, 8}) == Errno::inval);
    }
    CHECK(guest.call("clock_time_get", {0, 0, TestGuest::kMemory - 7}) == Errno::fault);
  });
}

TEST_CASE("in virtual time a guest's CPU time is counted in fuel") {
  ManualClock clock;
  TestGuest guest({}, &clock);
  guest.run([&] {
    for (const std::uint64_t id : {2, 3}) {
      const std::uint64_t before = guest.process().budgets().fuel.used();
      CHECK(guest.call("clock_time_get", {id, 0, 8}) == Errno::success);
      CHECK(guest.u64(8) == before * 10);
      REQUIRE(guest.process().budgets().fuel.take(1000));
      CHECK(guest.call("clock_time_get", {id, 0, 8}) == Errno::success);
      CHECK(guest.u64(8) == before * 10 + 10'000);
      CHECK(guest.call("clock_res_get", {id, 8}) == Errno::success);
      CHECK(guest.u64(8) == 10);
    }
  });
}

TEST_CASE("in real time a guest's CPU time is its own: neither its sleep nor what others compute") {
  TestGuest guest;
  const auto burn = [](Duration d) {
    const Duration end{cpu_time_of_thread().ns + d.ns};
    while (cpu_time_of_thread() < end) {
    }
  };
  guest.run([&] {
    const auto cpu = [&] {
      CHECK(guest.call("clock_time_get", {2, 0, 8}) == Errno::success);
      return guest.u64(8);
    };
    burn(milliseconds(20));
    const std::uint64_t first = cpu();
    CHECK(first >= 20 * 1'000'000);  // It was alone: what it used before it asked counts, too.
    REQUIRE(go([&] { burn(milliseconds(200)); }).ok());
    yield();
    sleep_for(milliseconds(5));
    const std::uint64_t second = cpu();
    CHECK(second - first < 100 * 1'000'000);
    burn(milliseconds(20));
    CHECK(cpu() - second >= 20 * 1'000'000);
  });
}

TEST_CASE("random_get fills exactly what was asked for, from the given source or the system's") {
  ProcessConfig config;
  config.random = [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{'r'}); };
  TestGuest seeded(std::move(config));
  seeded.run([&] {
    CHECK(seeded.call("random_get", {1, 3}) == Errno::success);
    CHECK(seeded.text(0, 5) == "?rrr?");
    CHECK(seeded.call("random_get", {TestGuest::kMemory, 0}) == Errno::success);
    CHECK(seeded.call("random_get", {TestGuest::kMemory - 1, 2}) == Errno::fault);
  });
  TestGuest guest;
  guest.run([&] {
    CHECK(guest.call("random_get", {0, 4096}) == Errno::success);
    const std::string bytes = guest.text(0, 4096);
    CHECK(std::set<char>(bytes.begin(), bytes.end()).size() > 200);
    CHECK(guest.text(4096, 1) == "?");
  });
}

TEST_CASE("proc_exit leaves as Exit with the guest's code, through destructors") {
  TestGuest guest;
  guest.run([&] {
    bool unwound = false;
    struct Mark {
      bool& flag;
      ~Mark() { flag = true; }
    };
    try {
      const Mark mark{unwound};
      guest.call("proc_exit", {4'000'000'000});
      CHECK(false);
    } catch (const Exit& exit) {
      CHECK(exit.code == 4'000'000'000);
    }
    CHECK(unwound);
  });
}

TEST_CASE("proc_raise has the default action of each signal") {
  TestGuest guest;
  guest.run([&] {
    for (const std::uint64_t ignored : {0, 16, 17, 22, 27}) {
      CHECK(guest.call("proc_raise", {ignored}) == Errno::success);
    }
    for (const std::uint64_t stops : {18, 19, 20, 21}) {
      CHECK(guest.call("proc_raise", {stops}) == Errno::notsup);
    }
    CHECK(guest.call("proc_raise", {31}) == Errno::inval);
    try {
      guest.call("proc_raise", {6});
      CHECK(false);
    } catch (const Exit& exit) {
      CHECK(exit.code == 134);
    }
  });
}

TEST_CASE("sched_yield lets every other G run first") {
  TestGuest guest;
  std::string order;
  guest.run([&] {
    CHECK(go([&] { order += "b"; }).ok());
    CHECK(go([&] { order += "c"; }).ok());
    CHECK(guest.call("sched_yield", {}) == Errno::success);
    order += "a";
  });
  CHECK(order == "bca");
}

TEST_CASE("a G that was killed leaves the next call as Killed") {
  TestGuest guest;
  bool killed = false;
  guest.run([&] {
    this_scheduler().kill(this_g());
    try {
      guest.call("clock_res_get", {0, 8});
    } catch (const Killed&) {
      killed = true;
      throw;
    }
  });
  CHECK(killed);
}

TEST_CASE("the table has the 46 functions of the specification, sorted, with their signatures") {
  CHECK(functions().size() == 46);
  CHECK(std::ranges::is_sorted(functions(), {}, &Function::name));
  for (const Function& f : functions()) {
    CAPTURE(f.name);
    CHECK(f.returns_errno == (f.name != "proc_exit"));
    const auto names =
        f.arg_names.empty() ? 0 : 1 + std::count(f.arg_names.begin(), f.arg_names.end(), ' ');
    CHECK(static_cast<std::size_t>(names) == f.params.size());
  }
  const auto params = [](std::string_view name) {
    const Function* f = find("wasi_snapshot_preview1", name);
    return f == nullptr ? std::string_view("?") : f->params;
  };
  CHECK(params("fd_write") == "iiii");
  CHECK(params("clock_time_get") == "iIi");
  CHECK(params("fd_seek") == "iIii");
  CHECK(params("path_open") == "iiiiiIIii");
  CHECK(params("path_filestat_set_times") == "iiiiIIi");
  CHECK(params("fd_readdir") == "iiiIi");
  CHECK(params("fd_fdstat_set_rights") == "iII");
  CHECK(params("path_link") == "iiiiiii");
  CHECK(params("sched_yield") == "");
  CHECK(params("fd_advise") == "iIIi");
}

TEST_CASE("a row of the table agrees with the function's name and signature") {
  for (const Function& f : functions()) {
    CAPTURE(f.name);
    const CallFacts& facts = f.facts;
    if (facts.is_of_outside()) CHECK(facts.shape.size() == f.params.size());
    CHECK(facts.has("p") == (f.name.starts_with("path_")));
    CHECK((facts.touches == Touch::files) == f.name.starts_with("path_"));
    if (facts.touches == Touch::descriptor) CHECK(f.arg_names.substr(0, 2) == "fd");
    if (facts.sight == Sight::own) CHECK(facts.changes == Change::no);
    if (facts.sight == Sight::own) CHECK(facts.failure == Failure::never);
    if (facts.failure != Failure::never) CHECK(facts.touches != Touch::nothing);
    CHECK((facts.changes == Change::if_it_creates) == (f.name == "path_open"));
    CHECK((facts.failure == Failure::if_it_creates) == (f.name == "path_open"));
    CHECK(number_of(f.name) == static_cast<std::size_t>(&f - functions().data()));
  }
  CHECK(find("wasi_unstable", "fd_seek")->facts.shape ==
        find("wasi_snapshot_preview1", "fd_seek")->facts.shape);
}

TEST_CASE("a disk that is full fails what needs room, a broken one all the rest") {
  const auto failure = [](std::string_view name) {
    return functions()[number_of(name)].facts.failure;
  };
  for (const char* name : {"fd_write", "fd_pwrite", "fd_allocate", "path_create_directory",
                           "path_link", "path_rename", "path_symlink"}) {
    CAPTURE(name);
    CHECK(failure(name) == Failure::nospc);
  }
  for (const char* name : {"fd_read", "fd_pread", "fd_sync", "fd_datasync", "fd_readdir",
                           "path_unlink_file", "path_remove_directory", "path_readlink"}) {
    CAPTURE(name);
    CHECK(failure(name) == Failure::io);
  }
  for (const char* name : {"fd_close", "clock_time_get", "sock_send", "sched_yield"}) {
    CAPTURE(name);
    CHECK(failure(name) == Failure::never);
  }
}

TEST_CASE("wasi_unstable has all functions except sock_accept, and other modules have none") {
  for (const Function& f : functions()) {
    CHECK((find("wasi_unstable", f.name) != nullptr) == (f.name != "sock_accept"));
    CHECK(find("env", f.name) == nullptr);
  }
  CHECK(find("wasi_unstable", "fd_seek") != find("wasi_snapshot_preview1", "fd_seek"));
  CHECK(find("wasi_unstable", "fd_write") == find("wasi_snapshot_preview1", "fd_write"));
  CHECK(find("wasi_snapshot_preview1", "fd_frobnicate") == nullptr);
}

TEST_CASE("a traced call shows its name, its arguments and its errno") {
  Trace trace;
  ProcessConfig config;
  config.trace = &trace;
  TestGuest guest(std::move(config));
  guest.run([&] {
    guest.call("fd_close", {17});
    guest.call("sched_yield", {});
    guest.call("fd_seek", {0, 5, 1, 64});
    try {
      guest.call("proc_exit", {3});
    } catch (const Exit&) {
    }
  });
  CHECK(trace.lines == std::vector<std::string>{
                           "==> fd_close(fd=17)",
                           "<== EBADF",
                           "==> sched_yield()",
                           "<== ESUCCESS",
                           "==> fd_seek(fd=0, offset=5, whence=1, new_offset=64)",
                           "<== ESUCCESS",
                           "==> proc_exit(rval=3)",
                       });
}
