// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

#include "scheduler/pages.h"

namespace weft::pages {
namespace {

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // linux/mman.h since 6.13; older libc headers lack it.
#endif

}  // namespace

std::size_t bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

void* take(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void give_back(void* memory, std::size_t bytes) noexcept {
  ::munmap(memory, bytes);
}

// It can fail for locked memory, and on a system with larger pages: then that stays.
void forget(void* memory, std::size_t bytes) noexcept {
  (void)::madvise(memory, bytes, MADV_DONTNEED);
}

bool has_light_guards() {
  static const bool has = [] {
    void* const page = take(bytes());
    if (page == nullptr) return false;
    const bool ok = guard_lightly(page);
    give_back(page, bytes());
    return ok;
  }();
  return has;
}

bool guard_lightly(void* page) noexcept {
  return ::madvise(page, bytes(), MADV_GUARD_INSTALL) == 0;
}

bool guard_heavily(void* page) noexcept {
  return ::mprotect(page, bytes(), PROT_NONE) == 0;
}

// Each PROT_NONE page splits a mapping and so costs two; half of the limit is left to the rest of
// the process.
std::size_t heavy_guards_max() {
  std::size_t max_map_count = 65530;
  if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re"); file != nullptr) {
    if (std::fscanf(file, "%zu", &max_map_count) != 1) max_map_count = 65530;
    std::fclose(file);
  }
  return max_map_count / 4;
}

void never_huge(void* memory, std::size_t bytes) noexcept {
  // Best effort: kernels without transparent huge pages answer EINVAL, and there is nothing to turn
  // off.
  (void)::madvise(memory, bytes, MADV_NOHUGEPAGE);
}

}  // namespace weft::pages
