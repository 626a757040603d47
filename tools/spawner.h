// SPDX-License-Identifier: Apache-2.0
// Spawner: makes the guests of a run in real time, of what each is given.
//
//   GuestSpec + Module ─▶ Spawner::spawn_copies ─▶ listeners, traces ─▶ Runtime::spawn, n times
//   a recording ─▶ Spawner::spawn
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "guest/runtime.h"
#include "tools/guest_spec.h"
#include "tools/label.h"
#include "tools/listener.h"
#include "tools/messages.h"

namespace weft::tools {

// As GuestOptions::steer.
using Steer = std::function<std::unique_ptr<guest::go::Steering>(const guest::go::GoModule&)>;

class Spawner {
 public:
  struct Settings {
    std::optional<std::uint64_t> seed = {};  // Of what random_get gives; none: the system's.
    bool trace_wasi = false;
    std::size_t label_width = 0;  // Of the longest "N NAME" of --label; 0: no labels.
    Steer steer = {};             // Of Go guests; empty: as they are.
  };

  // It must outlive the guests.
  Spawner(Runtime& runtime, Settings settings)
      : runtime_(runtime), settings_(std::move(settings)) {}

  // The copies share the sockets of --listen: each connection goes to one of them. hook() is called
  // for each. The error completes "weft: ".
  Status spawn_copies(const GuestSpec& spec, const std::shared_ptr<Module>& module,
                      const Invocation& invoke, const std::function<wasip1::CallHook*()>& hook);

  Result<Guest*> spawn(const std::shared_ptr<Module>& module, GuestOptions options);

 private:
  Result<std::vector<int>> listen(const GuestSpec& spec);
  Status label(const std::string& name, GuestOptions& options);

  Runtime& runtime_;
  const Settings settings_;
  std::vector<std::unique_ptr<StderrTrace>> traces_;
  std::vector<Listener> listeners_;
  std::shared_ptr<LabelledStream> labelled_[2];  // stdout and stderr, once a guest has a label.
};

}  // namespace weft::tools
