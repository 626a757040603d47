// SPDX-License-Identifier: Apache-2.0
// Fuzz target: every WASI function, with hostile memory and arguments.
//
// The input is a program: each step either pokes bytes into a memory of 64 KiB, or calls one of the
// functions with arguments that are nearly right, or wild. Nothing may crash, leak a
// descriptor, wait for real, or change anything outside of the guest's directory.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz_world.h"

namespace {

using namespace weft;
using fuzz::Bytes;

constexpr std::size_t kMemoryBytes = 64 * 1024;
constexpr int kStepsMax = 64;

class Discard final : public wasip1::TraceSink {
 public:
  void line(std::string_view text) override { bytes += text.size(); }
  std::size_t bytes = 0;
};

// A value for an argument: most are small, or addresses, so that calls pass their first test.
std::uint64_t argument(Bytes& in, char type) {
  constexpr std::array<std::uint64_t, 16> kEdges = {
      0xffff'ffff,      0x7fff'ffff, 0x8000'0000, kMemoryBytes, kMemoryBytes - 1, kMemoryBytes - 8,
      kMemoryBytes + 1, 0xffff,      0xffff'fff8, 1u << 20,     0x1'0000'0000,    ~0ull,
      1ull << 63,       1ull << 62,  1000,        4096};
  const std::uint8_t kind = in.u8();
  if (kind < 128) return kind % 32;     // Descriptors, counts, flags.
  if (kind < 192) return in.number(2);  // Addresses.
  if (kind < 224) return kEdges[kind % kEdges.size()];
  return in.number(type == 'I' ? 8 : 4);
}

void poke(Bytes& in, std::vector<std::byte>& memory) {
  const std::size_t at = in.number(2);
  const auto bytes = in.take(in.u8() % 64);
  const std::size_t room = std::min(bytes.size(), memory.size() - at);
  std::transform(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(room),
                 memory.begin() + static_cast<std::ptrdiff_t>(at),
                 [](std::uint8_t byte) { return std::byte{byte}; });
}

void play(Bytes& in, fuzz::Guest& guest) {
  std::vector<std::byte> memory(kMemoryBytes);
  const auto functions = wasip1::functions();
  const bool unstable = in.u8() % 8 == 0;
  for (int step = 0; step < kStepsMax && !in.empty(); ++step) {
    const std::uint8_t op = in.u8();
    if (op < 96) {
      poke(in, memory);
      continue;
    }
    const wasip1::Function* function = &functions[op % functions.size()];
    if (unstable) {
      const auto* older = wasip1::find("wasi_unstable", function->name);
      if (older != nullptr) function = older;
    }
    std::vector<std::uint64_t> args;
    for (const char type : function->params) args.push_back(argument(in, type));
    (void)function->call(guest.process(), wasip1::Memory(memory), args.data());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool limited = (fuzz::limit_files(), true);
  (void)limited;
  static int inputs = 0;
  static std::size_t descriptors = 0;
  Bytes in(data, size);
  fuzz::tree().reset();
  Discard trace;
  {
    wasip1::ProcessConfig config;
    const std::uint8_t how = in.u8();
    if ((how & 1) != 0) config.trace = &trace;
    if ((how & 2) != 0) config.resolver = wasip1::ResolverKind::walk;
    config.args = {"fuzz", "one"};
    config.env = {"A=B"};
    config.budgets.descriptors = 32;
    fuzz::Guest guest(std::move(config));
    guest.run([&] { play(in, guest); });
  }
  fuzz::tree().check_outside();
  if (inputs == 0) descriptors = fuzz::open_descriptors();
  if (++inputs % 256 == 0) {
    WEFT_CHECK(fuzz::open_descriptors() <= descriptors + 2, "descriptors leak");
  }
  return 0;
}
