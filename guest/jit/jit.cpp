// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/jit.h"

#include <xbyak/xbyak_util.h>

#include <new>
#include <string>

#include "guest/command.h"
#include "guest/go/steering.h"
#include "guest/jit/helpers.h"
#include "guest/jit/jit_module.h"
#include "signals/fault.h"

namespace weft {
namespace {

using jit::JitModule;

class Jit final : public Engine {
 public:
  Jit(std::shared_ptr<jit::Shared> shared, JitOptions options)
      : shared_(std::move(shared)), options_(std::move(options)) {}

  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits, Role role) override;

 private:
  const std::shared_ptr<jit::Shared> shared_;
  const JitOptions options_;
  const signals::FaultHandler faults_;
  const TrapState::FaultClaims claims_;
};

Result<std::shared_ptr<Module>> Jit::load(std::string name, std::span<const std::byte> binary,
                                          const GuestLimits& limits, Role role) {
  std::vector<std::byte> bytes(binary.begin(), binary.end());
  const auto validated = [&](std::size_t done, std::size_t of) {
    if (options_.progress) options_.progress(name, {CompileStage::Kind::validating, done, of});
  };
  auto admitted = admit(bytes, limits, role, CodeScan::now, offered(), validated);
  if (!admitted) return admitted.error();
  auto module =
      std::make_shared<JitModule>(std::move(name), std::move(admitted->info), std::move(bytes),
                                  std::move(admitted->view), limits, shared_);
  module->bind(std::move(admitted->imports));
  module->go = std::move(admitted->go);
  module->go_refused = std::move(admitted->go_refused);
  std::span<const guest::go::EntryPoint> told;
  if (module->go != nullptr) told = module->go->entries;
  if (Status status = module->program.prepare(module->imports, module->yield_import, told);
      !status) {
    return status.error();
  }
  return std::shared_ptr<Module>(std::move(module));
}

// What the code takes for granted and this processor lacks: "SSE 4.2, POPCNT". x86-64-v2 has all.
std::string missing_features(const Xbyak::util::Cpu& cpu) {
  using Xbyak::util::Cpu;
  std::string names;
  const auto need = [&](auto feature, const char* name) {
    if (cpu.has(feature)) return;
    names += names.empty() ? name : std::string(", ") + name;
  };
  need(Cpu::tSSE3, "SSE3");
  need(Cpu::tSSSE3, "SSSE3");
  need(Cpu::tSSE41, "SSE 4.1");
  need(Cpu::tSSE42, "SSE 4.2");
  need(Cpu::tPOPCNT, "POPCNT");
  return names;
}

}  // namespace

Result<std::unique_ptr<Engine>> make_jit(JitOptions options) try {
  using Xbyak::util::Cpu;
  const Cpu cpu;
  if (const std::string missing = missing_features(cpu); !missing.empty()) {
    return Error{"the engine jit needs a processor with " + missing};
  }
  const bool is_debugged = jit::GdbSymbol::is_wanted();
  auto space = jit::CodeSpace::make(jit::kCodeBytesMax,
                                    is_debugged ? jit::Breakpoints::yes : jit::Breakpoints::no);
  if (!space) return space.error();
  auto shared = std::make_shared<jit::Shared>();
  shared->space = *space;
  shared->guard_pages = options.bounds == Bounds::guard ||
                        (options.bounds == Bounds::automatic && MemoryPool::can_guard());
  shared->has_bmi = cpu.has(Cpu::tBMI1) && cpu.has(Cpu::tBMI2) && cpu.has(Cpu::tLZCNT);
  if (options.perf_map) {
    auto map = jit::PerfMap::make();
    if (!map) return map.error();
    shared->perf_map = std::move(*map);
  }
  // One that attaches later finds what it was told before.
  shared->tells_gdb = is_debugged || options.perf_map;
  shared->code = std::make_unique<jit::ModuleCode>(shared->space);
  shared->stubs =
      std::make_unique<jit::Stubs>(*shared->code, jit::host_of_instances(), shared->guard_pages);
  shared->name_stubs();
  return std::unique_ptr<Engine>(std::make_unique<Jit>(std::move(shared), std::move(options)));
} catch (const std::bad_alloc&) {
  return Error{"no memory is left for the engine jit"};
}

}  // namespace weft
