// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/linear_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "os/wasip1/long_call.h"

namespace weft {
namespace {

constexpr std::size_t kReservedBytes = std::size_t{8} << 30;
constexpr std::size_t kPlaceBytesMin = 64 * 1024;
constexpr std::size_t kSlabBytes = std::size_t{256} << 20;
constexpr std::size_t kFreeGuardedMax = 64;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kStepBytes = std::size_t{1} << 20;
constexpr std::size_t kReleasedAtOnce = std::size_t{32} << 20;

// Takes a memory's pages from it; they are zero, or the image's, when they are touched again. False
// when the pages are locked (mlockall).
bool forget(std::uint8_t* data, std::size_t bytes) {
  return bytes == 0 || ::madvise(data, bytes, MADV_DONTNEED) == 0;
}

// The next owner of the memory must find nothing in it.
void wipe(std::uint8_t* data, std::size_t bytes) {
  if (!forget(data, bytes)) std::memset(data, 0, bytes);
}

// Whole pages, to where all is zero. A page of zeroes, as one that was never touched, takes no
// memory there either.
void copy_touched(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) {
  static constexpr std::uint8_t kZeroes[kPageBytes] = {};
  for (std::size_t at = 0; at < bytes; at += kPageBytes) {
    if (std::memcmp(from + at, kZeroes, kPageBytes) == 0) continue;
    std::memcpy(to + at, from + at, kPageBytes);
  }
}

// Makes what is behind the first `bytes` of a guarded memory inaccessible.
bool cut(MemoryPlace& place, std::size_t bytes) {
  if (place.reserved_bytes == 0 || place.usable_bytes <= bytes) return true;
  if (::mprotect(place.data + bytes, place.usable_bytes - bytes, PROT_NONE) != 0) return false;
  place.usable_bytes = bytes;
  return true;
}

}  // namespace

MemoryPool::~MemoryPool() {
  for (const MemoryPlace& place : free_guarded_) ::munmap(place.data, place.reserved_bytes);
  for (const Slab& slab : slabs_) ::munmap(slab.data, slab.bytes);
}

bool MemoryPool::can_guard() {
  void* at = ::mmap(nullptr, kReservedBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
  if (at == MAP_FAILED) return false;
  ::munmap(at, kReservedBytes);
  return true;
}

std::uint8_t* MemoryPool::map(std::size_t bytes, int protection) {
  void* at = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  ++mappings_;
  return static_cast<std::uint8_t*>(at);
}

bool MemoryPool::take(std::size_t bytes, bool guard, MemoryPlace& place) {
  if (!(guard ? take_guarded(bytes, place) : take_from_slab(bytes, place))) return false;
  ++in_use_;
  return true;
}

bool MemoryPool::take_guarded(std::size_t bytes, MemoryPlace& place) {
  MemoryPlace taken;
  if (!free_guarded_.empty()) {
    taken = free_guarded_.back();
    free_guarded_.pop_back();
  } else {
    taken = {map(kReservedBytes, PROT_NONE), 0, kReservedBytes};
    if (taken.data == nullptr) return false;
  }
  if (cut(taken, bytes) && grow(taken, taken.usable_bytes, bytes)) {
    place = taken;
    return true;
  }
  ::munmap(taken.data, taken.reserved_bytes);
  --mappings_;
  return false;
}

bool MemoryPool::take_from_slab(std::size_t bytes, MemoryPlace& place) {
  const std::size_t size = std::bit_ceil(std::max(bytes, kPlaceBytesMin));
  std::vector<std::uint8_t*>& free = free_in_slabs_[size];
  if (!free.empty()) {
    place = {free.back(), size, 0};
    free.pop_back();
    return true;
  }
  if (slabs_.empty() || slabs_.back().bytes - slab_used_ < size) {
    const std::size_t slab_bytes = std::max(kSlabBytes, size);
    std::uint8_t* data = map(slab_bytes, PROT_READ | PROT_WRITE);
    if (data == nullptr) return false;
    (void)::madvise(data, slab_bytes, MADV_NOHUGEPAGE);  // One touch must cost one page.
    slabs_.push_back({data, slab_bytes});
    slab_used_ = 0;
  }
  place = {slabs_.back().data + slab_used_, size, 0};
  slab_used_ += size;
  return true;
}

bool MemoryPool::grow(MemoryPlace& place, std::size_t old_bytes, std::size_t bytes,
                      const std::function<bool()>& turn) {
  if (bytes <= place.usable_bytes) return true;
  if (place.reserved_bytes != 0) {
    if (::mprotect(place.data + place.usable_bytes, bytes - place.usable_bytes,
                   PROT_READ | PROT_WRITE) != 0) {
      return false;
    }
    place.usable_bytes = bytes;
    return true;
  }
  return move(place, old_bytes, bytes, turn);
}

bool MemoryPool::move(MemoryPlace& place, std::size_t old_bytes, std::size_t bytes,
                      const std::function<bool()>& turn) {
  MemoryPlace larger;
  if (!take_from_slab(bytes, larger)) return false;
  ++in_use_;
  for (std::size_t at = 0; at < old_bytes; at += kStepBytes) {
    const std::size_t step = std::min(old_bytes - at, kStepBytes);
    copy_touched(larger.data + at, place.data + at, step);
    if (at + step < old_bytes && turn && !turn()) {
      give_back(larger, at + step);
      return false;
    }
  }
  give_back(place, old_bytes);
  place = larger;
  return true;
}

void MemoryPool::lay(MemoryImage& image, MemoryPlace& place) {
  if (place.image_end != 0) return;
  if (!image.map(place.data)) return image.copy(place.data);
  place.image_begin = image.mapped_begin();
  place.image_end = image.mapped_end();
}

bool MemoryPool::reset(MemoryPlace& place, std::size_t used_bytes, std::size_t bytes) {
  if (place.image_end == 0) {
    wipe(place.data, used_bytes);
  } else if (!forget(place.data, used_bytes)) {
    return false;
  }
  return cut(place, bytes);
}

void MemoryPool::release(const MemoryPlace& place, std::size_t bytes) noexcept {
  if (scheduler_of_thread == nullptr || scheduler_of_thread->current() == nullptr) return;
  wasip1::WorkToFinish turns;
  for (std::size_t at = 0; at + kReleasedAtOnce < bytes; at += kReleasedAtOnce) {
    if (!forget(place.data + at, kReleasedAtOnce)) break;
    turns.give_way();
  }
}

void MemoryPool::give_back(MemoryPlace& place, std::size_t bytes) {
  --in_use_;
  const bool guarded = place.reserved_bytes != 0;
  const bool kept = !guarded || free_guarded_.size() < kFreeGuardedMax;
  const bool plain = place.image_end == 0 ||
                     (kept && MemoryImage::unmap(place.data, place.image_begin, place.image_end));
  if (kept) wipe(place.data, guarded ? place.usable_bytes : bytes);
  if (kept && plain) {
    place.image_begin = place.image_end = 0;
    if (guarded) {
      free_guarded_.push_back(place);
    } else {
      free_in_slabs_[place.usable_bytes].push_back(place.data);
    }
  } else if (guarded) {
    if (place.image_end != 0) MemoryImage::forget_mapping();
    ::munmap(place.data, place.reserved_bytes);
    --mappings_;
  }  // Else a place in a slab stays as it is, used by nobody, until the pool goes.
  place = {};
}

}  // namespace weft
