// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/memory_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

namespace weft {
namespace {

// A file has no more holes than this beside what it holds: a guest that reads them fills them, for
// as long as the module lives.
constexpr std::size_t kHolesBytesMax = std::size_t{1} << 20;

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::atomic<long>& mappings_left() {
  static std::atomic<long> left = [] {
    long max_map_count = 65'530;
    if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re"); file != nullptr) {
      if (std::fscanf(file, "%ld", &max_map_count) != 1) max_map_count = 65'530;
      std::fclose(file);
    }
    return max_map_count / 8;
  }();
  return left;
}

}  // namespace

void MemoryImage::add(std::uint32_t at, const std::uint8_t* bytes, std::uint32_t count) noexcept {
  if (count == 0) return;
  try {
    segments_.push_back({at, count, bytes});
  } catch (const std::bad_alloc&) {
    lost_ = true;
  }
}

void MemoryImage::clear() noexcept {
  segments_.clear();
  lost_ = false;
}

void MemoryImage::complete() noexcept {
  if (lost_) return clear();
  complete_ = true;
}

// Sealed: nothing can change what guests share. Filled through a mapping: Go programs have segments
// by the ten thousand, and a call for each would take longer than all the rest of a start.
void MemoryImage::make_file() noexcept {
  std::size_t begin = SIZE_MAX;
  std::size_t end = 0;
  std::size_t bytes = 0;
  for (const Segment& segment : segments_) {
    begin = std::min<std::size_t>(begin, segment.at);
    end = std::max(end, std::size_t{segment.at} + segment.count);
    bytes += segment.count;
  }
  if (bytes < kMappedBytesMin || end - begin > bytes + kHolesBytesMax) return;
  begin = begin / page_bytes() * page_bytes();
  end = (end + page_bytes() - 1) / page_bytes() * page_bytes();
  UniqueFd file(::memfd_create("weft-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || ::ftruncate(file.get(), static_cast<off_t>(end - begin)) != 0) return;
  void* at = ::mmap(nullptr, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return;
  copy(static_cast<std::uint8_t*>(at), begin);
  ::munmap(at, end - begin);
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return;
  file_ = std::move(file);
  begin_ = begin;
  end_ = end;
}

bool MemoryImage::map(std::uint8_t* data) noexcept {
  if (!std::exchange(file_tried_, true)) make_file();
  if (!file_.valid()) return false;
  if (mappings_left().fetch_sub(1) <= 0) {
    forget_mapping();
    return false;
  }
  void* at = ::mmap(data + begin_, end_ - begin_, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file_.get(), 0);
  if (at != MAP_FAILED) return true;
  forget_mapping();
  return false;
}

bool MemoryImage::unmap(std::uint8_t* data, std::size_t begin, std::size_t end) noexcept {
  void* at = ::mmap(data + begin, end - begin, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  (void)::madvise(at, end - begin, MADV_NOHUGEPAGE);  // As the rest of a slab: one mapping again.
  forget_mapping();
  return true;
}

void MemoryImage::forget_mapping() noexcept {
  mappings_left().fetch_add(1);
}

void MemoryImage::copy(std::uint8_t* data, std::size_t from) const noexcept {
  for (const Segment& segment : segments_) {
    std::memcpy(data + (segment.at - from), segment.bytes, segment.count);
  }
}

}  // namespace weft
