// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/jit_module.h"

namespace weft::jit {

// An instance for as long as one guest runs in it.
class JitModule::Lease final : public Instance {
 public:
  Lease(std::shared_ptr<JitModule> module, wasip1::Process& process)
      : module_(std::move(module)), process_(process) {
    auto& idle = module_->idle_;
    if (idle.empty()) {
      instance_ = std::make_unique<JitInstance>(module_->program, module_->info);
      idle.reserve(kIdleMax);
    } else {
      instance_ = std::move(idle.back());
      idle.pop_back();
    }
  }
  ~Lease() override {
    auto& idle = module_->idle_;
    if (idle.size() < kIdleMax && instance_->clear()) idle.push_back(std::move(instance_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  GuestEnd run() override { return instance_->run(process_); }
  GuestEnd start() override { return instance_->start(process_); }
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values) override {
    return instance_->call(function, values);
  }
  [[nodiscard]] const TrapReport& killed_at() const override { return instance_->killed_at(); }

 private:
  const std::shared_ptr<JitModule> module_;
  wasip1::Process& process_;
  std::unique_ptr<JitInstance> instance_;
};

std::unique_ptr<Instance> JitModule::instantiate(wasip1::Process& process) {
  return std::make_unique<Lease>(shared_from_this(), process);
}

}  // namespace weft::jit
