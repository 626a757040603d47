// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/memory_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "os/wasip1/host_file.h"
#include "os/wasip1/resolve.h"

namespace weft::wasip1 {
namespace {

// The first component of a path, which is taken off. Nothing: there is none left.
std::optional<std::string_view> next_name(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  if (path.empty()) return std::nullopt;
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// With these bytes, which nobody can change any more. Not valid: errno says why.
UniqueFd memfd(std::string_view bytes) {
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  UniqueFd fd(::memfd_create("weft", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool made =
      fd.valid() && write_all(fd.get(), bytes) && ::fcntl(fd.get(), F_ADD_SEALS, kSeals) == 0;
  return made ? std::move(fd) : UniqueFd();
}

bool is_good_path(const std::string& path) {
  std::string checked;
  if (check_path(path, checked) != Errno::success) return false;
  if (path.front() == '/' || path.back() == '/') return false;
  std::string_view rest = path;
  while (const auto name = next_name(rest)) {
    if (*name == "." || *name == "..") return false;
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<const MemoryFiles>> MemoryFiles::make(const std::vector<MemoryFile>& files) {
  const auto made = std::make_shared<MemoryFiles>();
  made->root_.is_directory = true;
  made->root_.fd = memfd({});
  if (!made->root_.fd.valid()) return errno_error("a directory in memory", errno);
  for (const MemoryFile& file : files) {
    if (Status added = made->add(file); !added) return added.error();
  }
  return std::shared_ptr<const MemoryFiles>(made);
}

Status MemoryFiles::add(const MemoryFile& file) {
  if (!is_good_path(file.path)) {
    return Error{"\"" + file.path + "\": not a relative path of names in UTF-8"};
  }
  Node* at = &root_;
  std::string_view rest = file.path;
  while (const auto name = next_name(rest)) {
    const bool last = rest.empty();
    std::unique_ptr<Node>& child = at->children[std::string(*name)];
    if (child != nullptr && (last || !child->is_directory)) {
      return Error{file.path + ": there is such a file or directory already"};
    }
    if (child == nullptr) {
      child = std::make_unique<Node>();
      child->is_directory = !last;
      child->fd = memfd(last ? file.bytes : std::string_view());
      if (!child->fd.valid()) return errno_error(file.path, errno);
    }
    at = child.get();
  }
  return Nothing{};
}

const MemoryDirectory* MemoryDirectory::of(const HostFile& file) {
  return dynamic_cast<const MemoryDirectory*>(file.device());
}

Errno MemoryDirectory::find(std::string_view path, const MemoryFiles::Node*& out) const {
  if (path.starts_with('/')) return Errno::perm;
  std::vector<const MemoryFiles::Node*> way = {&node_};
  std::string_view rest = path;
  while (const auto name = next_name(rest)) {
    if (!way.back()->is_directory) return Errno::notdir;
    if (*name == ".") continue;
    if (*name == "..") {
      if (way.size() == 1) return Errno::perm;
      way.pop_back();
      continue;
    }
    const auto child = way.back()->children.find(*name);
    if (child == way.back()->children.end()) return Errno::noent;
    way.push_back(child->second.get());
  }
  if (path.ends_with('/') && !way.back()->is_directory) return Errno::notdir;
  out = way.back();
  return Errno::success;
}

}  // namespace weft::wasip1
