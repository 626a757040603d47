// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/object_cache.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <span>

#include "base/unique_fd.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "weft-ao2";
constexpr std::string_view kExtension = ".so";
constexpr std::string_view kWork = "work-";
constexpr std::int64_t kWorkAgeMaxS = 24 * 3'600;

struct Footer {
  char magic[8];
  char key[64];
  std::uint64_t bytes;
  std::uint64_t loaded_bytes;     // From the start: what dlopen() reads.
  std::uint64_t loaded_checksum;  // Of those.
  std::uint64_t rest_checksum;    // Of the others: line numbers, which only a trap needs.
  char module[96];
};

// Finds damage, not forgery: eight bytes at a time, as fast as memory.
std::uint64_t checksum(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t lanes[4] = {1, 2, 3, 4};
  while (bytes.size() >= sizeof lanes) {
    for (std::size_t i = 0; i < 4; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + 8 * i, 8);
      lanes[i] = (lanes[i] ^ word) * kOdd;
      lanes[i] ^= lanes[i] >> 29;
    }
    bytes = bytes.subspan(sizeof lanes);
  }
  std::uint64_t sum = bytes.size();
  for (const std::byte b : bytes) sum = (sum ^ std::to_integer<std::uint64_t>(b)) * kOdd;
  for (const std::uint64_t lane : lanes) sum = ((sum << 7 | sum >> 57) ^ lane) * kOdd;
  return sum;
}

Error about(const std::string& path, const char* what) {
  return Error{path + ": " + what + ": " + std::strerror(errno)};
}

// How much of an ELF file is loaded into memory; of anything else, all.
std::size_t loaded_part(std::span<const std::byte> file) {
  Elf64_Ehdr header;
  if (file.size() < sizeof header) return file.size();
  std::memcpy(&header, file.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return file.size();
  std::uint64_t end = sizeof header;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    const std::uint64_t at = header.e_phoff + i * sizeof segment;
    if (at > file.size() || sizeof segment > file.size() - at) return file.size();
    std::memcpy(&segment, file.data() + at, sizeof segment);
    end = std::max({end, at + sizeof segment, segment.p_offset + segment.p_filesz});
  }
  return std::min<std::uint64_t>(end, file.size());
}

// The first bytes of a file, at most so many, mapped to be read.
class Mapped {
 public:
  explicit Mapped(int fd, std::size_t bytes_max = SIZE_MAX) {
    struct stat status = {};
    if (::fstat(fd, &status) != 0 || status.st_size <= 0) return;
    size_ = std::min(static_cast<std::size_t>(status.st_size), bytes_max);
    if (size_ == 0) return;
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at != MAP_FAILED) at_ = at;
  }
  ~Mapped() {
    if (at_ != nullptr) ::munmap(at_, size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(at_), at_ != nullptr ? size_ : 0};
  }

 private:
  void* at_ = nullptr;
  std::size_t size_ = 0;
};

bool is_ours(int fd) {
  struct stat status = {};
  constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & kWritableByOthers) == 0;
}

// Reads the footer of an entry for `key`. False when the file does not end with one.
bool read_footer(int fd, std::string_view key, Footer& footer) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return false;
  const off_t at = status.st_size - static_cast<off_t>(sizeof footer);
  if (at < 0 || ::pread(fd, &footer, sizeof footer, at) != static_cast<ssize_t>(sizeof footer)) {
    return false;
  }
  return std::string_view(footer.magic, sizeof footer.magic) == kMagic &&
         std::string_view(footer.key, sizeof footer.key) == key &&
         footer.bytes == static_cast<std::uint64_t>(at) && footer.loaded_bytes <= footer.bytes;
}

// Is this an entry for `key` whose code is whole? Of a large one the line numbers are most, and
// wait for check_rest().
bool check_loaded(int fd, std::string_view key, Footer& footer) {
  if (!read_footer(fd, key, footer)) return false;
  const Mapped file(fd, footer.loaded_bytes);
  return file.bytes().size() == footer.loaded_bytes &&
         footer.loaded_checksum == checksum(file.bytes());
}

bool check_rest(int fd, const Footer& footer) {
  const Mapped file(fd, footer.bytes);
  return file.bytes().size() == footer.bytes &&
         footer.rest_checksum == checksum(file.bytes().subspan(footer.loaded_bytes));
}

Status append_footer(const std::string& path, const std::string& key, std::string_view module) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return about(path, "can't be opened");
  Footer footer{};
  {
    const Mapped file(fd.get());
    footer.bytes = file.bytes().size();
    footer.loaded_bytes = loaded_part(file.bytes());
    footer.loaded_checksum = checksum(file.bytes().first(footer.loaded_bytes));
    footer.rest_checksum = checksum(file.bytes().subspan(footer.loaded_bytes));
  }
  if (footer.bytes == 0) return Error{path + ": the compiler made an empty file"};
  std::memcpy(footer.magic, kMagic.data(), kMagic.size());
  std::memcpy(footer.key, key.data(), std::min(key.size(), sizeof footer.key));
  std::memcpy(footer.module, module.data(), std::min(module.size(), sizeof footer.module - 1));
  if (::pwrite(fd.get(), &footer, sizeof footer, static_cast<off_t>(footer.bytes)) !=
          static_cast<ssize_t>(sizeof footer) ||
      ::fchmod(fd.get(), S_IRUSR | S_IXUSR) != 0 || ::fsync(fd.get()) != 0) {
    return about(path, "can't be written");
  }
  return Nothing{};
}

