// SPDX-License-Identifier: Apache-2.0
// JitModule: a Program and its instances, of which some wait to be used again.
#pragma once

#include <memory>
#include <vector>

#include "guest/jit/jit_instance.h"
#include "guest/jit/program.h"

namespace weft::jit {

class JitModule final : public CompiledModule, public std::enable_shared_from_this<JitModule> {
 public:
  JitModule(std::string file, ModuleInfo about, std::vector<std::byte> binary,
            wasm::ModuleView parsed, const GuestLimits& of_guests, std::shared_ptr<Shared> shared)
      : CompiledModule(std::move(file), std::move(about), of_guests),
        program(std::move(binary), std::move(parsed), info, of_guests, std::move(shared)) {}

  [[nodiscard]] const char* engine() const override { return "jit"; }
  std::unique_ptr<Instance> instantiate(wasip1::Process& process) override;
  void describe(const TrapState& state, TrapReport& report) override {
    program.describe(state, report);
  }
  std::uint32_t function_at(const void* code) override {
    const Program::Code* const found = program.code_at(code);
    return found != nullptr ? found->function : UINT32_MAX;
  }

  Program program;
  Idle<JitInstance> idle;
};

}  // namespace weft::jit
