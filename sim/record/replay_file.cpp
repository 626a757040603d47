// SPDX-License-Identifier: Apache-2.0
// The replay file's format, both ways: docs/replay.md.
#include "sim/record/replay_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace weft::sim {
namespace {

constexpr std::string_view kMagic = "WEFTREPLAY";
constexpr std::uint64_t kReplayVersion = 6;  // What is written; every older one is read.
constexpr int kHashBytes = 8;

void write_settings(ByteWriter& to, const RunSettings& settings) {
  to.number(settings.seed);
  to.text(to_string(settings.policy));
  to.number(static_cast<std::uint64_t>(settings.cost.ns));
  to.number(static_cast<std::uint64_t>(settings.lateness.ns));
  to.number(settings.steps_max);
  to.number(static_cast<std::uint64_t>(settings.time_max.ns));
  to.number(static_cast<std::uint64_t>(settings.realtime_start));
  to.number(settings.fault_one_in);
  to.number(settings.fair_from);
}

bool read_settings(ByteReader& from, std::uint64_t version, RunSettings& settings) {
  settings.seed = from.number();
  auto policy = parse_policy(from.text());
  if (!policy) return false;
  settings.policy = *policy;
  settings.cost.ns = static_cast<std::int64_t>(from.number());
  settings.lateness.ns = static_cast<std::int64_t>(from.number());
  settings.steps_max = from.number();
  settings.time_max.ns = static_cast<std::int64_t>(from.number());
  settings.realtime_start = static_cast<std::int64_t>(from.number());
  const std::uint64_t faults = from.number();
  settings.fault_one_in = static_cast<std::uint32_t>(faults);
  if (version >= 6) settings.fair_from = from.number();
  return faults <= UINT32_MAX && settings.cost.ns >= 0 && settings.lateness.ns >= 0 &&
         settings.time_max.ns >= 0 && settings.realtime_start >= 0;
}

void write_schedule(ByteWriter& to, const Schedule& schedule) {
  to.number(schedule.decisions);
  to.number(schedule.deviations.size());
  std::uint64_t next = 0;
  for (const Deviation& deviation : schedule.deviations) {
    to.number(deviation.at - next);
    to.number(static_cast<std::uint64_t>(deviation.decision.choice));
    to.number(deviation.decision.options);
    to.number(deviation.decision.taken);
    next = deviation.at + 1;
  }
}

bool read_schedule(ByteReader& from, Schedule& schedule) {
  schedule.decisions = from.number();
  std::uint64_t next = 0;
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    Deviation deviation{};
    const std::uint64_t gap = from.number();
    const std::uint64_t choice = from.number();
    const std::uint64_t options = from.number();
    const std::uint64_t taken = from.number();
    deviation.at = next + gap;
    if (deviation.at < next || deviation.at >= schedule.decisions) return false;
    if (choice >= kChoices || options > UINT32_MAX || taken == 0 || taken >= options) return false;
    deviation.decision = {static_cast<Choice>(choice), static_cast<std::uint32_t>(options),
                          static_cast<std::uint32_t>(taken)};
    schedule.deviations.push_back(deviation);
    next = deviation.at + 1;
  }
  return from.ok();
}

bool read_body(ByteReader& from, std::uint64_t version, ReplayFile& file) {
  if (!read_settings(from, version, file.settings)) return false;
  if (version >= 3) {
    const std::uint64_t quantum = from.number();
    if (quantum > UINT32_MAX) return false;
    file.quantum = static_cast<std::uint32_t>(quantum);
  }
  file.engine = from.text();
  const EngineRow* engine = find_engine(file.engine);
  if (engine == nullptr || !engine->is_fixed) return false;
  file.copy_folders = from.number() != 0;
  file.input = from.text();
  file.has_expected = from.number() != 0;
  file.expected = from.text();
  if (!read_guests(from, version >= 4, file.guests)) return false;
  if (version >= 2) file.world = from.text();
  for (ReplayGuest& guest : file.guests) guest.goroutines = version >= 5 && from.number() != 0;
  if (!read_schedule(from, file.schedule)) return false;
  const std::uint64_t ending = from.number();
  if (ending > static_cast<std::uint64_t>(Ending::leak)) return false;
  file.ending = static_cast<Ending>(ending);
  file.message = from.text();
  file.hash = from.number();
  return from.ok() && from.at_end() && !file.guests.empty();
}

}  // namespace

