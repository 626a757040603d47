// SPDX-License-Identifier: Apache-2.0
#include "base/recycled.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

namespace {

struct Numbered : weft::Recycled<Numbered> {
  explicit Numbered(int v) : value(v) {}
  int value;
  char more[100] = {};
};

struct Larger : Numbered {
  using Numbered::Numbered;
  char most[1'000] = {};
};

}  // namespace

TEST_CASE("the next object gets the memory of the deleted one, unless a sanitizer watches") {
  const auto* first = new Numbered(1);
  const void* const place = first;
  delete first;
  const std::unique_ptr<Numbered> second(new Numbered(2));
#if defined(WEFT_ASAN)
  CHECK(second.get() != place);
#else
  CHECK(second.get() == place);
#endif
  CHECK(second->value == 2);
}

TEST_CASE("live objects never share memory, however many come and go") {
  std::vector<std::unique_ptr<Numbered>> live;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) live.emplace_back(new Numbered(round * 20 + i));
    for (std::size_t i = 0; i < live.size(); i += 3)
      live.erase(live.begin() + static_cast<long>(i));
    for (std::size_t i = 1; i < live.size(); ++i) CHECK(live[i - 1]->value < live[i]->value);
  }
}

TEST_CASE("an object of a larger class that inherits it has memory of its own size") {
  delete new Numbered(1);
  const auto larger = std::make_unique<Larger>(2);
  larger->most[999] = 'x';
  CHECK(larger->value == 2);
}

TEST_CASE("what another thread deletes is that thread's to use again") {
  auto item = std::make_unique<Numbered>(3);
  const void* const place = item.get();
  bool used_again = false;
  std::thread([&] {
    item.reset();
    const std::unique_ptr<Numbered> next(new Numbered(4));
    used_again = next.get() == place;
  }).join();
#if defined(WEFT_ASAN)
  CHECK_FALSE(used_again);
#else
  CHECK(used_again);
#endif
}
