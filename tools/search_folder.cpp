// SPDX-License-Identifier: Apache-2.0
#include "tools/search_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace weft::tools {

Result<std::unique_ptr<SearchFolder>> SearchFolder::make() {
  std::error_code error;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path(error);
  if (error) return Error{"no folder for temporary files: " + error.message() + "; see $TMPDIR"};
  std::string path = (temporary / "weft-test-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) return Error{path + ": " + std::strerror(errno)};
  return std::unique_ptr<SearchFolder>(new SearchFolder(std::move(path)));
}

SearchFolder::SearchFolder(std::string path) : path_(std::move(path)) {
  if (const char* before = std::getenv("TMPDIR"); before != nullptr) before_ = before;
  ::setenv("TMPDIR", path_.c_str(), 1);
}

SearchFolder::~SearchFolder() {
  if (before_) {
    ::setenv("TMPDIR", before_->c_str(), 1);
  } else {
    ::unsetenv("TMPDIR");
  }
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace weft::tools
