// SPDX-License-Identifier: Apache-2.0
#include "tools/output_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/unique_fd.h"

namespace weft::tools {
namespace {

// Devices and pipes may be named twice: nothing in them is lost.
bool are_same(const std::string& a, const std::string& b) {
  struct stat first = {};
  struct stat second = {};
  const bool has_first = ::stat(a.c_str(), &first) == 0;
  const bool has_second = ::stat(b.c_str(), &second) == 0;
  if (has_first && has_second) {
    return S_ISREG(first.st_mode) && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  }
  if (has_first || has_second) return false;
  // A name of nothing that is there stays relative otherwise.
  const auto whole = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
  };
  return whole(a) == whole(b);
}

}  // namespace

std::vector<NamedFile> inputs_of(const RunOptions& run) {
  std::set<std::string> modules;
  for (const GuestSpec& guest : run.guests) modules.insert(guest.module_path);
  std::vector<NamedFile> inputs;
  inputs.reserve(modules.size() + 1);
  for (const std::string& path : modules) inputs.push_back({"a module of the run", path});
  inputs.push_back({"--world", run.world_file});
  return inputs;
}

Status check_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    if (output->path.empty()) continue;
    const auto refuse = [&](const NamedFile& other) {
      return Error{output->what + ": " + output->path + " is " + other.what +
                   " already; name another file"};
    };
    for (const NamedFile& input : inputs) {
      if (!input.path.empty() && are_same(output->path, input.path)) return refuse(input);
    }
    for (auto other = outputs.begin(); other != output; ++other) {
      if (!other->path.empty() && are_same(output->path, other->path)) return refuse(*other);
    }
  }
  return Nothing{};
}

Status check_output_path(const std::string& path) {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) {  // Written in place.
    if (::stat(path.c_str(), &found) != 0) return Nothing{};            // A link to a file to be.
    if (S_ISDIR(found.st_mode)) return Error{path + ": " + std::strerror(EISDIR)};
    if (::access(path.c_str(), W_OK) != 0) return Error{path + ": " + std::strerror(errno)};
    return Nothing{};
  }
  const std::string beside = path + ".try" + std::to_string(::getpid());
  const UniqueFd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Error{path + ": " + std::strerror(errno)};
  (void)::unlink(beside.c_str());
  return Nothing{};
}

}  // namespace weft::tools