// A byte of the lock file, locked for as long as this lives.
class KeyLock {
 public:
  Status lock(const std::string& folder, const std::string& key, const ObjectCache::Wait& wait) {
    const std::string path = folder + "/lock";
    fd_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd_.valid()) return about(path, "can't be opened");
    struct flock range = {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(std::stoull(key.substr(0, 15), nullptr, 16));
    range.l_len = 1;
    while (::fcntl(fd_.get(), F_OFD_SETLK, &range) != 0) {
      if (errno != EINTR && errno != EAGAIN) return about(path, "can't be locked");
      wait();
    }
    return Nothing{};
  }

 private:
  UniqueFd fd_;  // Closing it unlocks.
};

}  // namespace

Result<std::string> ObjectCache::default_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') return std::string(xdg) + "/weft";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.cache/weft";
  return Error{"neither XDG_CACHE_HOME nor HOME is set; set one to keep compiled modules"};
}

Result<ObjectCache> ObjectCache::open(std::string folder, std::uint64_t bytes_max) {
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return about(folder, "can't be made");
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) return about(folder, "can't be used");
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0) return about(folder, "can't be used");
  if (status.st_uid != ::geteuid() || (status.st_mode & 022) != 0) {
    return Error{folder +
                 ": others may write it, and so what guests run; give it to yourself alone "
                 "(chmod go-w) or set XDG_CACHE_HOME"};
  }
  return ObjectCache(std::move(folder), bytes_max);
}

std::string ObjectCache::path_of(const std::string& key) const {
  return folder_ + "/" + key + std::string(kExtension);
}

std::string ObjectCache::find(const std::string& key) const {
  std::string path = path_of(key);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  Footer footer{};
  if (!fd.valid() || !is_ours(fd.get()) || !check_loaded(fd.get(), key, footer)) return {};
  (void)::futimens(fd.get(), nullptr);  // Used now: what is used longest ago goes first.
  return path;
}

bool ObjectCache::has_good_lines(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  Footer footer{};
  if (!fd.valid() || !read_footer(fd.get(), fs::path(path).stem().string(), footer)) return false;
  if (check_rest(fd.get(), footer)) return true;
  ::unlink(path.c_str());
  return false;
}

Result<std::string> ObjectCache::fill(const std::string& key, std::string_view module,
                                      const Make& make, const Wait& wait) {
  if (std::string path = find(key); !path.empty()) return path;
  KeyLock lock;
  if (Status locked = lock.lock(folder_, key, wait); !locked) return locked.error();
  if (std::string path = find(key); !path.empty()) return path;
  remove_old_work();
  return make_entry(key, module, make);
}

Result<std::string> ObjectCache::make_entry(const std::string& key, std::string_view module,
                                            const Make& make) {
  std::string work = folder_ + "/" + std::string(kWork) + "XXXXXX";
  if (::mkdtemp(work.data()) == nullptr) return about(work, "can't be made");
  struct Remove {
    const std::string& folder;
    ~Remove() {
      std::error_code error;
      fs::remove_all(folder, error);
    }
  } remove{work};
  const std::string object = work + "/object.so";
  if (Status made = make(work, object); !made) return made.error();
  if (Status finished = append_footer(object, key, module); !finished) return finished.error();
  std::string path = path_of(key);
  if (::rename(object.c_str(), path.c_str()) != 0) return about(path, "can't be put there");
  make_room(path);
  return path;
}

// Removes what was used longest ago until the rest fits.
void ObjectCache::make_room(const std::string& but) const {
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries()) {
    bytes += entry.bytes;
    const std::string path = path_of(entry.key);
    if (bytes > bytes_max_ && path != but) ::unlink(path.c_str());
  }
}

void ObjectCache::remove_old_work() const {
  std::error_code error;
  for (const auto& item : fs::directory_iterator(folder_, error)) {
    if (!item.path().filename().string().starts_with(kWork)) continue;
    struct stat status = {};
    if (::lstat(item.path().c_str(), &status) != 0) continue;
    if (std::time(nullptr) - status.st_mtime < kWorkAgeMaxS) continue;
    fs::remove_all(item.path(), error);
  }
}

std::vector<ObjectCache::Entry> ObjectCache::entries() const {
  std::vector<Entry> found;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(folder_, error)) {
    if (item.path().extension() != kExtension) continue;
    Entry entry{item.path().stem().string(), {}, 0, 0, false};
    struct stat status = {};
    const UniqueFd fd(::open(item.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) continue;
    Footer footer{};
    entry.good = is_ours(fd.get()) && check_loaded(fd.get(), entry.key, footer) &&
                 check_rest(fd.get(), footer);
    if (entry.good) entry.module = std::string(footer.module, ::strnlen(footer.module, 95));
    entry.bytes = static_cast<std::uint64_t>(status.st_size);
    entry.used_s = status.st_mtime;
    found.push_back(std::move(entry));
  }
  std::sort(found.begin(), found.end(),
            [](const Entry& a, const Entry& b) { return a.used_s > b.used_s; });
  return found;
}

std::size_t ObjectCache::clear() {
  std::size_t removed = 0;
  for (const Entry& entry : entries()) {
    if (::unlink(path_of(entry.key).c_str()) == 0) ++removed;
  }
  return removed;
}

}  // namespace weft
