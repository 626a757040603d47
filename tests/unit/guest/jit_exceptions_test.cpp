// SPDX-License-Identifier: Apache-2.0
// Exceptions of today, which wabt 1.0.32 can't assemble; tests/spec/exceptions.wast has the others.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "guest/jit/exception_index.h"
#include "guest/jit/jit.h"
#include "tests/unit/guest/guests.h"

using namespace weft;

namespace {

// The binary of
//
//   (module
//     (tag $e (param i32))
//     (func $f (param i32) (result i32) (throw $e (i32.add (local.get 0) (i32.const 1))))
//     (func (export "catch") (param i32) (result i32)
//       (block $h (result i32) (try_table (result i32) (catch $e $h) (call $f (local.get 0)))))
//     (func (export "keep") (param i32) (result i32) (local exnref i32)
//       (block $all (result exnref)
//         (try_table (catch_all_ref $all) (drop (call $f (local.get 0))))
//         (unreachable))
//       (local.set 1)
//       (block $h (result i32) (try_table (result i32) (catch $e $h) (throw_ref (local.get 1)))))
//     (func (export "null") (throw_ref (ref.null exn)))
//     (func (export "many") (param i32) (result i32) (local i32 exnref)
//       (loop $l
//         (block $h (result i32 exnref)
//           (try_table (catch_ref $e $h) (drop (call $f (local.get 0))))
//           (unreachable))
//         (local.set 2)
//         (local.set 1 (i32.add (local.get 1)))
//         (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
//       (block $h (result i32) (try_table (result i32) (catch $e $h) (throw_ref (local.get 2))))
//       (i32.add (local.get 1))))
constexpr std::uint8_t kModule[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x12, 0x04, 0x60, 0x01, 0x7f, 0x00, 0x60,
    0x01, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00, 0x60, 0x00, 0x02, 0x7f, 0x69, 0x03, 0x06, 0x05, 0x01,
    0x01, 0x01, 0x02, 0x01, 0x0d, 0x03, 0x01, 0x00, 0x00, 0x07, 0x1e, 0x04, 0x05, 0x63, 0x61, 0x74,
    0x63, 0x68, 0x00, 0x01, 0x04, 0x6b, 0x65, 0x65, 0x70, 0x00, 0x02, 0x04, 0x6e, 0x75, 0x6c, 0x6c,
    0x00, 0x03, 0x04, 0x6d, 0x61, 0x6e, 0x79, 0x00, 0x04, 0x0a, 0x81, 0x01, 0x05, 0x09, 0x00, 0x20,
    0x00, 0x41, 0x01, 0x6a, 0x08, 0x00, 0x0b, 0x10, 0x00, 0x02, 0x7f, 0x1f, 0x7f, 0x01, 0x00, 0x00,
    0x00, 0x20, 0x00, 0x10, 0x00, 0x0b, 0x0b, 0x0b, 0x24, 0x02, 0x01, 0x69, 0x01, 0x7f, 0x02, 0x69,
    0x1f, 0x40, 0x01, 0x03, 0x00, 0x20, 0x00, 0x10, 0x00, 0x1a, 0x0b, 0x00, 0x0b, 0x21, 0x01, 0x02,
    0x7f, 0x1f, 0x7f, 0x01, 0x00, 0x00, 0x00, 0x20, 0x01, 0x0a, 0x0b, 0x0b, 0x0b, 0x05, 0x00, 0xd0,
    0x69, 0x0a, 0x0b, 0x39, 0x02, 0x01, 0x7f, 0x01, 0x69, 0x03, 0x40, 0x02, 0x03, 0x1f, 0x40, 0x01,
    0x01, 0x00, 0x00, 0x20, 0x00, 0x10, 0x00, 0x1a, 0x0b, 0x00, 0x0b, 0x21, 0x02, 0x20, 0x01, 0x6a,
    0x21, 0x01, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x02, 0x7f, 0x1f, 0x7f,
    0x01, 0x00, 0x00, 0x00, 0x20, 0x02, 0x0a, 0x0b, 0x0b, 0x20, 0x01, 0x6a, 0x0b,
};

// What came of calls of one function, each with one number.
struct Called {
  std::vector<std::uint64_t> results;
  GuestEnd last;
};

Called call(const char* function, std::vector<std::uint64_t> arguments) {
  auto engine = make_jit();
  REQUIRE(engine.ok());
  auto module = (*engine)->load("exceptions", std::as_bytes(std::span(kModule)), {}, Role::library);
  REQUIRE_MESSAGE(module.ok(), module.error().message);
  Called called;
  Runtime runtime;
  const auto run = [&] {
    auto process = wasip1::Process::create(runtime.reactor(), runtime.clock(), {});
    auto instance = (*module)->instantiate(**process);
    called.last = instance->start();
    for (std::uint64_t value : arguments) {
      called.last = instance->call(*(*module)->info.find_export(function), {&value, 1});
      called.results.push_back(value);
    }
  };
  const auto g = runtime.scheduler().spawn(run, {.stack_bytes = std::size_t{1} << 20});
  REQUIRE(g.ok());
  runtime.run();
  return called;
}

}  // namespace

#if defined(__x86_64__)

TEST_CASE("an exception is caught by its tag, with what it carries") {
  CHECK(call("catch", {4, 0}).results == std::vector<std::uint64_t>{5, 1});
}

TEST_CASE("an exception that was caught can be kept, and thrown again") {
  CHECK(call("keep", {7}).results == std::vector<std::uint64_t>{8});
}

TEST_CASE("throw_ref of null is a trap with a kind of its own") {
  const GuestEnd end = call("null", {0}).last;
  CHECK(end.kind == GuestEnd::Kind::trapped);
  CHECK(std::string(name(end.trap.kind)) == "null exception reference");
}

TEST_CASE("of thousands of exceptions those that are referred to live on") {
  CHECK(call("many", {3'000, 20'000}).results ==
        std::vector<std::uint64_t>{4'504'502, 200'030'002});
}

// There was an end to the places of a block, and none to the search for a free one in it.
TEST_CASE("a guest that chose its exceptions by their addresses kept the thread for ever") {
  constexpr std::size_t kCount = jit::ExceptionIndex::kBlockPlaces + 500;
  jit::ExceptionIndex index;
  REQUIRE(index.make(kCount));
  std::vector<std::uint64_t*> chosen;
  std::uint64_t address = 0x5555'5555'0000;
  const auto next = [&] { return reinterpret_cast<std::uint64_t*>(address += 32); };
  while (chosen.size() < kCount) {
    std::uint64_t* const exception = next();
    if (index.first_place(exception) < jit::ExceptionIndex::kBlockPlaces) {
      chosen.push_back(exception);
    }
  }
  for (std::uint64_t* exception : chosen) index.place(exception) = exception;
  const auto is_there = [&](std::uint64_t* exception) {
    return index.place(exception) == exception;
  };
  CHECK(std::all_of(chosen.begin(), chosen.end(), is_there));
  CHECK(index.place(next()) == nullptr);
  int steps = 0;
  index.release([&] { ++steps; });
  CHECK(steps == 4);  // Blocks, each half free on the average.
}

#endif
