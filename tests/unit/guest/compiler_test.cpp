// SPDX-License-Identifier: Apache-2.0
// The limits that a C compiler runs under.
#include "guest/aot/compiler.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace weft;

namespace {

// What a compiler that is this shell script is refused for.
std::string error_of(const std::string& script) {
  std::string folder = "/tmp/weft-compiler-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string cc = folder + "/cc";
  std::ofstream(cc) << "#!/bin/sh\n" << script << "\n";
  REQUIRE(::chmod(cc.c_str(), 0700) == 0);
  CUnits units;
  units.files = {"unit0.c"};
  const Status status = compile(units, folder, folder + "/object.so",
                                {.cc = cc, .unit_cpu_s = 1, .wait = [] { ::poll(nullptr, 0, 1); }});
  std::filesystem::remove_all(folder);
  REQUIRE_FALSE(status.ok());
  return status.error().message;
}

}  // namespace

TEST_CASE("a compiler that computes without end is ended by its limit of time, and named so") {
  CHECK(error_of("while :; do :; done") ==
        "the C compiler takes more than 1 s for a part of it (unit0.c): a function is too large");
}

TEST_CASE("a compiler that has no memory is refused as such") {
  CHECK(error_of("echo 'cc1: out of memory allocating 65536 bytes'; exit 1")
            .find("MiB of memory for a part of it (unit0.c)") != std::string::npos);
}

TEST_CASE("a compiler has its limit of address space, and so has what it starts") {
  CHECK(error_of("echo error: $(sh -c 'ulimit -v'); exit 1") ==
        "the C compiler failed: error: 4194304");
}
