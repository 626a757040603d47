// SPDX-License-Identifier: Apache-2.0
// Every name of Go's wasm port, one row each: it is there under its own name, can be used, and does
// what docs/port.md says in both behaviours. The last test holds this table and that page together.
//
// A row's check runs in a world of its own; a name that leaves the code breaks the build here.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "signals/os_wasm_signals.h"
#include "tests/unit/os/port/port_rows.h"

using namespace weft;

TEST_CASE("there are 68 names, and the one that is usually left out") {
  std::set<std::string> names;
  for (const test::PortRow& row : test::port_rows()) names.insert(row.key());
  CHECK(names.size() == test::port_rows().size());
  CHECK(names.size() == 69);
}

TEST_CASE("each name of the port does what docs/port.md says") {
  for (const test::PortRow& row : test::port_rows()) {
    SUBCASE(row.key().c_str()) {
      row.check();
    }
  }
}

TEST_CASE("docs/port.md has a row for each name, and no other") {
  std::ifstream in(WEFT_SOURCE_ROOT "/docs/port.md");
  REQUIRE(in.good());
  std::set<std::string> documented;
  for (std::string line; std::getline(in, line);) {
    // | `name` | kind | ... |, and in another table the errors of weft.h.
    if (line.rfind("| `", 0) != 0 || line.rfind("| `WEFT_E", 0) == 0) continue;
    const std::size_t name_end = line.find('`', 3);
    const std::size_t kind = line.find("| ", name_end);
    REQUIRE(kind != std::string::npos);
    const std::size_t kind_end = line.find(" |", kind + 2);
    const std::string key =
        line.substr(3, name_end - 3) + " " + line.substr(kind + 2, kind_end - kind - 2);
    INFO(key);
    CHECK(documented.insert(key).second);
    CHECK(std::count(line.begin(), line.end(), '|') == 9);
  }
  std::set<std::string> in_code;
  for (const test::PortRow& row : test::port_rows()) in_code.insert(row.key());
  for (const std::string& key : in_code) {
    INFO("in the code, not in docs/port.md: " << key);
    CHECK(documented.count(key) == 1);
  }
  for (const std::string& key : documented) {
    INFO("in docs/port.md, not in the code: " << key);
    CHECK(in_code.count(key) == 1);
  }
}
