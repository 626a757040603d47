// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cinttypes>
#include <string>

#include "tests/host/soak/soak.h"

namespace {

using weft::soak::Soak;

struct Part {
  const char* name;
  std::uint64_t (*run)(Soak& soak);
};

constexpr Part kParts[] = {
    {"values through channels", weft::soak::channels},
    {"tasks joined", weft::soak::tasks},
    {"locks taken", weft::soak::locks},
    {"timers and sleeps", weft::soak::times},
    {"contexts ended", weft::soak::contexts},
    {"bytes through pipes", weft::soak::pipes},
};

bool parsed(const char* text, std::uint64_t& number) {
  char* end = nullptr;
  number = std::strtoull(text, &end, 10);
  return *text != '\0' && *end == '\0';
}

bool run(std::uint64_t seconds, std::uint64_t seed) {
  weft::SystemClock clock;
  weft::Reactor reactor;
  weft::Scheduler scheduler{clock, reactor, {.seed = seed}};
  const auto length = weft::seconds(static_cast<std::int64_t>(seconds));
  Soak soak(reactor, seed, clock.now() + length);
  std::size_t ended = 0;
  for (const Part& part : kParts) {
    const auto run_part = [&soak, &ended, &part] {
      const std::uint64_t done = part.run(soak);
      soak.check(done > 0, part.name);
      std::printf("soak: %12" PRIu64 " %s\n", done, part.name);
      ++ended;
    };
    if (!scheduler.spawn(run_part, {.name = part.name})) return false;
  }
  const weft::RunResult result = scheduler.run();
  std::printf("soak: %12" PRIu64 " Gs killed, %" PRIu64 " checks, %" PRIu64 " switches\n",
              soak.killed(), soak.checks(), scheduler.switches());
  if (result.end != weft::RunEnd::finished) {
    std::printf("soak: FAILED: the run did not finish\n%s\n", result.report.c_str());
    return false;
  }
  return ended == std::size(kParts) && soak.failures() == 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seconds = 10;
  auto seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  if (argc > 3 || (argc > 1 && !parsed(argv[1], seconds)) || (argc > 2 && !parsed(argv[2], seed))) {
    std::fprintf(stderr, "use: soak [SECONDS [SEED]]\n");
    return 64;
  }
  std::printf("soak: %" PRIu64 " s, seed %" PRIu64 "\n", seconds, seed);
  std::fflush(stdout);
  const bool good = run(seconds, seed);
  std::printf("soak: %s\n", good ? "all books are even" : "FAILED");
  return good ? 0 : 1;
}
