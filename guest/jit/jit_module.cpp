// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/jit_module.h"

namespace weft::jit {

std::unique_ptr<Instance> JitModule::instantiate(wasip1::Process& process) {
  auto made = idle.take([&] { return std::make_unique<JitInstance>(program, *this); });
  return std::make_unique<Lease<JitModule, JitInstance>>(shared_from_this(), std::move(made),
                                                         process);
}

}  // namespace weft::jit
