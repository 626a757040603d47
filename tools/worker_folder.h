// SPDX-License-Identifier: Apache-2.0
// WorkerFolder: what a worker keeps on disk, for as long as it lives.
//
//   $TMPDIR/weft-worker-XXXXXX/lock          held by the worker: the folders of others that are
//                                            killed have a free one, and go when the next comes
//                              /<id>/files/  of a search
//                              /<id>/run/    of its current part; empty at each start
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::tools {

class WorkerFolder {
 public:
  // The error names the folder. before_lock is for tests: it is called with each new folder, whose
  // lock is there and not yet locked.
  using BeforeLock = std::function<void(const std::string& folder)>;
  static Result<std::unique_ptr<WorkerFolder>> make(const BeforeLock& before_lock = {});
  ~WorkerFolder();
  WorkerFolder(const WorkerFolder&) = delete;
  WorkerFolder& operator=(const WorkerFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  WorkerFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  const UniqueFd lock_;
};

}  // namespace weft::tools
