#include "sim/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

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
  if (fd_.valid() && is_new_ && !begun_) (void)::unlink(path_.c_str());
}

void OutputFile::write(std::string_view bytes) {
  if (bytes.empty() || error_ != 0) return;
  // Devices and pipes have no length.
  struct stat status {};
  const bool regular = !begun_ && ::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (regular && ::ftruncate(fd_.get(), 0) != 0) error_ = errno;
  begun_ = true;
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
