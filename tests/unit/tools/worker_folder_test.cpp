// SPDX-License-Identifier: Apache-2.0
// The folders of workers that start at the same time. A lock belongs to an open file, so that one
// process can be several workers.
#include "tools/worker_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/unique_fd.h"

using namespace weft::tools;
namespace fs = std::filesystem;

namespace {

class ScratchFolder {
 public:
  ScratchFolder() {
    char path[] = "/tmp/weft-folder-test-XXXXXX";
    path_ = ::mkdtemp(path);
    const char* before = std::getenv("TMPDIR");
    before_ = before == nullptr ? "" : before;
    ::setenv("TMPDIR", path_.c_str(), 1);
  }
  ~ScratchFolder() {
    before_.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", before_.c_str(), 1);
    fs::remove_all(path_);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string before_;
};

}  // namespace

TEST_CASE("a worker whose new folder another one takes for a left one makes another folder") {
  for (const bool is_gone : {false, true}) {
    const ScratchFolder scratch;
    int calls = 0;
    weft::UniqueFd other;
    const auto folder = WorkerFolder::make([&](const std::string& path) {
      if (++calls > 1) return;
      other = weft::UniqueFd(::open((path + "/lock").c_str(), O_RDWR | O_CLOEXEC));
      REQUIRE(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
      if (!is_gone) return;  // It has the lock, and is about to remove the folder.
      fs::remove_all(path);
      other.reset();
    });
    REQUIRE(folder);
    CHECK(calls == 2);
    CHECK(fs::exists((*folder)->path() + "/lock"));
    const auto next = WorkerFolder::make();
    CHECK(fs::exists((*folder)->path() + "/lock"));
  }
}

TEST_CASE("a folder whose worker was killed goes when the next one starts; another's stays") {
  const ScratchFolder scratch;
  const std::string left = scratch.path() + "/weft-worker-killed";
  fs::create_directories(left + "/search");
  REQUIRE(fs::exists(left));
  const auto first = WorkerFolder::make();
  CHECK(fs::exists(left));  // Without a lock it may be one that begins.
  fs::copy_file((*first)->path() + "/lock", left + "/lock");
  const auto second = WorkerFolder::make();
  CHECK_FALSE(fs::exists(left));
  CHECK(fs::exists((*first)->path() + "/lock"));
}
