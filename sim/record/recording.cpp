// SPDX-License-Identifier: Apache-2.0
#include "sim/record/recording.h"

#include "sim/trace/event_log.h"

namespace weft::sim {
namespace {

constexpr std::uint64_t kRecordingVersion = 2;  // What is written; version 1 is read.
constexpr int kHeadCheckBytes = 8;
constexpr int kEntryCheckBytes = 2;

std::uint64_t hash_of(std::string_view bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.value();
}

bool read_head(ByteReader& from, std::uint64_t version, RecordingHead& head) {
  head.engine = from.text();
  head.seed = from.number();
  head.monotonic_ns = from.signed_number();
  head.realtime_ns = from.signed_number();
  return find_engine(head.engine) != nullptr && read_guests(from, version >= 2, head.guests) &&
         from.at_end() && !head.guests.empty();
}

bool read_entry(ByteReader& from, std::size_t guests, ClockMemory& clocks, RecordingEntry& entry) {
  const std::uint64_t kind = from.number();
  if (kind > static_cast<std::uint64_t>(RecordingEntry::Kind::run_end)) return false;
  entry.kind = static_cast<RecordingEntry::Kind>(kind);
  entry.elapsed_us = from.number();
  if (entry.kind == RecordingEntry::Kind::run_end) {
    entry.exit_code = static_cast<int>(from.number() & 0xff);
    return from.ok() && from.at_end();
  }
  const std::uint64_t guest = from.number();
  if (guest >= guests) return false;
  entry.guest = static_cast<std::uint32_t>(guest);
  if (entry.kind == RecordingEntry::Kind::call)
    return read_call(from, entry.call, clocks) && from.at_end();
  const std::uint64_t end = from.number();
  if (end > static_cast<std::uint64_t>(GuestEnd::Kind::killed)) return false;
  entry.end.kind = static_cast<GuestEnd::Kind>(end);
  entry.end.exit_code = static_cast<std::uint32_t>(from.number());
  entry.end.trap = static_cast<std::uint32_t>(from.number());
  return from.ok() && from.at_end();
}

}  // namespace

// The numbers are in files: a new kind goes behind those that there are, before `other`.
static_assert(static_cast<int>(TrapKind::unreachable) == 0 &&
              static_cast<int>(TrapKind::out_of_memory) == 8 &&
              static_cast<int>(TrapKind::out_of_output) == 11);

std::uint32_t number_of(TrapKind kind) {
  return kind == TrapKind::other ? 255 : static_cast<std::uint32_t>(kind);
}

std::uint64_t entry_check(std::string_view body) {
  const std::uint64_t hash = hash_of(body);
  return (hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) & 0xffff;
}

std::string encode_head(const RecordingHead& head) {
  ByteWriter body;
  body.text(head.engine);
  body.number(head.seed);
  body.signed_number(head.monotonic_ns);
  body.signed_number(head.realtime_ns);
  write_guests(body, head.guests);
  ByteWriter to;
  to.bytes(kRecordingMagic);
  to.number(kRecordingVersion);
  to.text(body.written());
  to.fixed(hash_of(to.written()), kHeadCheckBytes);
  return to.take();
}

void encode_entry(const RecordingEntry& entry, ClockMemory& clocks, std::string& out) {
  ByteWriter body;
  body.number(static_cast<std::uint64_t>(entry.kind));
  body.number(entry.elapsed_us);
  if (entry.kind == RecordingEntry::Kind::run_end) {
    body.number(static_cast<std::uint64_t>(entry.exit_code));
  } else {
    body.number(entry.guest);
  }
  if (entry.kind == RecordingEntry::Kind::call) write_call(body, entry.call, clocks);
  if (entry.kind == RecordingEntry::Kind::guest_end) {
    body.number(static_cast<std::uint64_t>(entry.end.kind));
    body.number(entry.end.exit_code);
    body.number(entry.end.trap);
  }
  ByteWriter whole;
  whole.text(body.written());
  whole.fixed(entry_check(body.written()), kEntryCheckBytes);
  out += whole.written();
}

bool is_recording(std::string_view bytes) {
  return bytes.starts_with(kRecordingMagic);
}

Result<Recording> decode_recording(std::string_view bytes) {
  if (!is_recording(bytes)) return Error{"is no recording of weft"};
  ByteReader from(bytes.substr(kRecordingMagic.size()));
  const std::uint64_t version = from.number();
  if (from.ok() && (version < 1 || version > kRecordingVersion)) {
    return Error{"is a recording of format version " + std::to_string(version) +
                 "; this weft reads up to version " + std::to_string(kRecordingVersion)};
  }
  const std::string body = from.text();
  const std::string_view checked = bytes.substr(0, bytes.size() - from.left());
  if (!from.ok() || from.fixed(kHeadCheckBytes) != hash_of(checked) || !from.ok()) {
    return Error{"is cut off or damaged at its beginning: nothing of it can be replayed"};
  }
  Recording recording;
  ByteReader head(body);
  if (!read_head(head, version, recording.head)) {
    return Error{"holds what no weft has written; record it again"};
  }
  ClockMemory clocks;
  while (!from.at_end()) {
    const std::size_t at = bytes.size() - from.left();
    const std::string entry_body = from.text();
    const std::uint64_t check = from.fixed(kEntryCheckBytes);
    if (!from.ok()) {
      recording.broken = "is cut off at byte " + std::to_string(at);
      return recording;
    }
    RecordingEntry entry;
    ByteReader inside(entry_body);
    if (check != entry_check(entry_body) ||
        !read_entry(inside, recording.head.guests.size(), clocks, entry)) {
      recording.broken = "is damaged at byte " + std::to_string(at);
      return recording;
    }
    recording.entries.push_back(std::move(entry));
    if (recording.entries.back().kind == RecordingEntry::Kind::run_end) return recording;
  }
  recording.broken = "has no end: weft was ended while it recorded, or had no room";
  return recording;
}

}  // namespace weft::sim
