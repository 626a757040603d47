// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/cache_entry.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "guest/aot/read_at.h"

namespace weft {
namespace {

constexpr std::string_view kMagic = "weft-ao2";

// Finds damage, not forgery: eight bytes at a time, as fast as memory.
class Checksum {
 public:
  // All bytes except the last ones come in whole blocks.
  static constexpr std::size_t kBlockBytes = 32;

  void add(std::span<const std::byte> bytes) {
    for (; bytes.size() >= kBlockBytes; bytes = bytes.subspan(kBlockBytes)) {
      for (std::size_t i = 0; i < std::size(lanes_); ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + 8 * i, 8);
        lanes_[i] = (lanes_[i] ^ word) * kOdd;
        lanes_[i] ^= lanes_[i] >> 29;
      }
    }
    sum_ = bytes.size();
    for (const std::byte b : bytes) sum_ = (sum_ ^ std::to_integer<std::uint64_t>(b)) * kOdd;
  }

  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t sum = sum_;
    for (const std::uint64_t lane : lanes_) sum = ((sum << 7 | sum >> 57) ^ lane) * kOdd;
    return sum;
  }

 private:
  static constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t lanes_[kBlockBytes / 8] = {1, 2, 3, 4};
  std::uint64_t sum_ = 0;  // Of what is behind the last whole block.
};

// Of the bytes of a file from here to there; none when it has not so many.
std::optional<std::uint64_t> checksum_of(int fd, std::uint64_t from, std::uint64_t to,
                                         const std::function<void()>& step = {}) {
  constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
  static_assert(kPieceBytes % Checksum::kBlockBytes == 0);
  const auto piece = std::make_unique_for_overwrite<std::byte[]>(kPieceBytes);
  Checksum sum;
  for (std::uint64_t at = from; at < to;) {
    const std::size_t wanted = std::min<std::uint64_t>(kPieceBytes, to - at);
    if (!read_at(fd, {piece.get(), wanted}, at)) return std::nullopt;
    sum.add({piece.get(), wanted});
    at += wanted;
    if (step) step();
  }
  return sum.value();
}

Error entry_error(const std::string& path, const char* what) {
  return Error{path + ": " + what + ": " + std::strerror(errno)};
}

// How much of an ELF file of so many bytes is loaded into memory; of anything else, all.
std::uint64_t loaded_part(int fd, std::uint64_t bytes) {
  Elf64_Ehdr header;
  if (!read_at(fd, std::as_writable_bytes(std::span(&header, 1)), 0) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return bytes;
  }
  std::uint64_t end = sizeof header;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    const std::uint64_t at = header.e_phoff + i * sizeof segment;
    if (!read_at(fd, std::as_writable_bytes(std::span(&segment, 1)), at)) return bytes;
    end = std::max({end, at + sizeof segment, segment.p_offset + segment.p_filesz});
  }
  return std::min(end, bytes);
}

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
  const auto sum = checksum_of(entry.fd(), 0, entry.footer_.loaded_bytes);
  if (sum != entry.footer_.loaded_checksum) return std::nullopt;
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

bool CacheEntry::is_whole(const std::function<void()>& step) const {
  return checksum_of(fd(), footer_.loaded_bytes, footer_.bytes, step) == footer_.rest_checksum;
}

bool CacheEntry::is_cut_off() const {
  struct stat status = {};
  return ::fstat(fd(), &status) != 0 ||
         static_cast<std::uint64_t>(status.st_size) < footer_.loaded_bytes;
}

bool CacheEntry::has_good_lines(const std::function<void()>& step) const {
  if (is_whole(step)) return true;
  ::unlinkat(folder_->get(), file_of({footer_.key, sizeof footer_.key}).c_str(), 0);
  return false;
}

Status CacheEntry::finish(const std::string& object, std::string_view key,
                          std::string_view module) {
  const UniqueFd fd(::open(object.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return entry_error(object, "can't be opened");
  Footer footer{};
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return entry_error(object, "can't be looked at");
  footer.bytes = static_cast<std::uint64_t>(status.st_size);
  footer.loaded_bytes = loaded_part(fd.get(), footer.bytes);
  const auto loaded = checksum_of(fd.get(), 0, footer.loaded_bytes);
  const auto rest = checksum_of(fd.get(), footer.loaded_bytes, footer.bytes);
  if (!loaded || !rest) return entry_error(object, "can't be read");
  footer.loaded_checksum = *loaded;
  footer.rest_checksum = *rest;
  if (footer.bytes == 0) return Error{object + ": the compiler made an empty file"};
  std::memcpy(footer.magic, kMagic.data(), kMagic.size());
  std::memcpy(footer.key, key.data(), std::min(key.size(), sizeof footer.key));
  std::memcpy(footer.module, module.data(), std::min(module.size(), sizeof footer.module - 1));
  // Not fsync(), which may take seconds: what a crash of the system leaves of it is found damaged.
  if (::pwrite(fd.get(), &footer, sizeof footer, static_cast<off_t>(footer.bytes)) !=
          static_cast<ssize_t>(sizeof footer) ||
      ::fchmod(fd.get(), S_IRUSR | S_IXUSR) != 0) {
    return entry_error(object, "can't be written");
  }
  return Nothing{};
}

}  // namespace weft
