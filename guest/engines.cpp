// SPDX-License-Identifier: Apache-2.0
#include "guest/engines.h"

#include <algorithm>
#include <vector>

#include "guest/aot/compiler.h"
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

// Takes the first engine that takes the module. The first one's error stands for all.
class FirstThatTakesIt final : public Engine {
 public:
  explicit FirstThatTakesIt(std::vector<std::unique_ptr<Engine>> engines)
      : engines_(std::move(engines)) {}
  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits, Role role) override {
    auto first = engines_.front()->load(name, binary, limits, role);
    for (std::size_t i = 1; i < engines_.size() && !first; ++i) {
      auto module = engines_[i]->load(name, binary, limits, role);
      if (module) return module;
    }
    return first;
  }
  void offer(const HostFunctions* functions) override {
    for (const auto& engine : engines_) engine->offer(functions);
  }

 private:
  const std::vector<std::unique_ptr<Engine>> engines_;
};

JitOptions of_jit(const EngineOptions& options) {
  return {
      .bounds = options.aot.bounds, .progress = options.aot.progress, .perf_map = options.perf_map};
}

std::unique_ptr<Engine> make_jit_row(EngineOptions options) {  // NOLINT: as every row's
  auto engine = make_jit(of_jit(options));
  if (engine) return std::move(*engine);
  return std::make_unique<Missing>(engine.error());
}

constexpr EngineRow kRows[] = {
    {.name = "interp",
     .what = "libwabt's interpreter: starts at once, computes slowly",
     .is_fixed = true,
     .makes_machine_code = false,
     .loads_in_steps = false,
     .make = [](EngineOptions) { return make_interp(); }},  // NOLINT: as every row's
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
     .loads_in_steps = true,
     .make = &make_jit_row},
    {.name = "auto",
     .what = "aot for a module that has been compiled, else jit",
     .is_fixed = false,
     .makes_machine_code = true,
     .loads_in_steps = true,
     .make =
         [](EngineOptions options) {
           auto jit = make_jit(of_jit(options));
           std::vector<std::unique_ptr<Engine>> engines;
           if (jit) engines.push_back(std::move(*jit));
           engines.push_back(make_interp());
           // Without jit, what computes long is compiled, where a compiler is.
           options.aot.compile = !jit && !find_compiler(options.aot.cc).empty();
           options.aot.otherwise = std::make_shared<FirstThatTakesIt>(std::move(engines));
           return make_aot(std::move(options.aot));
         }},
};

}  // namespace

std::span<const EngineRow> engine_rows() {
  return kRows;
}

const char* default_fixed_engine(std::span<const std::byte> binary) {
  auto jit = make_jit();
  if (!jit) return "interp";
  if ((*jit)->load("", binary, {}, Role::library).ok()) return "jit";
  // Where neither takes it, the better engine says why.
  return make_interp()->load("", binary, {}, Role::library).ok() ? "interp" : "jit";
}

const EngineRow* find_engine(std::string_view name) {
  const auto* row =
      std::find_if(std::begin(kRows), std::end(kRows),
                   [&](const EngineRow& candidate) { return candidate.name == name; });
  return row != std::end(kRows) ? row : nullptr;
}

}  // namespace weft
