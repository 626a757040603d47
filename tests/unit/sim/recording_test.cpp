// SPDX-License-Identifier: Apache-2.0
// The format of recordings: what is written is read, cut off or damaged it is read up to there.
#include "sim/record/recording.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "os/wasip1/functions.h"

namespace {

using namespace weft;
using namespace weft::sim;
using wasip1::Errno;

CallRecord call(const char* name) {
  CallRecord record;
  record.function = static_cast<std::uint32_t>(wasip1::number_of(name));
  return record;
}

std::string bytes_of_number(std::uint64_t number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// One call of each kind of shape.
std::vector<CallRecord> calls() {
  std::vector<CallRecord> all;
  all.push_back(call("clock_time_get"));
  all.back().values = {1, 1000};
  all.back().fixed = bytes_of_number(1'000'000'000'000);
  all.push_back(call("clock_time_get"));
  all.back().values = {1, 0};
  all.back().fixed = bytes_of_number(999'999'999'000);  // Backwards, if a clock should do so.
  all.push_back(call("fd_read"));
  all.back().values = {3};
  all.back().count = 5;
  all.back().filled = std::string(
      "a\0b\xff"
      "c",
      5);
  all.push_back(call("fd_write"));
  all.back().values = {1};
  all.back().written_bytes = all.back().count = 12;
  all.back().written_hash = 0xfedcba98;
  all.push_back(call("path_open"));
  all.back().values = {3, 1, 0, 264'240'830, 268'435'455, 0};
  all.back().paths = {"data/file"};
  all.back().fixed = std::string("\5\0\0\0", 4);
  all.push_back(call("path_rename"));
  all.back().values = {3, 3};
  all.back().paths = {"old", "new"};
  all.back().result = Errno::noent;
  all.push_back(call("fd_filestat_get"));
  all.back().values = {3};
  all.back().fixed = std::string(64, 's');
  return all;
}

struct Sample {
  std::string bytes;
  std::vector<std::size_t> ends;  // Of the head, and of each entry.
};

Sample sample_recording() {
  RecordingHead head;
  head.engine = "aot";
  head.seed = 7;
  head.monotonic_ns = 123;
  head.realtime_ns = 1'700'000'000'000'000'000;
  head.guests = {{"/a/b.wasm", 99, 16'384, 0, "", {"b", "-v"}, {"K=V"}, {}},
                 {"/c.wasm", 1, 1, 5, "add", {}, {}, {}}};
  Sample sample;
  sample.bytes = encode_head(head);
  sample.ends.push_back(sample.bytes.size());
  ClockMemory clocks;
  const auto put = [&](const RecordingEntry& entry) {
    encode_entry(entry, clocks, sample.bytes);
    sample.ends.push_back(sample.bytes.size());
  };
  std::uint32_t guest = 0;
  for (const CallRecord& record : calls()) {
    RecordingEntry entry;
    entry.guest = guest ^= 1;
    entry.elapsed_us = 300 * guest;
    entry.call = record;
    put(entry);
  }
  RecordingEntry end;
  end.kind = RecordingEntry::Kind::guest_end;
  end.guest = 1;
  end.end = {GuestEnd::Kind::exited, 3, 0};
  put(end);
  RecordingEntry last;
  last.kind = RecordingEntry::Kind::run_end;
  last.exit_code = 3;
  put(last);
  return sample;
}

TEST_CASE("a recording holds what was put in") {
  auto recording = decode_recording(sample_recording().bytes);
  REQUIRE(recording.ok());
  CHECK(recording->broken.empty());
  CHECK(recording->head.engine == "aot");
  CHECK(recording->head.realtime_ns == 1'700'000'000'000'000'000);
  CHECK(recording->head.guests[0].args == std::vector<std::string>{"b", "-v"});
  REQUIRE(recording->entries.size() == calls().size() + 2);
  for (std::size_t i = 0; i < calls().size(); ++i) CHECK(recording->entries[i].call == calls()[i]);
  CHECK(recording->entries[0].elapsed_us == 300);
  CHECK(recording->entries[calls().size()].end.exit_code == 3);
  CHECK(recording->entries.back().exit_code == 3);
}

TEST_CASE("a recording that is cut off anywhere holds the entries before, and says so") {
  const Sample whole = sample_recording();
  for (std::size_t size = 0; size < whole.bytes.size(); ++size) {
    auto cut = decode_recording(std::string_view(whole.bytes).substr(0, size));
    CHECK(cut.ok() == (size >= whole.ends[0]));
    if (!cut.ok()) continue;
    std::size_t entries = 0;
    while (entries + 1 < whole.ends.size() && whole.ends[entries + 1] <= size) ++entries;
    CHECK(cut->entries.size() == entries);
    CHECK(!cut->broken.empty());
  }
}

TEST_CASE("a recording with any bit changed is not taken for whole") {
  const Sample whole = sample_recording();
  std::size_t unnoticed = 0;
  for (std::size_t i = 0; i < whole.bytes.size() * 8; ++i) {
    std::string changed = whole.bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    auto read = decode_recording(changed);
    if (read.ok() && read->broken.empty()) ++unnoticed;
  }
  CHECK(unnoticed == 0);
}

TEST_CASE("another version and another program's file are told apart") {
  std::string other = sample_recording().bytes;
  other[kRecordingMagic.size()] = 9;
  CHECK(decode_recording(other).error().message ==
        "is a recording of format version 9; this weft reads up to version 2");
  CHECK(!is_recording("WEFTREPLAY"));
  CHECK(decode_recording("GIF89a").error().message == "is no recording of weft");
}

TEST_CASE("a call is described by what it was given") {
  CHECK(describe(calls()[3]) == "fd_write(fd=1, 12 bytes)");
  CHECK(describe(calls()[5]) == "path_rename(fd=3, 'old', new_fd=3, 'new')");
}

TEST_CASE("every function is of the outside, or needs no record") {
  constexpr std::string_view kOwn[] = {"args_get",    "args_sizes_get",    "clock_res_get",
                                       "environ_get", "environ_sizes_get", "proc_exit",
                                       "proc_raise",  "sched_yield"};
  for (const wasip1::Function& function : wasip1::functions()) {
    CAPTURE(function.name);
    const bool own = std::find(std::begin(kOwn), std::end(kOwn), function.name) != std::end(kOwn);
    CHECK(function.facts.is_of_outside() != own);
    if (!own) CHECK(function.facts.shape.size() == function.params.size());
  }
}

}  // namespace