void write_guests(ByteWriter& to, const std::vector<ReplayGuest>& guests) {
  to.number(guests.size());
  for (const ReplayGuest& guest : guests) {
    to.text(guest.module_path);
    to.number(guest.module_hash);
    to.number(guest.memory_pages_max);
    to.number(guest.fuel);
    to.text(guest.invoke);
    to.texts(guest.args);
    to.texts(guest.env);
    to.texts(guest.folders);
  }
}

bool read_guests(ByteReader& from, bool has_invoke, std::vector<ReplayGuest>& guests) {
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    ReplayGuest guest;
    guest.module_path = from.text();
    guest.module_hash = from.number();
    guest.memory_pages_max = from.number();
    guest.fuel = from.number();
    if (has_invoke) guest.invoke = from.text();
    guest.args = from.texts();
    guest.env = from.texts();
    guest.folders = from.texts();
    if (guest.memory_pages_max > 65'536 || guest.folders.size() % 2 != 0) return false;
    guests.push_back(std::move(guest));
  }
  return from.ok();
}

std::string encode(const ReplayFile& file) {
  ByteWriter to;
  to.bytes(kMagic);
  to.number(kReplayVersion);
  write_settings(to, file.settings);
  to.number(file.quantum);
  to.text(file.engine);
  to.number(file.copy_folders ? 1 : 0);
  to.text(file.input);
  to.number(file.has_expected ? 1 : 0);
  to.text(file.expected);
  write_guests(to, file.guests);
  to.text(file.world);
  for (const ReplayGuest& guest : file.guests) to.number(guest.goroutines ? 1 : 0);
  write_schedule(to, file.schedule);
  to.number(static_cast<std::uint64_t>(file.ending));
  to.text(file.message);
  to.number(file.hash);
  Hash hash;
  hash.add(to.written());
  to.fixed(hash.value(), kHashBytes);
  return to.take();
}

Result<ReplayFile> decode(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    const bool cut = !bytes.empty() && kMagic.starts_with(bytes);
    return Error{cut ? "is cut off: only its first bytes are there" : "is no replay file of weft"};
  }
  ByteReader head(bytes.substr(kMagic.size()));
  const std::uint64_t version = head.number();
  if (head.ok() && (version < 1 || version > kReplayVersion)) {
    return Error{"has format version " + std::to_string(version) +
                 "; this weft reads up to version " + std::to_string(kReplayVersion)};
  }
  const std::size_t start = kMagic.size() + 1;
  const char* const broken = "is cut off or damaged: its checksum does not fit; record it again";
  if (bytes.size() < start + kHashBytes) return Error{broken};
  const std::string_view checked = bytes.substr(0, bytes.size() - kHashBytes);
  Hash hash;
  hash.add(checked);
  if (ByteReader(bytes.substr(checked.size())).fixed(kHashBytes) != hash.value()) {
    return Error{broken};
  }
  ByteReader body(checked.substr(start));
  ReplayFile file;
  if (!read_body(body, version, file))
    return Error{"holds what no weft has written; record it again"};
  return file;
}

// An existing file is replaced by a rename, so that nobody sees half a file. A device or a link is
// written to.
Status write_replay(const std::string& path, const ReplayFile& file) {
  struct stat before = {};
  const bool in_place = ::lstat(path.c_str(), &before) == 0 && !S_ISREG(before.st_mode);
  const std::string partial = in_place ? path : path + ".partial";
  std::FILE* out = std::fopen(partial.c_str(), "wb");
  if (out == nullptr) return Error{path + ": " + std::strerror(errno)};
  const std::string bytes = encode(file);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  int error = written ? 0 : errno;
  if (std::fclose(out) != 0 && error == 0) error = errno;
  const bool renames = error == 0 && !in_place;
  if (renames && std::rename(partial.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return Nothing{};
  if (!in_place) (void)std::remove(partial.c_str());
  return Error{path + ": " + std::strerror(error)};
}

Result<ReplayFile> read_replay(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{path + ": " + std::strerror(errno)};
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  auto file = decode(bytes);
  if (!file) return Error{path + " " + file.error().message};
  return file;
}

}  // namespace weft::sim
