// SPDX-License-Identifier: Apache-2.0
#include "tools/suggest.h"

#include <doctest/doctest.h>

#include <vector>

using namespace weft::tools;

TEST_CASE("a slip of one or two letters finds the word that was meant") {
  const std::vector<std::string> known = {"run",   "replay", "report", "--deadline",
                                          "--dir", "--fds",  "-n"};
  CHECK(closest("rnu", known) == "run");
  CHECK(closest("repaly", known) == "replay");
  CHECK(closest("--deadlnie", known) == "--deadline");
  CHECK(closest("--dri", known) == "--dir");
  CHECK(closest("frobnicate", known).empty());
  CHECK(closest("x", known).empty());
  CHECK(closest("-x", known).empty());
  CHECK(closest("--foo", known).empty());
  CHECK(closest("--dirr", known) == "--dir");
  CHECK(did_you_mean("--dedline", known) == "; did you mean '--deadline'?");
  CHECK(did_you_mean("--frobnicate", known).empty());
}

TEST_CASE("an option of another runtime is answered with what weft has") {
  CHECK(in_place_of("--mapdir=a::b").find("--dir") != std::string::npos);
  CHECK(in_place_of("-Wmax-memory-size=1").find("--memory") != std::string::npos);
  CHECK(in_place_of("-S").find("--listen") != std::string::npos);
  CHECK(in_place_of("--argv0").find("first argument") != std::string::npos);
  CHECK(in_place_of("--stats").empty());
  CHECK(in_place_of("--Wall").empty());
}
