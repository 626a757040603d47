// SPDX-License-Identifier: Apache-2.0
// A recording: what a run in real time got from outside, call by call, in the order in which the
// calls returned. docs/replay.md is its format.
//
//   head: engine, seed, times, guests     entry  entry  entry ...  end
//
// Entries are written as they happen, each with a checksum of its own: what was recorded before a
// crash, or before the disk was full, can be replayed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guest/engine.h"
#include "sim/record/call_io.h"
#include "sim/record/replay_file.h"

namespace weft::sim {

struct RecordingHead {
  std::string engine = kOracleEngine;
  std::uint64_t seed = 1;  // Of what comes after a divergence.
  std::int64_t monotonic_ns = 0;
  std::int64_t realtime_ns = 0;
  std::vector<ReplayGuest> guests;
};

// How a guest ended, in a recording.
struct RecordedEnd {
  GuestEnd::Kind kind = GuestEnd::Kind::exited;
  std::uint32_t exit_code = 0;
  std::uint32_t trap = 0;  // trapped: number_of(kind).
};

// What a kind of trap is in a recording: its place in TrapKind, of which `other` is the last.
std::uint32_t number_of(TrapKind kind);

struct RecordingEntry {
  enum class Kind : std::uint8_t { call, guest_end, run_end };
  Kind kind = Kind::call;
  std::uint32_t guest = 0;       // From 0, in the order of the head's guests.
  std::uint64_t elapsed_us = 0;  // Since the entry before.
  CallRecord call;
  RecordedEnd end;
  int exit_code = 0;  // run_end: of the whole run.
};

struct Recording {
  RecordingHead head;
  std::vector<RecordingEntry> entries;
  // Why there is no more, when the end is missing: cut off, or damaged, and where. Empty: whole.
  std::string broken;
};

inline constexpr std::string_view kRecordingMagic = "WEFTRECORD";

std::string encode_head(const RecordingHead& head);
// What stands behind an entry's body, in two bytes.
std::uint64_t entry_check(std::string_view body);
void encode_entry(const RecordingEntry& entry, ClockMemory& clocks, std::string& out);

// The error says what is wrong with the head, without which nothing can be replayed.
Result<Recording> decode_recording(std::string_view bytes);

// Does the file begin as a recording, whole or cut off?
bool is_recording(std::string_view bytes);

}  // namespace weft::sim
