// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/c_dialect.h"

#include <doctest/doctest.h>

#include <string>

#include "guest/aot/c_source.h"

using namespace weft;

namespace {

const std::string kChecks = "#define MEMCHECK(mem, a, t)\n";
const std::string kOld = kChecks + "static bool s_module_initialized = false;\n";
const std::string kNew = kChecks + "#define FUNC_TYPE_T(x) static const char* const x\n";

}  // namespace

TEST_CASE("the text says which generation of libwabt wrote it") {
  REQUIRE(dialect_of(kOld) != nullptr);
  REQUIRE(dialect_of(kNew) != nullptr);
  CHECK(dialect_of(kOld)->function == "w2c_f");
  CHECK(dialect_of(kNew)->function == "w2c_guest_f");
}

TEST_CASE("C of a form that weft does not know is refused, with the versions that it knows") {
  for (const std::string& text : {std::string("int main(void) {}\n"), kChecks, kOld, kNew}) {
    wabt_ir::CBase base;
    base.source = text;
    const ModuleInfo info;
    const std::string error = CFiles("/nowhere", info, true).take(std::move(base));
    CHECK(error.find("another form") != std::string::npos);
    CHECK(error.find("1.0.32, 1.0.34 to 1.0.36") != std::string::npos);
  }
}

TEST_CASE("types that are the same have one hash, and so one address") {
  const CDialect& dialect = *dialect_of(kNew);
  TypeNames seen;
  const SharedLine first = dialect.share_type("FUNC_TYPE_T(w2c_guest_t0) = \"\\x07\\x80\";", seen);
  CHECK(first.declaration == "extern HIDDEN const char w2c_guest_t0[];");
  CHECK(first.definition == "const char w2c_guest_t0[] = \"\\x07\\x80\";");
  const SharedLine other = dialect.share_type("FUNC_TYPE_T(w2c_guest_t1) = \"\\x36\";", seen);
  CHECK(other.definition == "const char w2c_guest_t1[] = \"\\x36\";");
  const SharedLine again = dialect.share_type("FUNC_TYPE_T(w2c_guest_t2) = \"\\x07\\x80\";", seen);
  CHECK(again.declaration == "#define w2c_guest_t2 w2c_guest_t0");
  CHECK(again.definition.empty());
}
