// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/code_space.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace weft::jit {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kFirstChunkBytes = std::size_t{32} << 10;
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
constexpr std::size_t kLeastBytes = std::size_t{16} << 20;
constexpr unsigned kMayRun = 0x10;  // MFD_EXEC, of Linux 6.3.

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

// Less where address space is short.
Result<std::shared_ptr<CodeSpace>> CodeSpace::make(std::size_t bytes_max, Breakpoints breakpoints) {
  auto made = make_of(whole_pages(bytes_max), breakpoints);
  for (std::size_t bytes = bytes_max / 2; !made && bytes >= kLeastBytes; bytes /= 2) {
    made = make_of(whole_pages(bytes), breakpoints);
  }
  return made;
}

Result<std::shared_ptr<CodeSpace>> CodeSpace::make_of(std::size_t bytes, Breakpoints breakpoints) {
  UniqueFd file(::memfd_create("weft-code", MFD_CLOEXEC | kMayRun));
  if (!file.valid()) file = UniqueFd(::memfd_create("weft-code", MFD_CLOEXEC));
  if (!file.valid() || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    return Error{std::string("the system gives no memory for code: ") + std::strerror(errno)};
  }
  void* writable =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
  const int also = breakpoints == Breakpoints::yes ? PROT_WRITE : 0;
  void* runs = ::mmap(nullptr, bytes, PROT_READ | PROT_EXEC | also, MAP_SHARED | MAP_NORESERVE,
                      file.get(), 0);
  if (writable == MAP_FAILED || runs == MAP_FAILED) {
    const int error = errno;
    if (writable != MAP_FAILED) ::munmap(writable, bytes);
    if (runs != MAP_FAILED) ::munmap(runs, bytes);
    return Error{std::string("the system lets no code be made: ") + std::strerror(error)};
  }
  return std::shared_ptr<CodeSpace>(new CodeSpace(std::move(file),
                                                  static_cast<std::uint8_t*>(writable),
                                                  static_cast<std::uint8_t*>(runs), bytes));
}

CodeSpace::CodeSpace(UniqueFd file, std::uint8_t* writable, std::uint8_t* runs, std::size_t bytes)
    : file_(std::move(file)), writable_(writable), runs_(runs), bytes_(bytes) {
  free_[0] = bytes;
}

CodeSpace::~CodeSpace() {
  ::munmap(writable_, bytes_);
  ::munmap(runs_, bytes_);
}

bool CodeSpace::take(std::size_t bytes, std::size_t& offset) {
  for (auto it = free_.begin(); it != free_.end(); ++it) {
    if (it->second < bytes) continue;
    offset = it->first;
    const std::size_t rest = it->second - bytes;
    free_.erase(it);
    if (rest > 0) free_[offset + bytes] = rest;
    used_ += bytes;
    return true;
  }
  return false;
}

void CodeSpace::give_back(std::size_t offset, std::size_t bytes) {
  used_ -= bytes;
  (void)::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(offset), static_cast<off_t>(bytes));
  const auto after = free_.upper_bound(offset);
  if (after != free_.end() && offset + bytes == after->first) {
    bytes += after->second;
    free_.erase(after);
  }
  const auto behind = free_.upper_bound(offset);
  if (behind != free_.begin()) {
    const auto before = std::prev(behind);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  free_[offset] = bytes;
}

ModuleCode::~ModuleCode() {
  for (const Chunk& chunk : chunks_) space_->give_back(chunk.offset, chunk.bytes);
}

CodePlace ModuleCode::place(std::size_t bytes) {
  bytes = (bytes + 15) / 16 * 16;
  if (chunks_.empty() || chunks_.back().bytes - chunks_.back().used < bytes) {
    const std::size_t usual = chunks_.empty() ? kFirstChunkBytes : kChunkBytes;
    Chunk chunk{0, whole_pages(std::max(bytes, usual)), 0};
    chunks_.reserve(chunks_.size() + 1);
    if (!space_->take(chunk.bytes, chunk.offset)) return {};
    chunks_.push_back(chunk);
  }
  Chunk& chunk = chunks_.back();
  const std::size_t at = chunk.offset + chunk.used;
  chunk.used += bytes;
  bytes_ += bytes;
  return {space_->writable(at), space_->runs(at)};
}

}  // namespace weft::jit
