// SPDX-License-Identifier: Apache-2.0
// Foreign bytes: damaged modules are refused, trap, run or are stopped; weft goes on.
//
// Each mutant is loaded and, if it still loads, run for a while beside a healthy guest. The seed is
// fixed; the same mutants are made on every machine.
#include <doctest/doctest.h>

#include <random>

#include "scheduler/api.h"
#include "tests/unit/guest/guests.h"

using namespace weft;

namespace {

using Bytes = std::vector<std::byte>;

constexpr int kMutants = 10'000;
constexpr int kYieldsPerMutant = 20;

std::byte random_byte(std::mt19937_64& random) {
  return static_cast<std::byte>(random() & 0xff);
}

// One to four changes: a byte set, a bit flipped, a range cut, a range repeated, the end cut.
Bytes mutate(Bytes bytes, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = random() % bytes.size();
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto some =
        static_cast<std::ptrdiff_t>(std::min<std::size_t>(random() % 16, bytes.size() - at));
    switch (random() % 8) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.erase(from, from + some);
        break;
      case 2: {
        const Bytes copy(from, from + some);
        bytes.insert(from, copy.begin(), copy.end());
        break;
      }
      case 3:
      case 4:
        *from ^= static_cast<std::byte>(1U << (random() % 8));
        break;
      default:
        *from = random_byte(random);
    }
  }
  return bytes;
}

struct Tally {
  int refused = 0;
  int exited = 0;
  int trapped = 0;
  int killed = 0;
};

// Runs a mutant until it ends or has had its share of the thread.
void run_mutant(Runtime& runtime, const std::shared_ptr<Module>& module, Tally& tally) {
  auto guest = runtime.spawn(module, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1});
  REQUIRE(guest.ok());
  auto watcher = runtime.scheduler().spawn([&] {
    for (int i = 0; i < kYieldsPerMutant && (*guest)->g() != nullptr; ++i) {
      Scheduler::request_preempt(*(*guest)->g());
      yield();
    }
    if (G* g = (*guest)->g()) this_scheduler().kill(*g);
  });
  REQUIRE(watcher.ok());
  REQUIRE(runtime.run().end == RunEnd::finished);
  switch ((*guest)->end()->kind) {
    case GuestEnd::Kind::exited:
      ++tally.exited;
      break;
    case GuestEnd::Kind::trapped:
      ++tally.trapped;
      break;
    case GuestEnd::Kind::killed:
      ++tally.killed;
      break;
  }
}

}  // namespace

TEST_CASE("10,000 damaged modules never crash the process") {
  const char* seeds[] = {
      "wat_hello", "wat_trap_indirect", "wat_loop_yield", "wat_recursion_indirect",
      "wat_simd",  "wat_tiny",          "wat_prestat",    "wat_start_traps"};
  std::mt19937_64 random(20260731);
  Tally tally;
  GuestLimits limits;
  limits.memory_pages_max = 64;
  std::vector<Bytes> originals;
  for (const char* name : seeds) originals.push_back(test::guest_bytes(name));
  auto runtime = std::make_unique<Runtime>(make_interp());
  for (int i = 0; i < kMutants; ++i) {
    if (i % 500 == 499) runtime = std::make_unique<Runtime>(make_interp());
    const Bytes mutant = mutate(originals[random() % originals.size()], random);
    auto module = runtime->load_bytes("mutant", mutant, limits);
    if (!module) {
      CHECK_FALSE(module.error().message.empty());
      ++tally.refused;
      continue;
    }
    run_mutant(*runtime, *module, tally);
  }
  MESSAGE("refused " << tally.refused << ", exited " << tally.exited << ", trapped "
                     << tally.trapped << ", stopped " << tally.killed);
  CHECK(tally.refused > kMutants / 4);
  CHECK(tally.exited > 0);
  CHECK(tally.trapped > 0);
}

TEST_CASE("random bytes after a good header never crash the process") {
  std::mt19937_64 random(7);
  Runtime runtime(make_interp());
  const char header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (int i = 0; i < 3'000; ++i) {
    Bytes bytes;
    for (const char c : header) bytes.push_back(static_cast<std::byte>(c));
    for (std::uint64_t n = random() % 64; n > 0; --n) bytes.push_back(random_byte(random));
    (void)runtime.load_bytes("random", bytes);
  }
}
