// SPDX-License-Identifier: Apache-2.0
// What weft does for a guest by itself may take long: to pass an exception on, to compile, to find
// out where a trap was, to give back what the guest had. Others get turns meanwhile. Turns are
// counted, not milliseconds.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guest/jit/jit_module.h"
#include "guest/wabt/wat_text.h"
#include "os/wasip1/process.h"
#include "signals/tick.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::guest_bytes;
using weft::test::make_engine;

namespace {

// A guest that looks at it has had its turn.
class HurryingClock final : public GuestClock {
 public:
  static constexpr Duration kStep = signals::kForcePreempt;
  Instant now() override { return now_ = now_ + kStep; }
  std::int64_t realtime_ns() override { return now_.ns; }
  [[nodiscard]] bool passes_by_itself() const override { return true; }

 private:
  Instant now_{};
};

struct Beside {
  int turns = 0;  // That another had from the guest's start to its end.
  GuestEnd end;
};

Beside run_beside(const char* engine, std::span<const std::byte> binary, GuestOptions options = {},
                  const GuestLimits& limits = {}) {
  HurryingClock clock;
  Runtime runtime({.clock = &clock}, make_engine(engine));
  auto module = runtime.load_bytes("long", binary, limits);
  REQUIRE_MESSAGE(module.ok(), (module.ok() ? "" : module.error().message));
  options.stdin_from = options.stdout_to = options.stderr_to = -1;
  Beside beside;
  bool is_gone = false;
  options.on_end = [&](const Guest& guest) {
    beside.end = *guest.end();
    is_gone = true;
  };
  const auto other = runtime.scheduler().spawn([&] {
    const auto goes_on = [&] { return !is_gone; };
    for (; goes_on(); yield()) ++beside.turns;
  });
  REQUIRE(other.ok());
  REQUIRE(runtime.spawn(*module, std::move(options)).ok());
  CHECK(runtime.run().end == RunEnd::finished);
  return beside;
}

Beside run_beside(const char* engine, const std::string& wat, GuestOptions options = {}) {
  std::vector<std::uint8_t> binary;
  REQUIRE(wat_to_binary(wat, binary).empty());
  return run_beside(engine, std::as_bytes(std::span(binary)), std::move(options));
}

// --- modules with exceptions, which wabt 1.0.32 can't assemble ---

using Wasm = std::vector<std::uint8_t>;

Wasm operator+(Wasm a, const Wasm& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Wasm leb(std::uint32_t value) {
  Wasm out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

Wasm sized(const Wasm& bytes) {
  return leb(static_cast<std::uint32_t>(bytes.size())) + bytes;
}

Wasm wasm_section(std::uint8_t id, const Wasm& body) {
  return Wasm{id} + sized(body);
}

constexpr std::uint8_t kEmpty = 0x40;
constexpr std::uint8_t kExnref = 0x69;

// Loops `times` times, fewer than 64, over `body`, with an i32 and an exnref as locals. Type 0 is
// () -> (), 1 is (exnref) -> (), 2 is () -> (exnref exnref); tags 0 and 1 are of type 0, tag 2 of
// type 1.
Wasm module_that_throws(std::uint8_t times, const Wasm& body) {
  const Wasm types{3, 0x60, 0, 0, 0x60, 1, kExnref, 0, 0x60, 0, 2, kExnref, kExnref};
  const Wasm loop = Wasm{0x03, kEmpty} + body + Wasm{0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, times} +
                    Wasm{0x47, 0x0d, 0, 0x0b, 0x0b};
  const Wasm code = Wasm{2, 1, 0x7f, 1, kExnref} + loop;
  return Wasm{0, 'a', 's', 'm', 1, 0, 0, 0} + wasm_section(1, types) + wasm_section(3, {1, 0}) +
         wasm_section(13, {3, 0, 0, 0, 0, 0, 1}) +
         wasm_section(7, {1, 6, '_', 's', 't', 'a', 'r', 't', 0, 0}) +
         wasm_section(10, Wasm{1} + sized(code));
}

// try (throw 0) catch 1, catch 1, ... catch 0
Wasm throw_past(int clauses) {
  Wasm body{0x06, kEmpty, 0x08, 0};
  for (int i = 0; i < clauses; ++i) body = std::move(body) + Wasm{0x07, 1};
  return std::move(body) + Wasm{0x07, 0, 0x0b};
}

// An exception that carries the last one, kept in the local: none of them may go.
Wasm throw_another() {
  return {0x02, 2, 0x1f, kEmpty, 1, 1, 2, 0, 0x20, 1, 0x08, 2, 0x0b, 0x00, 0x0b, 0x21, 1, 0x1a};
}

Wasm throw_thousand() {
  Wasm body;
  for (int i = 0; i < 1'000; ++i) body = std::move(body) + throw_another();
  return body;
}

}  // namespace

#if defined(__x86_64__)

TEST_CASE("throws past 60,000 clauses each kept the thread: a clause cost no fuel") {
  constexpr std::uint8_t kThrows = 63;
  constexpr std::uint32_t kClauses = 60'000;
  const Wasm module = module_that_throws(kThrows, throw_past(kClauses));
  const auto binary = std::as_bytes(std::span(module));
  const Beside beside = run_beside("jit", binary);
  CHECK(beside.end.returned);
  CHECK(beside.turns >= 15);
  GuestLimits limits;
  limits.fuel = 1'000'000;
  GuestOptions options;
  options.use.sizes.fuel = kThrows * (kClauses / 256) / 2;
  const Beside limited = run_beside("jit", binary, std::move(options), limits);
  CHECK(limited.end.trap.kind == TrapKind::out_of_fuel);
}

TEST_CASE("looking for dead ones among a million exceptions kept the thread for a second") {
  const Wasm module = module_that_throws(63, throw_another() + throw_another());
  CHECK(run_beside("jit", std::as_bytes(std::span(module))).end.returned);
  const Wasm many = module_that_throws(63, throw_thousand());
  const Beside beside = run_beside("jit", std::as_bytes(std::span(many)));
  CHECK(beside.end.returned);
  CHECK(beside.turns >= 63'000 / 4'096);
}

TEST_CASE("where safe points are counted the end of a guest with 63,000 exceptions had 15 more") {
  const Wasm many = module_that_throws(63, throw_thousand());
  GuestLimits limits;
  limits.quantum = 1U << 30;
  const Beside beside = run_beside("jit", std::as_bytes(std::span(many)), {}, limits);
  CHECK(beside.end.returned);
  CHECK(beside.turns < 15);
}

TEST_CASE("exceptions that are kept took four times the memory of what was charged") {
  const Wasm module = module_that_throws(60, throw_thousand());
  GuestOptions options;
  options.use.sizes.memory_bytes = std::uint64_t{4} << 20;  // 60,000 take 80 bytes each.
  const Beside beside = run_beside("jit", std::as_bytes(std::span(module)), std::move(options));
  CHECK(beside.end.trap.kind == TrapKind::out_of_memory);
}

TEST_CASE("the first call of a function of megabytes kept the thread until it was compiled") {
  std::string wat = "(module (func $large (local i32)";
  for (int i = 0; i < 100'000; ++i) wat += "(local.set 0 (i32.add (local.get 0) (i32.const 5)))";
  const Beside beside = run_beside("jit", wat + ") (func (export \"_start\") (call $large)))");
  CHECK(beside.end.returned);
  CHECK(beside.turns >= 100);
}

TEST_CASE("guests that called the same large function each compiled it, with memory of their own") {
  std::string wat = "(module (func (local i32)";
  for (int i = 0; i < 20'000; ++i) wat += "(local.set 0 (i32.add (local.get 0) (i32.const 5)))";
  std::vector<std::uint8_t> binary;
  REQUIRE(wat_to_binary(wat + "))", binary).empty());
  auto engine = make_engine("jit");
  auto loaded = engine->load("large", std::as_bytes(std::span(binary)), {}, Role::library);
  REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
  auto& program = dynamic_cast<jit::JitModule&>(**loaded).program;
  Runtime runtime;
  std::vector<int> steps(4);
  std::vector<const void*> code(4);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto compile = [&, i] {
      code[i] = program.compile(0, [&, i] {
        yield();
        if (++steps[i] == 3 && i == 0) this_scheduler().kill(this_g());  // The next one begins.
      });
    };
    REQUIRE(runtime.scheduler().spawn(compile, {.stack_bytes = std::size_t{1} << 20}).ok());
  }
  CHECK(runtime.run().end == RunEnd::finished);
  CHECK(steps[0] == 3);
  CHECK(steps[1] > 3);
  CHECK(steps[2] + steps[3] == 0);
  CHECK(code[0] == nullptr);
  CHECK(code[1] != nullptr);
  CHECK(code[2] == code[1]);
  CHECK(code[3] == code[1]);
}

// In a module of its own: the budgets of a guest that weft runs let no table grow so far.
TEST_CASE("table.grow of a 64-bit table by 2^63 + 1 made room for one, and wrote beyond it") {
  const Wasm code{0,    0xd0, 0x70, 0x42, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                  0x7f, 0xfc, 0x0f, 0x00, 0x42, 0x7f, 0x52, 0x04, 0x40, 0x00, 0x0b, 0x0b};
  const Wasm module = Wasm{0, 'a', 's', 'm', 1, 0, 0, 0} + wasm_section(1, {1, 0x60, 0, 0}) +
                      wasm_section(3, {1, 0}) + wasm_section(4, {1, 0x70, 4, 1}) +
                      wasm_section(7, {1, 6, '_', 's', 't', 'a', 'r', 't', 0, 0}) +
                      wasm_section(10, Wasm{1} + sized(code));
  auto engine = make_engine("jit");
  auto loaded = engine->load("grows", std::as_bytes(std::span(module)), {}, Role::library);
  REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
  Runtime runtime;
  GuestEnd end;
  const auto g = runtime.scheduler().spawn(
      [&] {
        auto process = wasip1::Process::create(runtime.reactor(), runtime.clock(), {});
        auto instance = (*loaded)->instantiate(**process);
        end = instance->start();
        if (end.returned) end = instance->call(*(*loaded)->info.find_export("_start"), {});
      },
      {.stack_bytes = std::size_t{1} << 20});
  REQUIRE(g.ok());
  runtime.run();
  CHECK(end.returned);  // It was told -1.
}

#endif

TEST_CASE("the first trap of a module on aot kept the thread until its object's lines were read") {
  const std::vector<std::byte> binary = guest_bytes("c_trap_div");
  const Beside beside = run_beside("aot", binary);
  CHECK(beside.end.trap.kind == TrapKind::divide_by_zero);
  CHECK(beside.end.trap.source == "trap_div.c:7");
  CHECK(beside.turns >= 3);  // Of its checksum, its bytes and its lines at least one each.
}

TEST_CASE("the end of a guest with 100 open files kept the thread until all were closed") {
  const std::string wat = R"((module
    (import "wasi_snapshot_preview1" "path_open" (func $open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) "f")
    (func (export "_start") (local i32)
      (loop $again
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)
                        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8))
          (then unreachable))
        (br_if $again (i32.ne (i32.const 100)
          (local.tee 0 (i32.add (local.get 0) (i32.const 1)))))))))";
  const auto folder =
      std::filesystem::temp_directory_path() / ("weft-long-work-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const char* engine : weft::test::kEngines) {
    CAPTURE(engine);
    GuestOptions options;
    options.preopens = {{folder.string(), "/"}};
    const Beside beside = run_beside(engine, wat, std::move(options));
    CHECK(beside.end.returned);
    CHECK(beside.turns >= 100);  // After each close.
  }
  std::filesystem::remove_all(folder);
}
