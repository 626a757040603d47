// SPDX-License-Identifier: Apache-2.0
#include "tools/hints.h"

#include <doctest/doctest.h>

#include <vector>

using weft::tools::GuestSpec;
using weft::tools::hint_for;

namespace {

const std::vector<std::string> kOptions = {"--dir", "--memory", "-n", "-h", "--help"};

GuestSpec guest(std::vector<std::string> args) {
  GuestSpec spec;
  spec.module_path = "a.wasm";
  args.insert(args.begin(), "a.wasm");
  spec.options.args = std::move(args);
  return spec;
}

}  // namespace

TEST_CASE("an option of weft behind the module is pointed at, one of the guest's own is not") {
  CHECK(hint_for(guest({"x", "--dir", "."}), kOptions) ==
        "--dir stands behind a.wasm, so it went to the guest; options of weft stand before the "
        "module");
  CHECK(hint_for(guest({"--memory=64M"}), kOptions).find("--memory stands") == 0);
  CHECK(hint_for(guest({"-n", "x", "--help", "--color"}), kOptions).empty());
}

TEST_CASE("-n 3 behind the module got no hint, as a long option does") {
  const char* hint =
      "-n stands behind a.wasm, so it went to the guest; options of weft stand before the module";
  CHECK(hint_for(guest({"-n", "3"}), kOptions) == hint);
  CHECK(hint_for(guest({"x", "-n3"}), kOptions) == hint);
  for (const std::vector<std::string>& of_guest :
       std::vector<std::vector<std::string>>{{"-n"},
                                             {"-n", "-3"},
                                             {"-n", "name"},
                                             {"-next"},
                                             {"-n="},
                                             {"-c", "3"},
                                             {"-h", "3"},
                                             {"3", "-n"}}) {
    CHECK(hint_for(guest(of_guest), kOptions).empty());
  }
  // What is certain comes first: `head -n 3 /etc/passwd` is a guest's own -n.
  CHECK(hint_for(guest({"-n", "3", "/etc/passwd"}), kOptions).find("/etc/passwd is a file") == 0);
}

TEST_CASE("a file of the host among the arguments of a guest without a directory is pointed at") {
  GuestSpec spec = guest({"/etc/passwd"});
  CHECK(hint_for(spec, kOptions).find("/etc/passwd is a file here") == 0);
  spec.options.preopens.push_back({"/etc", "/etc"});
  CHECK(hint_for(spec, kOptions).empty());
  CHECK(hint_for(guest({"/no/such/file"}), kOptions).empty());
}
