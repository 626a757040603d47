// SPDX-License-Identifier: Apache-2.0
// What a worker takes from the network.
#include "tools/search_spec.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace weft;
using namespace weft::tools;

namespace {

SearchSpec spec() {
  SearchSpec made;
  made.weft = WEFT_VERSION;
  made.id = "1a2b";
  made.seeds = {5, 1000};
  made.parts = 20;
  made.files = {{"a.wasm", std::string(64, 'a')}, {"in.txt", std::string(64, 'b')}};
  made.guests = {{0, "dir/a.wasm", {{"--env", "A=1"}, {"--stdin", "1"}, {"--once", ""}}, {"x", ""}},
                 {0, "dir/a.wasm", {{"-n", "3"}}, {}}};
  return made;
}

std::string refused(const SearchSpec& wrong) {
  const auto read = read_spec(to_json(wrong));
  REQUIRE_FALSE(read);
  return read.error().message;
}

}  // namespace

TEST_CASE("a search arrives as it was sent") {
  const auto read = read_spec(to_json(spec()));
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(spec()));
  const std::vector<std::string> words = words_of_part(*read, 7, "v", "r", 2);
  const std::vector<std::string> expected = {"test",
                                             "--seed=5",
                                             "--seeds=1000",
                                             "--shard=7/20",
                                             "--json=v",
                                             "--replay=r",
                                             "--jobs=2",
                                             "--env=A=1",
                                             "--stdin=files/1/in.txt",
                                             "--once",
                                             "--argv0=dir/a.wasm",
                                             "files/0/a.wasm",
                                             "x",
                                             "",
                                             ":::",
                                             "-n3",
                                             "--argv0=dir/a.wasm",
                                             "files/0/a.wasm"};
  CHECK(words == expected);
}

TEST_CASE("no option travels that reaches into the machine of a worker") {
  for (const char* option : {"--dir", "--cc", "--listen", "--json", "--replay", "--world", "--jobs",
                             "--shard", "--nats", "--argv0", "--expect ", "-x", ""}) {
    SearchSpec wrong = spec();
    wrong.guests[1].options = {{option, "value"}};
    CHECK(refused(wrong).find("may not travel") != std::string::npos);
  }
  SearchSpec wrong = spec();
  wrong.guests[0].options = {{"--env", "HOME"}};
  CHECK(refused(wrong) == "a damaged search: '--env' must have a value");
  wrong.guests[0].options = {{"--stdin", "/etc/passwd"}};
  CHECK(refused(wrong) == "a damaged search: there is no such file");
}

TEST_CASE("no file of a search leaves its folder") {
  for (const char* name : {"", ".", "..", "../a", "/etc/passwd", "a/b"}) {
    SearchSpec wrong = spec();
    wrong.files[0].name = name;
    CHECK(refused(wrong) == "a damaged search: 'name' must be the name of a file");
  }
  SearchSpec wrong = spec();
  wrong.files[0].sha256 = "../../x";
  CHECK(refused(wrong).find("'sha256'") != std::string::npos);
  wrong = spec();
  wrong.guests[0].module = 2;
  CHECK(refused(wrong).find("'module'") != std::string::npos);
}

TEST_CASE("no word of a guest begins another one") {
  SearchSpec wrong = spec();
  wrong.guests[0].args = {":::", "--dir=/", "b.wasm"};
  CHECK(refused(wrong) == "a damaged search: a word ends the guest");
}

TEST_CASE("a search of another weft, or of another version, is refused by its name") {
  SearchSpec other = spec();
  other.weft = "9.9.9";
  CHECK(refused(other) == "a search of weft 9.9.9; this is weft " WEFT_VERSION);
  std::string text = to_json(spec());
  const std::string version = "\"format_version\": 1";
  text.replace(text.find(version), version.size(), "\"format_version\": 2");
  CHECK(read_spec(text).error().message == "a search of version 2; this weft reads version 1");
  CHECK_FALSE(read_spec("[]"));
  CHECK_FALSE(read_spec(""));
}
