// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "scheduler/sync/program.h"
#include "tests/go_conformance/conformance.h"
#include "tests/unit/world.h"

namespace conformance {

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

namespace {
ManualClock* the_clock = nullptr;
}

void settle() {
  for (int i = 0; i < 5; ++i) yield();
}

void start(std::function<void()> f) {
  (void)go(std::move(f));
  settle();
}

void busy(Duration d) {
  the_clock->advance(d);
}

std::string caught(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing";
}

}  // namespace conformance

int main(int argc, char** argv) {
  auto& all = conformance::cases();
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return std::strcmp(a.name, b.name) < 0; });
  for (const auto& c : all) {
    if (argc < 2) std::puts(c.name);
    if (argc == 2 && std::strcmp(argv[1], c.name) == 0) {
      weft::test::World world;
      conformance::the_clock = &world.clock;
      const int code = weft::run_main(world.scheduler, c.run);
      std::fflush(stdout);
      return code;
    }
  }
  return argc < 2 ? 0 : 64;
}
