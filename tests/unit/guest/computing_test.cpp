// SPDX-License-Identifier: Apache-2.0
// Where a guest computes, on each engine; and who called that function of a Go guest.
#include "guest/computing.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "guest/computing_dump.h"
#include "guest/go/callers.h"
#include "guest/go/go_pc.h"
#include "guest/go/goroutine_list.h"
#include "guest/go/stack_scan.h"
#include "guest/runtime.h"
#include "scheduler/api.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/guest/wasm/binary.h"

using namespace weft;
using guest::go::GoRuntime;
using guest::go::pc_of;
using test::append;
using test::Code;

namespace {

constexpr std::uint32_t kLoops = 3;  // Behind one import: _start calls 2, which calls this one.

std::vector<std::byte> looping_module() {
  const auto text = [](std::string_view chars) {
    Code code = test::leb(static_cast<std::uint32_t>(chars.size()));
    code.insert(code.end(), chars.begin(), chars.end());
    return code;
  };
  Code imports{1};
  append(imports, text("wasi_snapshot_preview1"));
  append(imports, text("sched_yield"));
  append(imports, {0, 1});
  Code exports{2};
  append(exports, text("memory"));
  append(exports, {2, 0});
  append(exports, text("_start"));
  append(exports, {0, 1});
  return test::Binary()
      .section(1, {2, 0x60, 0, 0, 0x60, 0, 1, 0x7f})
      .section(2, imports)
      .section(3, {3, 0, 0, 0})
      .section(5, {1, 0, 1})
      .section(7, exports)
      .section(10, {3, 4, 0, 0x10, 2, 0x0b, 4, 0, 0x10, kLoops, 0x0b,  //
                    7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b})
      .bytes();
}

// Runs a guest until it computes, or `turns` are over, and kills it. What it then told of itself.
std::optional<Computing> seen_computing(Runtime& runtime, Guest& guest, int turns) {
  std::optional<Computing> seen;
  CHECK_FALSE(guest.computing().has_value());  // It has not begun.
  const auto looks = runtime.scheduler().spawn([&] {
    for (int n = 0; n < turns && !seen; ++n) {
      yield();
      seen = guest.computing();
    }
    runtime.kill(guest);
  });
  REQUIRE(looks.ok());
  runtime.run();
  CHECK_FALSE(guest.computing().has_value());  // It has ended.
  return seen;
}

}  // namespace

