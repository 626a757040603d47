// SPDX-License-Identifier: Apache-2.0
// Random: makes the choices that Go leaves to chance, for example which case a select takes. A
// counter and a mixing function: eight bytes of state. All seeds are equally good, and a run's
// choices are a function of the seed. Not for secrets.
#pragma once

#include <cstdint>

namespace weft {

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  // The next of 2^64 equally likely values.
  constexpr std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: the counter takes every value once.
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // The next value below n > 0. All are equally likely, with a bias of at most n / 2^32.
  constexpr std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace weft
