// SPDX-License-Identifier: Apache-2.0
#include "guest/go/outlive_main.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace weft::guest::go {
namespace {

// What runtime.exit does behind the call of proc_exit: it returns.
//   global.get 0, local.set 1, local.get 1, i32.const 8, i32.add, local.tee 1, global.set 0,
//   i32.const 0, return, unreachable, end
constexpr std::array<std::uint8_t, 18> kReturns = {0x23, 0, 0x21, 1, 0x20, 1, 0x41, 8,    0x6a,
                                                   0x22, 1, 0x24, 0, 0x41, 0, 0x0f, 0x00, 0x0b};

// A jump in Go's way: "i32.const 0" (PC_B), "call", "return". Then what is never reached.
std::vector<std::uint8_t> jump_to(std::uint32_t function) {
  std::vector<std::uint8_t> code = {0x41, 0, 0x10};
  for (; function >= 0x80; function >>= 7) {
    code.push_back(static_cast<std::uint8_t>(function | 0x80));
  }
  code.push_back(static_cast<std::uint8_t>(function));
  code.push_back(0x0f);
  code.resize(kReturns.size() - 1);
  code.push_back(0x0b);
  return code;
}

}  // namespace

bool let_outlive_main(const wasm::ModuleView& module, const GoRuntime& runtime,
                      std::span<std::byte> bytes) {
  const auto exit = runtime.function("runtime.exit");
  const auto goexit = runtime.function("runtime.goexit1");
  if (!exit || !goexit) return false;
  const wasm::Body& body = module.body(*exit);
  if (body.bytes < kReturns.size()) return false;
  const auto tail = bytes.subspan(body.offset + body.bytes - kReturns.size(), kReturns.size());
  const auto is = [](std::byte byte, std::uint8_t code) { return byte == std::byte{code}; };
  if (!std::equal(tail.begin(), tail.end(), kReturns.begin(), is)) return false;
  const std::vector<std::uint8_t> code = jump_to(*goexit);
  std::transform(code.begin(), code.end(), tail.begin(),
                 [](std::uint8_t byte) { return std::byte{byte}; });
  return true;
}

}  // namespace weft::guest::go
