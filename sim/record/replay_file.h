// SPDX-License-Identifier: Apache-2.0
// The replay file: everything that a simulated run was made of, so that it can be run again.
// docs/replay.md is its format.
//
// What is in it: the settings, the guests (paths, hashes of their modules, arguments, variables,
// folders), the links between them, stdin, the schedule, and how the run ended. What is not:
// modules and the contents of folders.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/engines.h"
#include "sim/record/bytes.h"
#include "sim/run.h"

namespace weft::sim {

struct ReplayGuest {
  std::string module_path;
  std::uint64_t module_hash = 0;  // Of its bytes.
  std::uint64_t memory_pages_max = 0;
  std::uint64_t fuel = 0;  // 0: no limit.
  std::string invoke;      // The export that is called in place of _start; empty: none.
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::vector<std::string> folders;  // Host path, guest path, in turns.
  bool goroutines = false;           // In virtual time: GuestLimits::goroutines.
};

struct ReplayFile {
  RunSettings settings;                // Without forced, then_policy, the keeps and the listener.
  std::string engine = kOracleEngine;  // One that is_fixed.
  std::uint32_t quantum = 0;           // Of the guests' fuel; 0 in version 1: slices of interp.
  bool copy_folders = false;
  std::string input;
  bool has_expected = false;
  std::string expected;
  std::vector<ReplayGuest> guests;
  std::string world;  // The manifest that names the guests, with links and events; empty: none.
  Schedule schedule;
  Ending ending = Ending::passed;
  std::string message;
  std::uint64_t hash = 0;  // Of the run's events.
};

void write_guests(ByteWriter& to, const std::vector<ReplayGuest>& guests);
// has_invoke: files of older versions do not say what is called. False: what can't be.
bool read_guests(ByteReader& from, bool has_invoke, std::vector<ReplayGuest>& guests);

std::string encode(const ReplayFile& file);

// The error says what is wrong with the bytes: no replay file, another version, cut off, damaged.
Result<ReplayFile> decode(std::string_view bytes);

// Writes the file whole or not at all: under another name first.
Status write_replay(const std::string& path, const ReplayFile& file);
Result<ReplayFile> read_replay(const std::string& path);

}  // namespace weft::sim
