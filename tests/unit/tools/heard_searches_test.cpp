// SPDX-License-Identifier: Apache-2.0
// What a worker has heard of searches, with the time as the test says.
#include "tools/heard_searches.h"

#include <doctest/doctest.h>

using namespace weft::tools;
using namespace std::chrono_literals;
using Need = HeardSearches::Need;

namespace {
const HeardSearches::Time kBegin = HeardSearches::Time{} + 1h;
}

TEST_CASE("a silent master does not make its parts needless: they are given back") {
  HeardSearches heard(15s);
  heard.hear("a", {10, false}, kBegin);
  heard.forget_silent(kBegin + 15s);
  CHECK(heard.need_of({"a", 10}) == Need::yes);
  heard.forget_silent(kBegin + 16s);
  CHECK(heard.need_of({"a", 10}) == Need::unknown);
  CHECK_FALSE(heard.knows("a"));
  CHECK(heard.after("").empty());
  heard.hear("a", {10, false}, kBegin + 17s);
  heard.forget_silent(kBegin + 17s);
  CHECK(heard.need_of({"a", 10}) == Need::yes);
}

TEST_CASE("only what was heard takes a part out of the queue: over, or a failure before it") {
  HeardSearches heard(15s);
  CHECK(heard.need_of({"a", 1}) == Need::unknown);
  heard.hear("a", {4, false}, kBegin);
  CHECK(heard.need_of({"a", 4}) == Need::yes);
  CHECK(heard.need_of({"a", 5}) == Need::none);
  heard.hear("a", {4, true}, kBegin);
  heard.hear("a", {4, false}, kBegin);  // Late.
  CHECK(heard.need_of({"a", 1}) == Need::none);
  CHECK_FALSE(heard.knows("a"));
}

TEST_CASE("while the server is away no search becomes silent") {
  HeardSearches heard(15s);
  heard.hear("a", {4, false}, kBegin);
  heard.wait(kBegin + 60s);
  heard.forget_silent(kBegin + 70s);
  CHECK(heard.knows("a"));
}

TEST_CASE("each search has its turn") {
  HeardSearches heard(15s);
  for (const char* id : {"b", "a", "c"}) heard.hear(id, {4, false}, kBegin);
  CHECK(heard.after("") == "a");
  CHECK(heard.after("a") == "b");
  CHECK(heard.after("c") == "a");
  heard.forget("a");
  CHECK(heard.after("c") == "b");
}
