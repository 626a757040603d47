// SPDX-License-Identifier: Apache-2.0
// All safe points tell where a guest computes: in loops, behind calls of the host, and within
// instructions that move much. The same on each engine; and what a dump reads to say so.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "guest/computing_dump.h"
#include "guest/runtime.h"
#include "guest/wabt/wat_text.h"
#include "scheduler/api.h"
#include "tests/unit/guest/gives_way_everywhere.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/guest/wasm/binary.h"

using namespace weft;

namespace {

std::shared_ptr<Module> load(Runtime& runtime, const std::string& wat) {
  std::vector<std::uint8_t> binary;
  REQUIRE(wat_to_binary(wat, binary).empty());
  auto module = runtime.load_bytes("places.wasm", std::as_bytes(std::span(binary)));
  REQUIRE_MESSAGE(module.ok(), (module ? "" : module.error().message));
  return *module;
}

// How often a guest was seen to compute in which function until it ended.
std::map<std::uint32_t, int> functions_seen(Runtime& runtime,
                                            const std::shared_ptr<Module>& module) {
  auto guest = runtime.spawn(module);
  REQUIRE(guest.ok());
  std::map<std::uint32_t, int> seen;
  const auto looks = runtime.scheduler().spawn([&] {
    while ((*guest)->g() != nullptr) {
      if (const auto computing = (*guest)->computing()) ++seen[computing->function];
      yield();
    }
  });
  REQUIRE(looks.ok());
  runtime.run();
  REQUIRE((*guest)->end());
  CHECK((*guest)->end()->kind == GuestEnd::Kind::exited);
  return seen;
}

// The function with the index 2 does what the test is about.
constexpr const char* kCalls = R"((module (import "env" "ask" (func $ask))
  (memory (export "memory") 1)
  (func (export "_start") (call $caller))
  (func $caller (call $ask) (call $after))
  (func $after)))";
constexpr const char* kCallsByTable = R"((module (import "env" "ask" (func $ask))
  (memory (export "memory") 1)
  (type $none (func)) (table funcref (elem $ask $after))
  (func (export "_start") (call $caller))
  (func $caller (call_indirect (type $none) (i32.const 0)) (call $after))
  (func $after)))";
constexpr const char* kFills = R"((module (import "env" "ask" (func $ask))
  (memory (export "memory") 32)
  (func (export "_start") (call $caller))
  (func $caller (memory.fill (i32.const 0) (i32.const 7) (i32.const 2000000)) (call $after))
  (func $after)))";
constexpr const char* kCopies = R"((module (import "env" "ask" (func $ask))
  (memory (export "memory") 64)
  (func (export "_start") (call $caller))
  (func $caller (memory.copy (i32.const 0) (i32.const 2000000) (i32.const 2000000)) (call $after))
  (func $after)))";

}  // namespace

TEST_CASE(
    "behind a call of the host a guest computes in the function that called, on each engine") {
  for (const std::string engine : test::kEngines) {
    for (const char* wat : {kCalls, kCallsByTable}) {
      CAPTURE(engine);
      CAPTURE(wat);
      Runtime runtime(test::make_engine(engine));
      // Somebody wants the thread while the host works for the guest, as a tick would.
      runtime.define("env", "ask", [] { Scheduler::request_preempt(this_g()); });
      CHECK(functions_seen(runtime, load(runtime, wat)) == std::map<std::uint32_t, int>{{2, 1}});
    }
  }
}

TEST_CASE("in the middle of a large memory.fill a guest computes in its function, on each engine") {
  for (const std::string engine : test::kEngines) {
    for (const char* wat : {kFills, kCopies}) {
      CAPTURE(engine);
      CAPTURE(wat);
      Runtime runtime(test::make_engine(engine));
      runtime.define("env", "ask", [] {});
      test::GivesWayEverywhere chooser;
      runtime.scheduler().set_chooser(&chooser);
      // One step of it moves 256 KiB.
      CHECK(functions_seen(runtime, load(runtime, wat))[2] >= 7);
      runtime.scheduler().set_chooser(nullptr);
    }
  }
}

