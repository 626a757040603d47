// SPDX-License-Identifier: Apache-2.0
#include "sim/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace weft::sim {

Result<OutputFile> OutputFile::open(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0644));
  const bool is_new = fd.valid();
  // There is one already, or a link to what is not there.
  if (!is_new) fd = UniqueFd(::open(path.c_str(), kFlags | O_CREAT, 0644));
  if (!fd.valid()) return Error{path + ": " + std::strerror(errno)};
  return OutputFile(path, std::move(fd), is_new);
}

OutputFile::OutputFile(std::string path, UniqueFd fd, bool is_new)
    : path_(std::move(path)), fd_(std::move(fd)), is_new_(is_new) {}

OutputFile::~OutputFile() {
  if (fd_.valid() && is_new_ && !begun_) remove_if_unused();
}

// Somebody else may have written it meanwhile, or put another one in its place.
void OutputFile::remove_if_unused() const {
  struct stat own = {};
  struct stat there = {};
  if (::fstat(fd_.get(), &own) != 0 || ::lstat(path_.c_str(), &there) != 0) return;
  const bool same = own.st_dev == there.st_dev && own.st_ino == there.st_ino;
  if (same && own.st_size == 0) (void)::unlink(path_.c_str());
}

void OutputFile::begin() {
  begun_ = true;
  struct stat status = {};  // Devices and pipes have no length.
  const bool regular = ::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (regular && ::ftruncate(fd_.get(), 0) != 0) error_ = errno;
}

void OutputFile::write(std::string_view bytes) {
  WEFT_CHECK(begun_, "a file was written before its beginning");
  while (!bytes.empty() && error_ == 0) {
    const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
}

void OutputFile::close() {
  if (::close(fd_.release()) != 0 && error_ == 0) error_ = errno;
}

std::string OutputFile::describe_error() const {
  return path_ + ": " + std::strerror(error_);
}

}  // namespace weft::sim
