// OutputFile: a file that is opened early, so that a wrong path is known before the work, and
// emptied late, at the first byte. Without a byte what was there stays, and a file that was made
// for it goes.
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

  // Writes all of it, unless that fails or has failed before: error() then says so.
  void write(std::string_view bytes);
  void close();

  // An errno; 0: all that was to be written is.
  [[nodiscard]] int error() const { return error_; }
  // "<path>: <what went wrong>".
  [[nodiscard]] std::string describe_error() const;

 private:
  OutputFile(std::string path, UniqueFd fd, bool is_new);
  std::string path_;
  UniqueFd fd_;
  bool is_new_;  // It was not there before.
  bool begun_ = false;
  int error_ = 0;
};

}  // namespace weft::sim
