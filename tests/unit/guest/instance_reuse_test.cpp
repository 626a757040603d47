// SPDX-License-Identifier: Apache-2.0
// Instances of compiled modules are used again: the next guest must find what the module says, and
// nothing of the last one's.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "guest/aot/aot.h"
#include "guest/aot/linear_memory.h"
#include "guest/jit/jit.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using weft::test::guest_path;

namespace {

std::unique_ptr<Engine> engine(Bounds bounds) {
  AotOptions options;
  options.bounds = bounds;
  options.cache_folder = weft::test::aot_cache_folder();
  options.say = [](std::string_view line) { FAIL_CHECK(std::string(line)); };
  return make_aot(options);
}

// All that use instances again.
std::vector<std::unique_ptr<Engine>> engines() {
  std::vector<std::unique_ptr<Engine>> made;
  made.push_back(engine(Bounds::guard));
  made.push_back(engine(Bounds::check));
  if (auto jit = make_jit()) made.push_back(std::move(*jit));  // It is for x86-64.
  return made;
}

Guest& spawn(Runtime& runtime, const std::shared_ptr<Module>& module, std::size_t args) {
  auto guest = runtime.spawn(module, {.args = std::vector<std::string>(args, "x"),
                                      .stdin_from = -1,
                                      .stdout_to = -1,
                                      .stderr_to = -1});
  REQUIRE(guest.ok());
  return **guest;
}

// How many mappings of images this process has.
std::size_t images_mapped() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("weft-image") != std::string::npos) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("in whatever way a guest ends, the next one finds fresh globals, memory and tables") {
  for (std::unique_ptr<Engine>& engine : engines()) {
    Runtime runtime(std::move(engine));
    auto module = runtime.load(guest_path("wat_fresh"));
    REQUIRE(module.ok());
    for (int round = 0; round < 4; ++round) {
      CAPTURE(round);
      const Guest& returns = spawn(runtime, *module, 1);
      const Guest& traps = spawn(runtime, *module, 2);
      const Guest& spins = spawn(runtime, *module, 3);
      const Guest& never_runs = spawn(runtime, *module, 1);
      runtime.scheduler().kill(*never_runs.g());
      REQUIRE(runtime.scheduler()
                  .spawn([&] {
                    for (int i = 0; i < 10; ++i) yield();
                    runtime.scheduler().kill(*spins.g());
                  })
                  .ok());
      CHECK(runtime.run().end == RunEnd::finished);
      CHECK(returns.end()->kind == GuestEnd::Kind::exited);
      CHECK(returns.end()->exit_code == 0);
      CHECK(traps.end()->trap.kind == TrapKind::unreachable);
      CHECK(spins.end()->kind == GuestEnd::Kind::killed);
      CHECK(spins.end()->exit_code == 0);
      CHECK(never_runs.end()->kind == GuestEnd::Kind::killed);
    }
  }
}

TEST_CASE("much data is an image that many instances map, and none sees what another wrote") {
  for (std::unique_ptr<Engine>& engine : engines()) {
    Runtime runtime(std::move(engine));
    auto module = runtime.load(guest_path("c_fresh_data"));
    REQUIRE(module.ok());
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 8; ++i) spawn(runtime, *module, i % 2 == 0 ? 1 : 2);
      CHECK(runtime.run().end == RunEnd::finished);
    }
    for (const auto& guest : runtime.guests()) {
      CAPTURE(guest->number());
      const bool traps = guest->number() % 2 == 0;
      CHECK(guest->end()->kind == (traps ? GuestEnd::Kind::trapped : GuestEnd::Kind::exited));
      CHECK(guest->end()->exit_code == 0);
      if (traps) CHECK(guest->end()->trap.kind == TrapKind::unreachable);
    }
    CHECK(images_mapped() > 0);
  }
  CHECK(images_mapped() == 0);
}

