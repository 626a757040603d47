// SPDX-License-Identifier: Apache-2.0
#include "guest/engines.h"

#include <algorithm>

#include "guest/jit/jit.h"
#include "guest/wabt/interp.h"

namespace weft {
namespace {

// An engine that this machine can't have, and says so when a module is loaded.
class Missing final : public Engine {
 public:
  explicit Missing(Error why) : why_(std::move(why)) {}
  Result<std::shared_ptr<Module>> load(std::string, std::span<const std::byte>, const GuestLimits&,
                                       Role) override {
    return why_;
  }

 private:
  const Error why_;
};

std::unique_ptr<Engine> make_jit_row(EngineOptions options) {
  auto engine = make_jit({.bounds = options.aot.bounds});
  if (engine) return std::move(*engine);
  return std::make_unique<Missing>(engine.error());
}

constexpr EngineRow kRows[] = {
    {.name = "interp",
     .what = "libwabt's interpreter: starts at once, computes slowly",
     .is_fixed = true,
     .makes_machine_code = false,
     .loads_in_steps = false,
     .make = [](EngineOptions) { return make_interp(); }},
    {.name = "aot",
     .what = "compiled with the C compiler, once, and kept in the cache",
     .is_fixed = true,
     .makes_machine_code = true,
     .loads_in_steps = true,
     .make = [](EngineOptions options) { return make_aot(std::move(options.aot)); }},
    {.name = "jit",
     .what = "compiled in process, each function at its first call",
     .is_fixed = true,
     .makes_machine_code = true,
     .loads_in_steps = false,
     .make = &make_jit_row},
    {.name = "auto",
     .what = "aot for a module that has been compiled, else interp",
     .is_fixed = false,
     .makes_machine_code = true,
     .loads_in_steps = true,
     .make =
         [](EngineOptions options) {
           options.aot.compile = false;
           return make_aot(std::move(options.aot));
         }},
};

}  // namespace

std::span<const EngineRow> engine_rows() {
  return kRows;
}

const EngineRow* find_engine(std::string_view name) {
  const auto* row =
      std::find_if(std::begin(kRows), std::end(kRows),
                   [&](const EngineRow& candidate) { return candidate.name == name; });
  return row != std::end(kRows) ? row : nullptr;
}

}  // namespace weft
