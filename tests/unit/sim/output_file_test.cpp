// SPDX-License-Identifier: Apache-2.0
// What happens to a file that is opened for work which then does not begin.
#include "sim/output_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace weft;
using sim::OutputFile;

namespace {

// A path in a folder of the test's own.
struct Place {
  std::string folder = "/tmp/weft-output-XXXXXX";
  std::string path;
  Place() {
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    path = folder + "/file";
  }
  ~Place() { std::filesystem::remove_all(folder); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void put(const char* text) const { std::ofstream(path) << text; }
  [[nodiscard]] std::string text() const {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] bool is_there() const { return std::filesystem::exists(path); }
};

}  // namespace

TEST_CASE("a file that is never begun is what it was, or gone") {
  const Place place;
  REQUIRE(OutputFile::open(place.path).ok());
  CHECK_FALSE(place.is_there());
  place.put("precious");
  REQUIRE(OutputFile::open(place.path).ok());
  CHECK(place.text() == "precious");
}

TEST_CASE("a file that is begun is emptied, and stays") {
  const Place place;
  place.put("precious");
  {
    auto file = OutputFile::open(place.path);
    REQUIRE(file.ok());
    file->begin();
    CHECK(place.text().empty());
    file->write("new");
  }
  CHECK(place.text() == "new");
}

TEST_CASE("what another process has written meanwhile, or put in its place, stays") {
  const Place place;
  {
    auto file = OutputFile::open(place.path);
    REQUIRE(file.ok());
    place.put("theirs");
  }
  CHECK(place.text() == "theirs");
  std::filesystem::remove(place.path);
  {
    auto file = OutputFile::open(place.path);
    REQUIRE(file.ok());
    std::filesystem::rename(place.path, place.path + ".moved");
    place.put("");
  }
  CHECK(place.is_there());
}

TEST_CASE("a full disk is told once, by the path and what went wrong") {
  auto file = OutputFile::open("/dev/full");
  REQUIRE(file.ok());
  file->begin();
  file->write("a");
  file->write("b");
  file->close();
  CHECK(file->describe_error() == "/dev/full: No space left on device");
}
