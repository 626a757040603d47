// SPDX-License-Identifier: Apache-2.0
#include "tools/spawner.h"

#include <unistd.h>

#include <cstdlib>

#include "sim/guest_run.h"

namespace weft::tools {

Result<std::vector<int>> Spawner::listen(const GuestSpec& spec) {
  std::vector<int> fds;
  for (const std::string& address : spec.listen) {
    auto opened = Listener::open(address);
    if (!opened) return Error{"--listen: " + opened.error().message, opened.error().cause};
    if (opened->address() != address) {
      say(spec.module_path + " listens on " + opened->address());
    }
    fds.push_back(opened->fd());
    listeners_.push_back(std::move(*opened));
  }
  return fds;
}

Status Spawner::spawn_copies(const GuestSpec& spec, const std::shared_ptr<Module>& module,
                             const Invocation& invoke,
                             const std::function<wasip1::CallHook*()>& hook) {
  auto listening = listen(spec);
  if (!listening) return listening.error();
  for (int copy = 0; copy < spec.copies; ++copy) {
    GuestOptions options = spec.options;
    options.listeners = *listening;
    options.invoke = invoke;
    options.hook = hook();
    options.steer = settings_.steer;
    if (auto guest = spawn(module, std::move(options)); !guest) return guest.error();
  }
  return Nothing{};
}

// The guest's stdout and stderr go through labels.
Status Spawner::label(const std::string& name, GuestOptions& options) {
  const std::size_t number = runtime_.guests().size() + 1;
  for (int i = 0; i < 2; ++i) {
    auto& stream = labelled_[i];
    if (stream == nullptr) {
      auto opened = LabelledStream::open(runtime_.reactor(), STDOUT_FILENO + i);
      if (!opened) return opened.error();
      stream = std::move(*opened);
    }
    const std::string label =
        label_of(name, number, settings_.label_width, is_coloured(STDOUT_FILENO + i));
    options.stdio[static_cast<std::size_t>(STDOUT_FILENO + i)].device =
        std::make_shared<LabelledOutput>(stream, label);
  }
  return Nothing{};
}

Result<Guest*> Spawner::spawn(const std::shared_ptr<Module>& module, GuestOptions options) {
  const std::size_t index = runtime_.guests().size();
  if (settings_.seed) options.random = sim::seeded_random(*settings_.seed, index);
  if (settings_.trace_wasi) {
    traces_.push_back(std::make_unique<StderrTrace>(trace_prefix(index + 1, module->name)));
    options.trace = traces_.back().get();
  }
  if (settings_.label_width > 0) {
    const std::string& name = options.name.empty() ? module->name : options.name;
    if (Status labelled = label(name, options); !labelled) return labelled.error();
  }
  return runtime_.spawn(module, std::move(options));
}

}  // namespace weft::tools
