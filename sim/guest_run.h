// SPDX-License-Identifier: Apache-2.0
// Runs guests in virtual time: a Runtime on a clock that jumps. Everything that is not a function
// of inputs and seed is replaced.
//
//   GuestSetup ─▶ run_guests ─▶ Runtime(ManualClock, VirtualPoller) + Director + EventLog
//                                  each guest: GuestHook, Input, Capture, StableFiles, seeded
//                                  random, ends of links (sim/links.h)
//                     └─▶ RunRecord
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guest/go/go_runtime.h"
#include "guest/runtime.h"
#include "sim/run.h"
#include "sim/run_folders.h"
#include "sim/world_spec.h"

namespace weft::sim {

struct GuestSetup {
  std::string name;  // Empty: the module's.
  std::shared_ptr<Module> module;
  std::vector<std::string> args;
  std::vector<std::string> env;
  Invocation invoke = {};
  UseLimits use = GuestOptions{}.use;
  std::vector<Folder> folders;  // The same host path, or guest path of an empty one: one folder.
  std::string labels[2];        // Of each line on stdout and on stderr; empty: none.
  wasip1::TraceSink* trace = nullptr;
  // Of a Go module that was changed by let_outlive_main(); else nullptr.
  std::shared_ptr<const guest::go::GoRuntime> go;
};

struct GuestRunSettings : RunSettings {
  std::string input;               // stdin of all guests together.
  int input_fd = -1;               // A descriptor in its place.
  bool echo = false;               // stdout and stderr go to weft's own, and are not kept.
  bool hides_echo_errors = false;  // Guests are not told that an echo failed: of a replay.
  bool copy_folders = false;  // Each run has copies of the folders, so that it leaves no traces.
  const WorldSpec* world = nullptr;  // Links and events; nullptr: none. Numbers are guests'.
  UseLimits all;                     // What all guests may use together.
  bool leaks = false;  // Look for leaked goroutines: of one guest alone, which has `go`.
  const std::string* expected = nullptr;  // What stdout must be; nullptr: anything.
  std::function<void()> begun;  // Called when all guests are there, before the first runs.
};

// What random_get gives the guest with this number (from 0).
std::function<void(std::span<std::byte>)> seeded_random(std::uint64_t seed, std::size_t guest);

// Fails when a guest can't be made (a folder that is missing, no memory); what happens in the run
// is in the record.
Result<RunRecord> run_guests(const std::vector<GuestSetup>& guests,
                             const GuestRunSettings& settings);

}  // namespace weft::sim
