// SPDX-License-Identifier: Apache-2.0
#include "tools/guest_setups.h"

#include "tools/modules.h"

namespace weft::tools {

Result<std::vector<sim::GuestSetup>> load_guests(Runtime& loader, const RunOptions& options) {
  loader.limit_all(options.all);  // Fuel of all is counted by each.
  Modules modules(loader);
  std::vector<sim::GuestSetup> guests;
  for (const GuestSpec& spec : options.guests) {
    GuestLimits limits = spec.limits;
    limits.quantum = sim::kQuantum;
    auto module = options.leaks ? modules.load_for_leaks(spec.module_path, limits, spec.role())
                                : modules.load(spec.module_path, limits, spec.role());
    if (!module) return module.error();
    auto call = read_invocation((*module)->info, spec.invoke, spec.words());
    if (!call) return Error{spec.module_path + ": " + call.error().message};
    sim::GuestSetup setup;
    setup.module = *module;
    setup.invoke = std::move(*call);
    setup.go = modules.go_of(**module);
    setup.name = spec.options.name;
    setup.args = spec.options.args;
    setup.env = spec.options.env;
    setup.use = spec.options.use;
    for (const wasip1::Preopen& preopen : spec.options.preopens) {
      setup.folders.push_back({preopen.host_path, preopen.guest_path});
    }
    for (int copy = 0; copy < spec.copies; ++copy) guests.push_back(setup);
  }
  return guests;
}

}  // namespace weft::tools
