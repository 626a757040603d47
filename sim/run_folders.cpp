// SPDX-License-Identifier: Apache-2.0
#include "sim/run_folders.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/unique_fd.h"
#include "os/wasip1/resolve.h"

namespace weft::sim {
namespace {

namespace fs = std::filesystem;

// Does it lie where no guest may read (procfs, cgroups)?
bool is_barred(const fs::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_PATH | O_CLOEXEC));
  return fd.valid() && wasip1::check_file_system(fd.get()) != wasip1::Errno::success;
}

// One folder on its way into another. What no guest may read there is left out.
class Copy {
 public:
  Copy(fs::path from, fs::path to) : from_(std::move(from)), to_(std::move(to)) {}

  Status make() {
    if (is_barred(from_)) return Error{from_.string() + ": no guest may have the host's processes"};
    auto entry = fs::recursive_directory_iterator(from_, error_);
    for (const auto end = fs::recursive_directory_iterator(); !error_ && entry != end;
         entry.increment(error_)) {
      if (leads_to_copies(*entry)) {
        entry.disable_recursion_pending();
        continue;
      }
      if (is_barred_folder(*entry)) entry.disable_recursion_pending();
      if (Status copied = copy(*entry); !copied) return copied;
    }
    if (error_) return Error{from_.string() + ": can't be copied: " + error_.message()};
    return Nothing{};
  }

 private:
  // Is it the folder of all copies?
  [[nodiscard]] bool leads_to_copies(const fs::directory_entry& entry) const {
    std::error_code error;
    return fs::equivalent(entry.path(), to_, error) ||
           fs::equivalent(entry.path(), to_.parent_path(), error);
  }

  [[nodiscard]] static bool is_barred_folder(const fs::directory_entry& entry) {
    std::error_code error;
    return fs::is_directory(entry.symlink_status(error)) && is_barred(entry.path());
  }

  Status copy(const fs::directory_entry& entry) {
    const fs::path to = to_ / entry.path().lexically_relative(from_);
    std::error_code error;
    const fs::file_status status = entry.symlink_status(error);
    if (fs::is_directory(status)) {
      fs::create_directory(to, entry.path(), error);
    } else if (fs::is_symlink(status)) {
      fs::copy_symlink(entry.path(), to, error);
    } else if (fs::is_regular_file(status)) {
      bytes_ += entry.file_size(error);
    } else {
      return Error{entry.path().string() +
                   ": can't be copied: it is neither a file nor a directory nor a link"};
    }
    if (++files_ > RunFolders::kCopiedFilesMax || bytes_ > RunFolders::kCopiedBytesMax) {
      return Error{from_.string() + ": too large for a copy in each run: it has more than " +
                   std::to_string(RunFolders::kCopiedFilesMax) + " files or 1 GiB"};
    }
    if (!error && fs::is_regular_file(status)) fs::copy_file(entry.path(), to, error);
    if (error) return Error{entry.path().string() + ": can't be copied: " + error.message()};
    return Nothing{};
  }

  const fs::path from_;
  const fs::path to_;
  std::error_code error_;
  std::uint64_t bytes_ = 0;
  std::uint64_t files_ = 0;
};

}  // namespace

RunFolders::~RunFolders() {
  std::error_code ignored;
  for (const auto& [key, path] : made_) fs::remove_all(path, ignored);
}

Result<std::string> RunFolders::place(const Folder& folder) {
  if (!folder.host_path.empty() && !copy_) return folder.host_path;
  const std::string key =
      folder.host_path + ":" + (folder.host_path.empty() ? folder.guest_path : "");
  if (const auto it = made_.find(key); it != made_.end()) return it->second;
  std::error_code error;
  std::string path = (fs::temp_directory_path(error) / "weft-XXXXXX").string();
  if (error) return Error{"no folder for copies: " + error.message() + "; see $TMPDIR"};
  if (::mkdtemp(path.data()) == nullptr) return errno_error(path, errno);
  made_[key] = path;
  if (folder.host_path.empty()) return path;
  const fs::path from = fs::canonical(folder.host_path, error);  // It may be a link to a folder.
  if (error) return Error{folder.host_path + ": can't be copied: " + error.message()};
  if (Status copied = Copy(from, path).make(); !copied) return copied.error();
  return path;
}

}  // namespace weft::sim
