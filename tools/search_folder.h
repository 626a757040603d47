// SPDX-License-Identifier: Apache-2.0
// SearchFolder: all folders of a search, or of a replay, lie in it, so that they are removed with
// it, also those that a killed worker made.
//
//   weft test, weft replay ── makes $TMPDIR/weft-test-XXXXXX and sets TMPDIR to it
//      └─ workers and runs: their folders in it (sim/run_folders.cpp); a worker may be killed
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace weft::tools {

class SearchFolder {
 public:
  // The error names the folder.
  static Result<std::unique_ptr<SearchFolder>> make();
  // Sets TMPDIR back and removes the folder with all that is in it.
  ~SearchFolder();
  SearchFolder(const SearchFolder&) = delete;
  SearchFolder& operator=(const SearchFolder&) = delete;

 private:
  explicit SearchFolder(std::string path);

  const std::string path_;
  std::optional<std::string> before_;  // TMPDIR.
};

}  // namespace weft::tools
