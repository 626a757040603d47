// SPDX-License-Identifier: Apache-2.0
// OutputFile: a file that is opened early, so that a wrong path is known before the work, and
// emptied when the work begins. If the work never begins, an existing file stays as it was, and a
// new one is removed (unless its path is a link).
//
//   open() ─▶ begin(), which empties it ─▶ write()... ─▶ close()
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::sim {

class OutputFile {
 public:
  // The error names the file.
  static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  void begin();
  [[nodiscard]] bool has_begun() const { return begun_; }
  // Writes all of it, unless that fails or has failed before: error() then says so. After begin().
  void write(std::string_view bytes);
  void close();

  // An errno; 0: all that was to be written is.
  [[nodiscard]] int error() const { return error_; }
  // "<path>: <what went wrong>".
  [[nodiscard]] std::string describe_error() const;

 private:
  OutputFile(std::string path, UniqueFd fd, bool is_new);
  void remove_if_unused() const;

  std::string path_;
  UniqueFd fd_;
  bool is_new_;  // It was not there before.
  bool begun_ = false;
  int error_ = 0;
};

}  // namespace weft::sim