namespace {

// A folder for compiled objects, with one of c_compute, which computes without end.
struct CompiledLoop {
  CompiledLoop() {
    std::string name = std::filesystem::temp_directory_path() / "weft-places-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~CompiledLoop() { std::filesystem::remove_all(folder); }
  CompiledLoop(const CompiledLoop&) = delete;
  CompiledLoop& operator=(const CompiledLoop&) = delete;

  // What a dump says of it when its object has been spoiled: spoil(path).
  template <class Spoil>
  std::string dump(Spoil spoil) {
    Runtime runtime(find_engine("aot")->make(
        {.aot = {.cache_folder = folder, .say = &test::expect_no_message}}));
    auto module = runtime.load(test::guest_path("c_compute"));
    REQUIRE(module.ok());
    GuestOptions quiet;
    quiet.stdout_to = -1;
    auto guest = runtime.spawn(*module, std::move(quiet));
    REQUIRE(guest.ok());
    std::string text;
    const auto looks = runtime.scheduler().spawn([&] {
      yield();  // It has begun, and gave way.
      const std::string object = path_of_object();
      REQUIRE(::chmod(object.c_str(), 0600) == 0);
      spoil(object);
      text = dump_computing(runtime);
      runtime.kill(**guest);
    });
    REQUIRE(looks.ok());
    runtime.run();
    return text;
  }

  [[nodiscard]] std::string path_of_object() const {
    for (const auto& item : std::filesystem::directory_iterator(folder)) {
      if (item.path().extension() == ".so") return item.path().string();
    }
    FAIL("there is no object");
    return {};
  }

  std::string folder;
};

}  // namespace

TEST_CASE("a dump names a compiled function without its object's lines, which take long to read") {
  CompiledLoop loop;
  const std::string text = loop.dump([](const std::string& object) {
    // Behind what is loaded.
    std::fstream file(object, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(object)) * 3 / 4);
    file << "these bytes are not those that the compiler wrote";
  });
  CHECK(test::has(text, "guests that compute:\n  guest 1 (c_compute.wasm): in "));
  CHECK(test::has(text, " at offset 0x"));
}

// In a process of its own, which ends without looking at the object again: it is gone.
TEST_CASE("a dump while an object is cut off leaves its guest out, and goes on") {
  CompiledLoop loop;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string text =
        loop.dump([](const std::string& object) { REQUIRE(::truncate(object.c_str(), 100) == 0); });
    ::_exit(text.empty() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a dump reads tables of lines within a budget, and the next one goes on") {
  Runtime runtime(test::make_engine("interp"));
  for (int n = 0; n < 3; ++n) {
    auto module = runtime.load(test::guest_path("c_compute"));
    REQUIRE(module.ok());
    GuestOptions quiet;
    quiet.stdout_to = -1;
    REQUIRE(runtime.spawn(*module, std::move(quiet)).ok());
  }
  std::vector<std::string> dumps;
  const auto looks = runtime.scheduler().spawn([&] {
    for (int n = 0; n < 3; ++n) yield();  // All have begun.
    // One table each, as if it were too large for more.
    for (int n = 0; n < 3; ++n) {
      dumps.push_back(dump_computing(runtime, go_memory_of, {.line_bytes = 1}));
    }
    for (const auto& guest : runtime.guests()) runtime.kill(*guest);
  });
  REQUIRE(looks.ok());
  runtime.run();
  REQUIRE(dumps.size() == 3);
  const auto lines = [](const std::string& dump) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = dump.find("(compute.c:", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  CHECK(lines(dumps[0]) == 1);
  CHECK(dumps[0].ends_with("\n  without lines of source, which the next dumps read: 2 guests\n"));
  CHECK(lines(dumps[1]) == 2);
  CHECK(dumps[1].ends_with("\n  without lines of source, which the next dumps read: 1 guest\n"));
  CHECK(lines(dumps[2]) == 3);
  CHECK_FALSE(test::has(dumps[2], "without lines"));
}
