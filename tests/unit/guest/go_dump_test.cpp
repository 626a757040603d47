// SPDX-License-Identifier: Apache-2.0
// What a dump says of a Go guest at any moment of its life: also while no goroutine has the thread.
#include <doctest/doctest.h>

#include <iterator>
#include <memory>
#include <regex>
#include <string>
#include <utility>

#include "guest/computing_dump.h"
#include "guest/go/preemption.h"
#include "guest/goroutine_dump.h"
#include "guest/runtime.h"
#include "scheduler/api.h"
#include "tests/unit/guest/gives_way_everywhere.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/guest/wasm/binary.h"

using namespace weft;

namespace {

// A Go guest that others can look at whenever it has used so much fuel.
class Stepped {
 public:
  Stepped(const std::string& engine, const std::string& guest, std::uint32_t fuel)
      : runtime(test::make_engine(engine)) {
    runtime.scheduler().set_chooser(&chooser_);
    auto loaded = runtime.load(test::guest_path(guest), {.quantum = fuel});
    REQUIRE_MESSAGE(loaded.ok(), (loaded ? "" : loaded.error().message));
    module = *loaded;
    REQUIRE(module->go != nullptr);
  }
  ~Stepped() { runtime.scheduler().set_chooser(nullptr); }
  Stepped(const Stepped&) = delete;
  Stepped& operator=(const Stepped&) = delete;

  // Calls look(guest) at each step, until it returns false or the guest has ended.
  template <class F>
  void run(GuestOptions options, F look) {
    options.stdin_from = options.stdout_to = options.stderr_to = -1;
    options.steer = [](const guest::go::GoModule& go) {
      return std::make_unique<guest::go::Preemption>(go);
    };
    auto guest = runtime.spawn(module, std::move(options));
    REQUIRE(guest.ok());
    const auto looks = runtime.scheduler().spawn([&] {
      while ((*guest)->g() != nullptr && look(**guest)) yield();
      if ((*guest)->g() != nullptr) runtime.kill(**guest);
    });
    REQUIRE(looks.ok());
    runtime.run();
  }

  Runtime runtime;
  std::shared_ptr<Module> module;

 private:
  test::GivesWayEverywhere chooser_;
};

std::string dump(const Runtime& runtime) {
  return dump_goroutines(runtime) + dump_computing(runtime);
}

}  // namespace

TEST_CASE("whatever a Go guest computes, a dump names the function: Go's own scheduler's, too") {
  Stepped stepped("jit", "go_gc_stress", 61);
  const guest::go::GoRuntime& go = stepped.module->go->runtime;
  std::size_t computed = 0;
  bool before_goroutines = false;
  bool in_scheduler = false;
  bool of_runtime = false;
  bool on_its_stack = false;
  GuestOptions options;
  options.env = {"GOGC=1"};
  options.args = {"gc_stress", "20"};
  stepped.run(std::move(options), [&](const Guest& guest) {
    const auto computing = guest.computing();
    if (!computing) return true;
    ++computed;
    const std::string said = dump(stepped.runtime);
    const std::string name(go.name(computing->function));
    if (!test::has(said, name)) FAIL_CHECK(name, " is not in this dump:\n", said);
    const std::string line = "\n  on the stack of Go's scheduler: " + name + "\n";
    if (test::has(said, "): none" + line)) before_goroutines = true;
    if (test::has(said, " waiting" + line)) in_scheduler = true;
    if (std::regex_search(said, std::regex("\\[running\\]: runtime\\.(?!main)"))) of_runtime = true;
    if (test::has(said, "    on the stack of Go's scheduler\n")) on_its_stack = true;
    const bool all = before_goroutines && in_scheduler && of_runtime && on_its_stack;
    return computed < 2'000 || (!all && computed < 100'000);
  });
  CHECK(before_goroutines);
  CHECK(in_scheduler);
  CHECK(of_runtime);
  CHECK(on_its_stack);
}

TEST_CASE(
    "a dump reads of tables of lines what its budget has room for, and says what is missing") {
  Stepped stepped("jit", "go_goroutines", 4'999);
  std::string whole;
  std::string without;
  stepped.run({}, [&](const Guest& guest) {
    if (goroutine_counts_of(guest).waiting < 2) return true;
    whole = dump_goroutines(stepped.runtime);
    without = dump_goroutines(stepped.runtime, go_memory_of, {.places = {.pairs = 3}});
    return false;
  });
  const auto places = [](const std::string& dump) {
    const std::regex place("\\.go:[0-9]+");
    return std::distance(std::sregex_iterator(dump.begin(), dump.end(), place), {});
  };
  CHECK(places(whole) >= 2);
  CHECK_FALSE(test::has(whole, "too much to read"));
  CHECK(places(without) == 0);
  CHECK(test::has(without, "\nwithout some of the places in the source: too much to read\n"));
  CHECK(test::has(without, "  goroutine 1 ["));
}
