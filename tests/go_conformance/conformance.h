// SPDX-License-Identifier: Apache-2.0
// The weft half of the conformance cases: what every case may use. main.go is its twin and says
// what the words mean.
//
// A case registers itself: CASE(name) { ... }. It runs as the main G of a program of its own, on a
// clock that stands still while Gs run and jumps to the next deadline when all sleep.
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "scheduler/api.h"

namespace conformance {

using namespace weft;

struct Case {
  const char* name;
  void (*run)();
};
std::vector<Case>& cases();

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

// Prints the words on one line.
template <class... Words>
void say(const Words&... words) {
  std::string line;
  const auto add = [&line](const auto& word) {
    if (!line.empty()) line += ' ';
    if constexpr (std::is_same_v<std::decay_t<decltype(word)>, bool>) {
      line += word ? "true" : "false";
    } else if constexpr (std::is_arithmetic_v<std::decay_t<decltype(word)>>) {
      line += std::to_string(word);
    } else {
      line += word;
    }
  };
  (add(words), ...);
  std::puts(line.c_str());
}

void settle();
void start(std::function<void()> f);
void busy(Duration d);
std::string caught(const std::function<void()>& f);

}  // namespace conformance

#define CASE(name)                                                         \
  static void case_##name();                                               \
  static const conformance::Register register_##name(#name, &case_##name); \
  static void case_##name()
