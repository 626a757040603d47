// SPDX-License-Identifier: Apache-2.0
#include "sim/quantities.h"

#include <doctest/doctest.h>

namespace {

using namespace weft;

std::int64_t ns(const char* word) {
  const auto time = read_time("--t", word);
  return time ? time->ns : -1;
}

std::string refusal(const char* word) {
  const auto time = read_time("--t", word);
  return time ? "" : time.error().message;
}

}  // namespace

TEST_CASE("a time is a number with a unit, or several") {
  CHECK(ns("250ns") == 250);
  CHECK(ns("3us") == 3'000);
  CHECK(ns("100ms") == 100'000'000);
  CHECK(ns("1.5s") == 1'500'000'000);
  CHECK(ns("0.000001s") == 1'000);
  CHECK(ns("3m") == 180'000'000'000);
  CHECK(ns("2h") == 7'200'000'000'000);
  CHECK(ns("1h30m") == 5'400'000'000'000);
  CHECK(ns("1m1.5s") == 61'500'000'000);
  CHECK(ns("0") == 0);
  CHECK(ns("0s") == 0);
}

TEST_CASE("a time without a unit is refused, and the refusal says what to write") {
  CHECK(refusal("3") ==
        "--t wants a time with a unit, as 250us, 100ms, 1.5s, 3m or 2h, not '3'; for seconds "
        "write 3s");
  for (const char* word : {"", "s", "-1s", "1x", "1 s", "1.s", ".5s", "1s5", "1.1234567s", "1S",
                           "1e3s", "0x1s", "+1s"}) {
    CHECK_MESSAGE(refusal(word).find("wants a time with a unit") != std::string::npos, word);
  }
}

TEST_CASE("a time has an end at 100 years, and no number runs over") {
  CHECK(ns("878400h") == 878'400LL * 3'600 * 1'000'000'000);
  for (const char* word : {"878401h", "4611686018s", "99999999999999999999m", "878400h1ns",
                           "18446744073709551615ns", "18446744073709551616h"}) {
    CHECK_MESSAGE(refusal(word).find("100 years at most") != std::string::npos, word);
  }
}

TEST_CASE("a size has K, M, G or T, or its option's own unit") {
  const auto bytes = [](const char* word, std::uint64_t unit) {
    const auto size = read_size("--s", word, unit);
    return size ? *size : 0;
  };
  CHECK(bytes("512K", kMib) == 512 * kKib);
  CHECK(bytes("64M", 1) == 64 * kMib);
  CHECK(bytes("64m", 1) == 64 * kMib);
  CHECK(bytes("64MiB", 1) == 64 * kMib);
  CHECK(bytes("1.5G", 1) == kGib + 512 * kMib);
  CHECK(bytes("2T", 1) == 2 * kKib * kGib);
  CHECK(bytes("100", 1) == 100);
  CHECK(bytes("64", kMib) == 64 * kMib);
  for (const char* word :
       {"", "M", "-1", "1X", "1MB", "1 M", "0", "16777216T", "18446744073709551616"}) {
    CHECK_MESSAGE(bytes(word, 1) == 0, word);
  }
  CHECK(read_size("--s", "9G", 1, kKib, 4 * kGib).error().message ==
        "--s wants a size from 1K to 4G, not '9G'");
}

TEST_CASE("a count may be in thousands, and is whole") {
  const auto count = [](const char* word) {
    const auto value = read_count("--c", word, 1, 10'000'000);
    return value ? *value : 0;
  };
  CHECK(count("7") == 7);
  CHECK(count("10K") == 10'000);
  CHECK(count("1.5K") == 1'500);
  CHECK(count("2M") == 2'000'000);
  for (const char* word : {"", "0", "1.5", "-1", "3x", "11M", "18446744073709551617", "1G"}) {
    CHECK_MESSAGE(count(word) == 0, word);
  }
}
