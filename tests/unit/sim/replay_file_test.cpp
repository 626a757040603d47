// SPDX-License-Identifier: Apache-2.0
// The replay file's format: what is written is read, and what was not written is refused.
#include "sim/record/replay_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "sim/record/bytes.h"

namespace {

using namespace weft;
using namespace weft::sim;

ReplayFile sample() {
  ReplayFile file;
  file.settings.seed = 77;
  file.settings.policy = *parse_policy("pct:depth=3,steps=40");
  file.settings.cost = microseconds(2);
  file.settings.lateness = milliseconds(1);
  file.settings.steps_max = 1000;
  file.settings.fault_one_in = 9;
  file.settings.fair_from = 100;
  file.quantum = 64;
  file.input = std::string("in\0put", 6);
  file.has_expected = true;
  file.expected = "out\n";
  file.guests = {
      {"/a/b.wasm", 0xfedcba9876543210, 16'384, 5000, "add", {"b", "-v"}, {"K=V"}, {"", "/shared"}},
      {"/a/c.wasm", 1, 1, 0, "", {"c"}, {}, {}}};
  file.schedule = {
      500, {{3, {Choice::pick, 4, 2}}, {4, {Choice::preempt, 2, 1}}, {499, {Choice::late, 8, 7}}}};
  file.ending = Ending::exit_code;
  file.message = "guest 1 (b.wasm) exited with 1";
  file.hash = 42;
  return file;
}

TEST_CASE("a replay file holds what was put in") {
  const ReplayFile in = sample();
  auto out = decode(encode(in));
  REQUIRE(out.ok());
  CHECK(encode(*out) == encode(in));
  CHECK(out->settings.seed == 77);
  CHECK(to_string(out->settings.policy) == "pct:depth=3,steps=40");
  CHECK(out->settings.fair_from == 100);
  CHECK(out->quantum == 64);
  CHECK(out->input == in.input);
  CHECK(out->guests[0].args == std::vector<std::string>{"b", "-v"});
  CHECK(out->schedule == in.schedule);
  CHECK(out->ending == Ending::exit_code);
}

TEST_CASE("a replay file says of each guest whether its goroutines are chosen") {
  ReplayFile in = sample();
  in.guests[1].goroutines = true;
  in.schedule.deviations.push_back({500, {Choice::give_way, 2, 1}});
  in.schedule.decisions = 501;
  auto out = decode(encode(in));
  REQUIRE(out.ok());
  CHECK_FALSE(out->guests[0].goroutines);
  CHECK(out->guests[1].goroutines);
  CHECK(out->schedule == in.schedule);
}

TEST_CASE("a replay file holds the manifest of a world") {
  ReplayFile in = sample();
  in.world = "[[guest]]\nname = \"a\"\n";
  auto out = decode(encode(in));
  REQUIRE(out.ok());
  CHECK(out->world == in.world);
}

TEST_CASE("a replay file that is cut off anywhere is refused, and says so") {
  const std::string whole = encode(sample());
  for (std::size_t size = 1; size < whole.size(); ++size) {
    auto cut = decode(std::string_view(whole).substr(0, size));
    REQUIRE(!cut.ok());
    CHECK(cut.error().message.find("cut off") != std::string::npos);
  }
  CHECK(decode("").error().message == "is no replay file of weft");
}

TEST_CASE("a replay file with any bit changed is refused") {
  const std::string whole = encode(sample());
  for (std::size_t i = 0; i < whole.size() * 8; ++i) {
    std::string changed = whole;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    CHECK(!decode(changed).ok());
  }
}

TEST_CASE("another program's file and another version are told apart") {
  CHECK(decode("\x7f"
               "ELF and so on, long enough")
            .error()
            .message == "is no replay file of weft");
  CHECK(decode(std::string("WEFTREPLAY\x7f", 11)).error().message ==
        "has format version 127; this weft reads up to version 6");
  CHECK(!decode(std::string("WEFTREPLAY\x00", 11)).ok());
}

TEST_CASE("a replay file is written whole or not at all") {
  const auto folder = std::filesystem::temp_directory_path() / "weft-replay-test";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "a.replay").string();
  REQUIRE(write_replay(path, sample()).ok());
  auto read = read_replay(path);
  REQUIRE(read.ok());
  CHECK(encode(*read) == encode(sample()));
  CHECK(read_replay((folder / "none").string()).error().message.find("none") != std::string::npos);
  // A disk that is full, as far as a program can tell.
  CHECK(write_replay("/dev/full/x", sample()).error().message.find("/dev/full/x") !=
        std::string::npos);
  std::filesystem::remove_all(folder);
}

// Version 5 had no fair-from, which stands behind fault-one-in.
TEST_CASE("a replay file of before there was a fair part is of a run that is never fair") {
  constexpr std::size_t kVersionAt = 10;
  constexpr int kChecksumBytes = 8;
  std::string bytes = encode(sample());
  ReplayFile other = sample();
  ++other.settings.fair_from;
  const std::string differs = encode(other);
  const auto at = std::mismatch(bytes.begin(), bytes.end(), differs.begin(), differs.end()).first;
  REQUIRE(*at == 100);
  bytes.erase(at);
  bytes[kVersionAt] = 5;
  bytes.resize(bytes.size() - kChecksumBytes);
  Hash hash;
  hash.add(bytes);
  ByteWriter checked;
  checked.bytes(bytes);
  checked.fixed(hash.value(), kChecksumBytes);
  auto file = decode(checked.written());
  REQUIRE(file.ok());
  ReplayFile expected = sample();
  expected.settings.fair_from = UINT64_MAX;
  CHECK(encode(*file) == encode(expected));
}

// Made from docs/replay.md when the format was new, by another program than weft. A change that
// can't read it any more needs a new version, and a reader for both.
TEST_CASE("a replay file of an older build is still read") {
  constexpr std::string_view kRecorded =
#include "tests/unit/sim/recorded.inc"
      ;
  std::string bytes;
  for (std::size_t i = 0; i + 1 < kRecorded.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(kRecorded.substr(i, 2)), nullptr, 16));
  }
  auto file = decode(bytes);
  REQUIRE(file.ok());
  ReplayFile expected = sample();
  expected.settings.fair_from = UINT64_MAX;
  expected.quantum = 0;  // Its safe points were the interpreter's slices.
  for (ReplayGuest& guest : expected.guests) guest.invoke = "";
  CHECK(encode(*file) == encode(expected));
}

}  // namespace
