// SPDX-License-Identifier: Apache-2.0
// PartChild: a process of this program that runs one part of a search.
//
//   start ─▶ [ wait: is it still running? ]... ─▶ ended: exit code, what it has said
//                                              └▶ destroyed: killed
//
// It ends with its parent, in whatever way that ends.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::tools {

class PartChild {
 public:
  // `words` are those behind "weft"; `folder` is its working directory, and the folder run in it,
  // which is there, its temporary one.
  static Result<PartChild> start(const std::vector<std::string>& words, const std::string& folder);
  ~PartChild();
  PartChild(PartChild&& other) noexcept;
  PartChild& operator=(PartChild&&) = delete;

  // True once it has ended; waits so long at most.
  bool wait(int milliseconds);
  // After that: as a shell sees it, 128 + N after signal N.
  [[nodiscard]] int code() const { return code_; }
  // The last line that it has said on stderr.
  [[nodiscard]] std::string last_words() const;

 private:
  PartChild(pid_t pid, UniqueFd process, std::string said)
      : pid_(pid), process_(std::move(process)), said_(std::move(said)) {}

  pid_t pid_ = -1;
  UniqueFd process_;
  std::string said_;  // The file with its stderr.
  int code_ = 0;
};

}  // namespace weft::tools
