// SPDX-License-Identifier: Apache-2.0
// RunFolders: the folders of the guests of one run in virtual time.
//
//   Folder of the host ── copied? ──▶ a copy below $TMPDIR, the same one for all guests of the run
//                      └─ not ──────▶ itself
//   no host path ───────────────────▶ a new, empty one below $TMPDIR
//
// What a run made goes with it. A copy is for folders of a size that a test can copy in each run:
// the bounds below keep a folder such as / from filling the disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace weft::sim {

// A directory that a guest is given.
struct Folder {
  std::string host_path;  // Empty: a new, empty one for each run.
  std::string guest_path;
};

class RunFolders {
 public:
  static constexpr std::uint64_t kCopiedBytesMax = std::uint64_t{1} << 30;  // Of one folder.
  static constexpr std::uint64_t kCopiedFilesMax = 100'000;

  explicit RunFolders(bool copy) : copy_(copy) {}
  ~RunFolders();
  RunFolders(const RunFolders&) = delete;
  RunFolders& operator=(const RunFolders&) = delete;

  // Where the guests find it in this run. The error names the folder, or what in it is no file,
  // directory or link, or the bound that it is over.
  Result<std::string> place(const Folder& folder);

 private:
  const bool copy_;
  std::map<std::string, std::string> made_;
};

}  // namespace weft::sim