TEST_CASE("a guest in an endless loop names the function with the loop, on each engine") {
  for (const std::string engine : test::kEngines) {
    for (const std::uint32_t quantum : {0U, 1'000U}) {
      CAPTURE(engine);
      CAPTURE(quantum);
      Runtime runtime(test::make_engine(engine));
      auto module = runtime.load_bytes("loops.wasm", looping_module(), {.quantum = quantum});
      REQUIRE_MESSAGE(module.ok(), (module ? "" : module.error().message));
      auto guest = runtime.spawn(*module);
      REQUIRE(guest.ok());
      const auto seen = seen_computing(runtime, **guest, 100);
      REQUIRE(seen.has_value());
      CHECK(seen->function == kLoops);
    }
  }
}

TEST_CASE("a dump lists guests that compute with function and place, and counts those left out") {
  for (const std::string engine : test::kEngines) {
    CAPTURE(engine);
    Runtime runtime(test::make_engine(engine));
    auto module = runtime.load_bytes("loops.wasm", looping_module());
    REQUIRE(module.ok());
    CHECK(dump_computing(runtime).empty());
    for (int n = 0; n < 3; ++n) REQUIRE(runtime.spawn(*module).ok());
    std::string all;
    std::string two;
    std::vector<std::string> in_short;
    const auto looks = runtime.scheduler().spawn([&] {
      for (int n = 0; n < 3; ++n) yield();  // All have begun.
      all = dump_computing(runtime);
      two = dump_computing(runtime, go_memory_of, {.guests = 2});
      in_short = computing_in_short(runtime, go_memory_of, 2);
      for (const auto& guest : runtime.guests()) runtime.kill(*guest);
    });
    REQUIRE(looks.ok());
    runtime.run();
    CHECK(
        test::has(all, "guests that compute:\n  guest 1 (loops.wasm): in function 3 at offset 0x"));
    CHECK(test::has(all, "\n  guest 3 (loops.wasm): in function 3 at offset 0x"));
    CHECK_FALSE(test::has(all, " more"));
    CHECK(test::has(two, "\n  guest 2 (loops.wasm): in function 3 at offset 0x"));
    CHECK(two.ends_with("\n  and 1 more\n"));
    CHECK(in_short == std::vector<std::string>{"guest 1 (loops.wasm) computes in function 3",
                                               "guest 2 (loops.wasm) computes in function 3"});
  }
}

TEST_CASE("a guest that sleeps does not compute, on each engine") {
  for (const std::string engine : test::kEngines) {
    CAPTURE(engine);
    Runtime runtime(test::make_engine(engine));
    auto module = runtime.load(test::guest_path("c_sleep2s"));
    REQUIRE(module.ok());
    auto guest = runtime.spawn(*module);
    REQUIRE(guest.ok());
    const auto is_asleep = [&] { return (*guest)->g() != nullptr && (*guest)->g()->is_waiting(); };
    const auto looks = runtime.scheduler().spawn([&] {
      while ((*guest)->g() != nullptr && !is_asleep()) yield();
      CHECK(is_asleep());
      CHECK_FALSE((*guest)->computing().has_value());
      runtime.kill(**guest);
    });
    REQUIRE(looks.ok());
    runtime.run();
  }
}

namespace {

constexpr std::uint64_t kG = 64;  // Where a g lies.
constexpr std::uint64_t kLow = 1'024;
constexpr std::uint64_t kHigh = 64'000;

// The stack of a goroutine of a real program, of which the test says who called whom.
class GoStack {
 public:
  GoStack() {
    const auto bytes = test::guest_bytes("go_goroutines");
    const auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
    REQUIRE(module.ok());
    auto known = guest::go::recognise(*module);
    REQUIRE(known.ok());
    REQUIRE(known->has_value());
    runtime = std::move(**known);
    put(kG, kLow);
    put(kG + 8, kHigh);
    push("runtime.goexit");
  }

  [[nodiscard]] std::uint32_t index(const char* name) const {
    const auto function = runtime.function(name);
    REQUIRE_MESSAGE(function.has_value(), name);
    return *function;
  }
  // The function calls: its frame, and below that the address by which it goes on.
  void calls(const char* name) {
    sp -= *runtime.frame_bytes(index(name));
    push(name);
  }
  void push(const char* name) {
    sp -= 8;
    put(sp, pc_of(index(name) - runtime.imports) + 2);
  }
  void put(std::uint64_t at, std::uint64_t value) {
    std::memcpy(memory.data() + at, &value, sizeof value);
  }
  // Who called main.main, which computes, by name.
  [[nodiscard]] std::vector<std::string> callers(std::uint64_t at, bool* has_more = nullptr) const {
    const Computing computing{index("main.main"), static_cast<std::uint32_t>(at)};
    const auto found = guest::go::callers_of(runtime, memory, kG, computing);
    std::vector<std::string> names;
    names.reserve(found.pcs.size());
    for (const std::uint64_t pc : found.pcs) names.emplace_back(runtime.name_at(pc));
    if (has_more != nullptr) *has_more = found.has_more;
    return names;
  }
  [[nodiscard]] std::uint64_t in_frame() const {
    return sp - *runtime.frame_bytes(index("main.main"));
  }

  GoRuntime runtime;
  std::vector<std::byte> memory = std::vector<std::byte>(kHigh + 64);
  std::uint64_t sp = kHigh - 32;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("who called the function that a goroutine computes in is read from its stack") {
  GoStack stack;
  REQUIRE(*stack.runtime.frame_bytes(stack.index("main.main")) > 0);
  stack.calls("fmt.Fprintln");
  stack.calls("runtime.gopark");
  CHECK(stack.callers(stack.in_frame()) == Names{"runtime.gopark", "fmt.Fprintln"});
  // Its own frame is not taken yet.
  CHECK(stack.callers(stack.sp) == Names{"runtime.gopark", "fmt.Fprintln"});
  bool has_more = false;
  CHECK(stack.callers(stack.in_frame(), &has_more).size() == 2);
  CHECK_FALSE(has_more);
}

// One that waits goes on in runtime.gopark, whose caller has a frame with an old address in it.
TEST_CASE("a goroutine waited in a function that had returned long before") {
  GoStack stack;
  stack.calls("main.main");
  const std::uint64_t in_frame = stack.sp - 16;
  stack.calls("runtime.chanrecv");
  REQUIRE(*stack.runtime.frame_bytes(stack.index("runtime.chanrecv")) > 16);
  stack.put(in_frame, pc_of(stack.index("fmt.Fprintln") - stack.runtime.imports) + 2);
  const auto pc_in = [&](const char* name) {
    return pc_of(stack.index(name) - stack.runtime.imports) + 2;
  };
  const auto where = [&](std::uint64_t pc, std::uint64_t sp) {
    return stack.runtime.name_at(guest::go::own_pc(stack.runtime, stack.memory, {pc, sp}));
  };
  const std::uint64_t gopark = *stack.runtime.frame_bytes(stack.index("runtime.gopark"));
  CHECK(where(pc_in("runtime.gopark"), stack.sp - gopark) == "main.main");
  CHECK(where(pc_in("runtime.gopark") - 2, stack.sp) == "main.main");  // Its prologue is to come.
  CHECK(where(pc_in("main.main"), 0) == "main.main");
  CHECK(where(pc_in("runtime.goexit"), 0).empty());
  CHECK(where(0, in_frame) == "fmt.Fprintln");  // Not known: the words are looked at.
  CHECK(where(pc_in("runtime.gopark"), UINT64_MAX - 8).empty());
}

TEST_CASE("of a deep stack eight callers are told, and that there are more") {
  GoStack stack;
  for (int n = 0; n < 300; ++n) stack.calls("runtime.gopark");
  bool has_more = false;
  const Names names = stack.callers(stack.in_frame(), &has_more);
  CHECK(names == Names(guest::go::kCallersListed, "runtime.gopark"));
  CHECK(has_more);
}

TEST_CASE("a stack that can't be followed to its end tells no callers, and crashes nobody") {
  GoStack stack;
  stack.calls("fmt.Fprintln");
  stack.calls("runtime.gopark");
  CHECK(stack.callers(kLow - 8).empty());  // Another stack: the runtime's own.
  CHECK(stack.callers(kHigh).empty());     // Behind its end.
  CHECK(stack.callers(kHigh - 8).empty());
  const std::uint64_t first = stack.sp;
  const std::uint64_t second =
      first + 8 + *stack.runtime.frame_bytes(stack.index("runtime.gopark"));
  for (const std::uint64_t wrong :
       {std::uint64_t{0}, UINT64_MAX, pc_of(0xffff'ffff), pc_of(9'999'999)}) {
    GoStack other = stack;
    other.put(second, wrong);
    CHECK(other.callers(other.in_frame()).empty());
  }
  stack.put(kG + 8, UINT64_MAX);  // The end of the stack is not in the memory.
  CHECK(stack.callers(stack.in_frame()).size() == 2);
  CHECK(guest::go::callers_of(stack.runtime, {}, kG, {stack.index("main.main"), 64}).pcs.empty());
  CHECK(guest::go::callers_of(stack.runtime, stack.memory, UINT64_MAX, {}).pcs.empty());
}

TEST_CASE("a dump of a module that says of many goroutines that they run follows one stack") {
  GoStack stack;
  stack.calls("fmt.Fprintln");
  guest::go::Offsets& at = stack.runtime.offsets;
  constexpr std::uint64_t kPointers = 2'048;
  constexpr std::uint64_t kCount = 3;
  at.allgs = 16;
  stack.put(16, kPointers);
  stack.put(24, kCount);
  for (std::uint64_t n = 0; n < kCount; ++n) stack.put(kPointers + 8 * n, kG);
  const auto running = static_cast<std::uint32_t>(guest::go::GStatus::running);
  std::memcpy(stack.memory.data() + kG + at.g_status, &running, sizeof running);
  const Computing computing{stack.index("main.main"), static_cast<std::uint32_t>(stack.in_frame())};
  const auto listed = list_goroutines(stack.runtime, stack.memory, 1'000, computing);
  REQUIRE(listed.size() == kCount);
  CHECK(listed[0].in == "main.main");
  REQUIRE(listed[0].callers.size() == 1);
  CHECK(listed[0].callers[0].function == "fmt.Fprintln");
  for (std::uint64_t n = 1; n < kCount; ++n) {
    CHECK(listed[n].in.empty());
    CHECK(listed[n].callers.empty());
  }
}
