// SPDX-License-Identifier: Apache-2.0
// The guests that scripts/build_guests.py made of tests/guests: where they are, and how a test runs
// one.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "guest/aot/aot.h"
#include "guest/engines.h"
#include "guest/runtime.h"
#include "guest/wabt/interp.h"

namespace weft::test {

inline std::string guest_path(const std::string& name) {
  const char* folder = std::getenv("WEFT_GUESTS");
  std::string path =
      std::string(folder != nullptr ? folder : "build/guests") + "/" + name + ".wasm";
  WEFT_CHECK(::access(path.c_str(), R_OK) == 0,
             "a test guest is missing: run tests/guests/build.py build/guests, or set WEFT_GUESTS");
  return path;
}

inline std::vector<std::byte> guest_bytes(const std::string& name) {
  std::ifstream file(guest_path(name), std::ios::binary);
  std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(), [](char c) { return std::byte(c); });
  return bytes;
}

// The engines that run every guest in their own way.
inline std::vector<const char*> all_engines() {
  std::vector<const char*> names;
  for (const EngineRow& row : engine_rows()) {
    if (row.is_fixed) names.push_back(row.name);
  }
  return names;
}
inline const std::vector<const char*> kEngines = all_engines();

// Objects are kept from run to run, and shared by all tests of compiled guests.
inline std::string aot_cache_folder() {
  const auto build = std::filesystem::path(guest_path("wat_tiny")).parent_path().parent_path();
  return build / "cache" / "aot-unit";
}

// That a module can't be compiled ends the test.
inline void expect_no_message(std::string_view line) {
  WEFT_CHECK(line.empty(), std::string(line).c_str());
}

// One of kEngines.
inline std::unique_ptr<Engine> make_engine(const std::string& name) {
  const EngineRow* row = find_engine(name);
  WEFT_CHECK(row != nullptr, name.c_str());
  return row->make({.aot = {.cache_folder = aot_cache_folder(), .say = &expect_no_message}});
}

// Where a guest's output goes: a file of memory, read when the guest has ended. Not every /tmp can
// have a file without a name: overlayfs, which containers have, can't before Linux 6.3.
class Output {
 public:
  Output() : fd_(::memfd_create("weft-test", MFD_CLOEXEC)) {
    WEFT_CHECK(fd_.valid(), "no temporary file for a guest's output");
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)), '\0');
    WEFT_CHECK(::pread(fd_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
               "a guest's output could not be read back");
    return text;
  }

 private:
  UniqueFd fd_;
};

}  // namespace weft::test