namespace {

// 64 KiB of data at 4096 + 16.
struct Data {
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(65'536);
  MemoryImage image;
  explicit Data(std::uint32_t at = 4096 + 16) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(i % 251 + 1);
    image.add(at, bytes.data(), 40'000);
    image.add(at + 40'000, bytes.data() + 40'000, 25'536);
    image.complete();
  }
  [[nodiscard]] bool is_in(const MemoryPlace& place) const {
    return std::equal(bytes.begin(), bytes.end(), place.data + 4096 + 16) && place.data[4111] == 0;
  }
};

}  // namespace

TEST_CASE("an image is mapped over a memory, comes back by a reset, and goes with the memory") {
  Data data;
  for (const bool guard : {true, false}) {
    MemoryPool pool;
    MemoryPlace place;
    REQUIRE(pool.take(131'072, guard, place));
    MemoryPool::lay(data.image, place);
    CHECK(place.image_begin == 4096);
    CHECK(place.image_end == 4096 * 18);
    CHECK(data.is_in(place));
    std::fill_n(place.data, 131'072, std::uint8_t{0xee});
    CHECK(MemoryPool::reset(place, 131'072, 131'072));
    CHECK(data.is_in(place));
    CHECK(place.data[0] == 0);
    CHECK(place.data[131'071] == 0);
    const std::uint8_t* before = place.data;
    pool.give_back(place, 131'072);
    REQUIRE(pool.take(131'072, guard, place));
    CHECK(place.data == before);
    CHECK(std::all_of(place.data, place.data + 131'072, [](std::uint8_t b) { return b == 0; }));
    pool.give_back(place, 131'072);
    CHECK(pool.in_use() == 0);
  }
}

TEST_CASE(
    "a memory in a slab that grows out of its place keeps its data, and a reset restores it") {
  Data data;
  MemoryPool pool;
  MemoryPlace place;
  REQUIRE(pool.take(131'072, false, place));
  MemoryPool::lay(data.image, place);
  place.data[4096 + 16] = 99;
  REQUIRE(pool.grow(place, 131'072, 1 << 20));
  CHECK(place.data[4096 + 16] == 99);
  CHECK(place.data[4096 + 17] == data.bytes[1]);
  CHECK(MemoryPool::reset(place, 1 << 20, 131'072));
  MemoryPool::lay(data.image, place);
  CHECK(data.is_in(place));
  pool.give_back(place, 1 << 20);
}

TEST_CASE("data with wide holes and little data are copied, not mapped") {
  MemoryPool pool;
  MemoryPlace place;
  REQUIRE(pool.take(64 << 20, false, place));
  const std::vector<std::uint8_t> bytes(40'000, 7);
  MemoryImage wide;
  wide.add(0, bytes.data(), 40'000);
  wide.add(60 << 20, bytes.data(), 40'000);
  wide.complete();
  MemoryPool::lay(wide, place);
  CHECK(place.image_end == 0);
  CHECK(place.data[(60 << 20) + 39'999] == 7);
  MemoryImage little;
  little.add(8, bytes.data(), 100);
  little.complete();
  MemoryPool::lay(little, place);
  CHECK(place.image_end == 0);
  CHECK(place.data[107] == 7);
  pool.give_back(place, 64 << 20);
}

TEST_CASE(
    "a large memory goes back in steps, others run between them, and a kill leaves none out") {
  constexpr std::size_t kBytes = std::size_t{256} << 20;
  constexpr std::size_t kStep = std::size_t{32} << 20;
  for (const bool killed : {false, true}) {
    MemoryPool pool;
    MemoryPlace place;
    REQUIRE(pool.take(kBytes, false, place));
    for (std::size_t at = 0; at < kBytes; at += kStep) place.data[at] = 1;
    Runtime runtime;
    bool released = false;
    auto ending = runtime.scheduler().spawn([&] {
      MemoryPool::release(place, kBytes);
      released = true;
    });
    REQUIRE(ending.ok());
    int turns = 0;
    REQUIRE(runtime.scheduler()
                .spawn([&, g = *ending] {
                  for (; turns < 1'000 && !released; yield()) {
                    if (++turns == 2 && killed) runtime.scheduler().kill(*g);
                  }
                })
                .ok());
    CHECK(runtime.run().end == RunEnd::finished);
    CHECK(turns >= 7);
    for (std::size_t at = 0; at + kStep < kBytes; at += kStep) CHECK(place.data[at] == 0);
    pool.give_back(place, kBytes);
  }
}
