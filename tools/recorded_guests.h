// SPDX-License-Identifier: Apache-2.0
// Guests on their way into a replay file and out of it.
//
//   RunOptions ─▶ describe_guests ─▶ ReplayGuest, in a file ─▶ load_recorded ─▶ modules
//                                                           └─▶ setups_of ─▶ sim::run_guests
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/guest_run.h"
#include "sim/record/replay_file.h"
#include "tools/run_options.h"

namespace weft::tools {

// What a replay is told beside its file.
struct ReplayOptions {
  std::string modules;    // A folder in place of those of the recording; empty: those.
  std::string engine;     // Empty: the recorded one.
  bool in_place = false;  // The guests get the folders that the file names, not copies.
};

// What a replay file says of these guests. Fails when a module can't be read again.
Result<std::vector<sim::ReplayGuest>> describe_guests(const RunOptions& run,
                                                      const std::vector<std::string>& empty_dirs);

// A run's settings, schedule and end, for a replay file without guests.
sim::ReplayFile describe_run(const sim::GuestRunSettings& settings, const sim::RunRecord& record);

struct RecordedModule {
  std::shared_ptr<Module> module;
  std::shared_ptr<const guest::go::GoRuntime> go;  // As in GuestSetup.
};

// The module of each guest, found and loaded. Says on stderr which have changed. leaks: as
// Modules::load_for_leaks.
Result<std::vector<RecordedModule>> load_recorded(Runtime& loader,
                                                  const std::vector<sim::ReplayGuest>& guests,
                                                  std::uint32_t quantum, const std::string& folder,
                                                  bool leaks = false);

// The guests of a run in virtual time, again.
Result<std::vector<sim::GuestSetup>> setups_of(const sim::ReplayFile& file,
                                               const std::vector<RecordedModule>& modules);

// What a recorded guest runs. The module may be another one than it was.
Result<Invocation> recorded_call(const Module& module, const sim::ReplayGuest& guest);

}  // namespace weft::tools
