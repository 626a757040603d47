// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/cache_entry.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

namespace weft {
namespace {

constexpr std::string_view kMagic = "weft-ao2";

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

}  // namespace

std::optional<CacheEntry> CacheEntry::open(std::shared_ptr<const UniqueFd> folder,
                                           const std::string& folder_path, std::string_view key) {
  const std::string name = file_of(key);
  // A FIFO would have open() wait for a writer.
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  UniqueFd file(::openat(folder->get(), name.c_str(), kFlags));
  if (!file.valid()) return std::nullopt;
  CacheEntry entry(std::move(file), std::move(folder), folder_path + "/" + name);
  if (!entry.is_ours() || !entry.read_footer(key)) return std::nullopt;
  const Mapped code(entry.fd(), entry.footer_.loaded_bytes);
  if (code.bytes().size() != entry.footer_.loaded_bytes ||
      entry.footer_.loaded_checksum != checksum(code.bytes())) {
    return std::nullopt;
  }
  return entry;
}

bool CacheEntry::is_ours() const {
  struct stat status = {};
  constexpr mode_t kWritableByOthers = S_IWGRP | S_IWOTH;
  return ::fstat(fd(), &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & kWritableByOthers) == 0;
}

// False when the file does not end with a footer for `key`.
bool CacheEntry::read_footer(std::string_view key) {
  struct stat status = {};
  if (::fstat(fd(), &status) != 0) return false;
  const off_t at = status.st_size - static_cast<off_t>(sizeof footer_);
  if (at < 0 ||
      ::pread(fd(), &footer_, sizeof footer_, at) != static_cast<ssize_t>(sizeof footer_)) {
    return false;
  }
  return std::string_view(footer_.magic, sizeof footer_.magic) == kMagic &&
         std::string_view(footer_.key, sizeof footer_.key) == key &&
         footer_.bytes == static_cast<std::uint64_t>(at) && footer_.loaded_bytes <= footer_.bytes;
}

std::string CacheEntry::module() const {
  return {footer_.module, ::strnlen(footer_.module, sizeof footer_.module)};
}

bool CacheEntry::is_whole() const {
  const Mapped all(fd(), footer_.bytes);
  return all.bytes().size() == footer_.bytes &&
         footer_.rest_checksum == checksum(all.bytes().subspan(footer_.loaded_bytes));
}

bool CacheEntry::has_good_lines() const {
  if (is_whole()) return true;
  ::unlinkat(folder_->get(), file_of({footer_.key, sizeof footer_.key}).c_str(), 0);
  return false;
}

Status CacheEntry::finish(const std::string& object, std::string_view key,
                          std::string_view module) {
  const UniqueFd fd(::open(object.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return about(object, "can't be opened");
  Footer footer{};
  {
    const Mapped file(fd.get());
    footer.bytes = file.bytes().size();
    footer.loaded_bytes = loaded_part(file.bytes());
    footer.loaded_checksum = checksum(file.bytes().first(footer.loaded_bytes));
    footer.rest_checksum = checksum(file.bytes().subspan(footer.loaded_bytes));
  }
  if (footer.bytes == 0) return Error{object + ": the compiler made an empty file"};
  std::memcpy(footer.magic, kMagic.data(), kMagic.size());
  std::memcpy(footer.key, key.data(), std::min(key.size(), sizeof footer.key));
  std::memcpy(footer.module, module.data(), std::min(module.size(), sizeof footer.module - 1));
  // Not fsync(), which may take seconds: what a crash of the system leaves of it is found damaged.
  if (::pwrite(fd.get(), &footer, sizeof footer, static_cast<off_t>(footer.bytes)) !=
          static_cast<ssize_t>(sizeof footer) ||
      ::fchmod(fd.get(), S_IRUSR | S_IXUSR) != 0) {
    return about(object, "can't be written");
  }
  return Nothing{};
}

}  // namespace weft
