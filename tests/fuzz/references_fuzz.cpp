// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what modules with references, bulk memory and segments do. Each input becomes a
// module (tests/fuzz/module_maker.h), of which three instances run side by side, each with another
// number of arguments, so that one ends while others are in the middle of something. Nothing may
// crash; what one engine says of an instance another one says, too.
//
// The engines interp and jit run each input. One in WEFT_FUZZ_AOT (an environment variable; 0:
// none) is compiled by a C compiler, too, with both kinds of bounds in turn. All must end alike.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "guest/aot/aot.h"
#include "guest/engines.h"
#include "guest/runtime.h"
#include "guest/wabt/interp.h"
#include "tests/fuzz/module_maker.h"

namespace {

using namespace weft;

constexpr int kInstances = 3;

GuestLimits limits() {
  GuestLimits limits;
  limits.memory_pages_max = 4;
  limits.table_elements_max = 1'000;
  limits.fuel = 3'000;
  return limits;
}

struct Outcome {
  bool loaded = false;
  std::string refused;
  std::vector<std::string> ends;
};

std::string words_of(const GuestEnd& end) {
  if (end.kind == GuestEnd::Kind::exited) return "exited " + std::to_string(end.exit_code);
  if (end.kind == GuestEnd::Kind::killed) return "killed";
  return std::string("trapped: ") + name(end.trap.kind) + " at " + std::to_string(end.trap.offset);
}

Outcome run(Runtime& runtime, std::span<const std::byte> bytes) {
  Outcome outcome;
  auto module = runtime.load_bytes("fuzz", bytes, limits());
  if (!module) {
    outcome.refused = module.error().message;
    WEFT_CHECK(!outcome.refused.empty(), "refused without a reason");
    return outcome;
  }
  outcome.loaded = true;
  std::vector<Guest*> guests;
  for (int i = 0; i < kInstances; ++i) {
    auto guest = runtime.spawn(*module, {.args = std::vector<std::string>(1 + i * i, "a"),
                                         .stdin_from = -1,
                                         .stdout_to = -1,
                                         .stderr_to = -1});
    WEFT_CHECK(guest.ok(), ("an instance was not spawned: " + guest.error().message).c_str());
    guests.push_back(*guest);
  }
  WEFT_CHECK(runtime.run().end == RunEnd::finished, "a guest waits for what can't come");
  for (const Guest* guest : guests) outcome.ends.push_back(words_of(*guest->end()));
  return outcome;
}

Outcome run_compiled(std::span<const std::byte> bytes, Bounds bounds, bool& is_compiled) {
  is_compiled = true;
  Runtime runtime(make_aot({.bounds = bounds,
                            .cache_folder = std::getenv("WEFT_FUZZ_CACHE"),
                            .say = [&](std::string_view) { is_compiled = false; }}));
  return run(runtime, bytes);
}

// How deep a stack is is each engine's own.
bool ends_by_stack(const std::string& end) {
  return end.find(name(TrapKind::stack_overflow)) != std::string::npos;
}

void check_same(const Outcome& a, const Outcome& b, const char* engine) {
  WEFT_CHECK(b.loaded, (std::string(engine) + " refuses what interp runs: " + b.refused).c_str());
  for (std::size_t i = 0; i < a.ends.size(); ++i) {
    if (ends_by_stack(a.ends[i]) || ends_by_stack(b.ends[i])) continue;
    WEFT_CHECK(a.ends[i] == b.ends[i],
               ("interp: " + a.ends[i] + ", " + engine + ": " + b.ends[i]).c_str());
  }
}

// The engines that load a module in process, other than interp.
void check_others(const Outcome& interpreted, std::span<const std::byte> bytes) {
  for (const EngineRow& row : engine_rows()) {
    const std::string_view name = row.name;
    if (!row.is_fixed || name == "interp" || name == "aot") continue;
    Runtime runtime(row.make({}));
    check_same(interpreted, run(runtime, bytes), row.name);
  }
}

int one_in() {
  const char* text = std::getenv("WEFT_FUZZ_AOT");
  return text != nullptr ? std::atoi(text) : 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int compiled_one_in = one_in();
  static int inputs = 0;
  static int agreed = 0;
  static auto runtime = std::make_unique<Runtime>(make_interp());
  if (++inputs % 256 == 0) runtime = std::make_unique<Runtime>(make_interp());
  fuzz::Bytes in(data, size);
  const fuzz::MadeModule module = fuzz::make_module(in);
  const auto bytes = std::as_bytes(std::span(module.bytes));
  const Outcome interpreted = run(*runtime, bytes);
  if (!interpreted.loaded) return 0;
  check_others(interpreted, bytes);
  if (compiled_one_in == 0 || inputs % compiled_one_in != 0) return 0;
  bool is_compiled = false;
  const Bounds bounds = ++agreed % 2 == 0 ? Bounds::guard : Bounds::check;
  const Outcome compiled = run_compiled(bytes, bounds, is_compiled);
  if (module.is_damaged && !is_compiled) return 0;
  WEFT_CHECK(is_compiled, "interp runs a module that aot can't compile");
  check_same(interpreted, compiled, "aot");
  return 0;
}
