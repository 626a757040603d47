// SPDX-License-Identifier: Apache-2.0
// GoMutants: a Go guest with a few bytes changed where guest/go looks: in the code of the runtime's
// functions that it reads, in the data that holds pclntab, in the custom sections.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "guest/go/go_runtime.h"
#include "tests/unit/guest/guests.h"

namespace weft::test {

class GoMutants {
 public:
  GoMutants() : bytes_(guest_bytes("go_hello")) {
    auto module = wasm::read_module(bytes_, {.bodies = wasm::Bodies::skip});
    WEFT_CHECK(module.ok(), "go_hello can't be read");
    auto runtime = guest::go::recognise(*module);
    WEFT_CHECK(runtime.ok() && runtime->has_value(), "go_hello is not recognised");
    for (const char* name : kRead) {
      const auto function = (*runtime)->function(name);
      WEFT_CHECK(function.has_value(), name);
      const wasm::Body& body = module->body(*function);
      parts_.emplace_back(body.offset, body.bytes);
    }
    for (const wasm::CustomSection& section : module->custom) {
      parts_.emplace_back(section.offset, section.bytes.size());
    }
    const auto& first = module->data.front().bytes;
    const auto from = static_cast<std::size_t>(first.data() - bytes_.data());
    parts_.emplace_back(from, bytes_.size() - from);
  }

  // Each three numbers are a change: which part, where in it, what is written there.
  [[nodiscard]] std::vector<std::byte> make(std::span<const std::uint32_t> numbers) const {
    std::vector<std::byte> mutant = bytes_;
    for (std::size_t n = 0; n + 2 < numbers.size(); n += 3) {
      const auto& [from, size] = parts_[numbers[n] % parts_.size()];
      if (size > 0) mutant[from + (numbers[n + 1] % size)] = static_cast<std::byte>(numbers[n + 2]);
    }
    return mutant;
  }

 private:
  static constexpr const char* kRead[] = {
      "runtime.morestack",       "runtime.mcall",    "runtime.systemstack",  "runtime.casgstatus",
      "runtime.newproc1",        "runtime.gopark",   "runtime.newstack",     "runtime.runqget",
      "runtime.goroutineheader", "runtime.allgadd",  "runtime.findRunnable", "runtime.goschedImpl",
      "runtime.chansend",        "runtime.chanrecv", "runtime.makechan"};

  std::vector<std::byte> bytes_;
  std::vector<std::pair<std::size_t, std::size_t>> parts_;  // Where, how many bytes.
};

}  // namespace weft::test
