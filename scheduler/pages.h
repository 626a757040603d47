// SPDX-License-Identifier: Apache-2.0
// Memory in pages, for stacks and Gs: what the scheduler asks of an operating system. Two homes:
//
//   scheduler/pages_linux.cpp   mmap and madvise. Memory is committed when it is touched, and a
//                               page can be made to fault
//   scheduler/pages_wasm.cpp    the C library's heap: nothing faults, and nothing goes back
#pragma once

#include <cstddef>

namespace weft::pages {

// The size of a page, a power of two.
std::size_t bytes();

// So many bytes in one piece, whole pages. nullptr: there are none, and errno says why.
void* take(std::size_t bytes);
// Takes back all that take() gave.
void give_back(void* memory, std::size_t bytes) noexcept;

// One touch of this memory must cost one page.
void never_huge(void* memory, std::size_t bytes) noexcept;

// What is written in these whole pages is not needed any more; they may be zero afterwards.
void forget(void* memory, std::size_t bytes) noexcept;

// Makes a page fault when it is touched. A light guard keeps a mapping in one piece, a heavy one
// splits it. False: it can't.
bool has_light_guards();
bool guard_lightly(void* page) noexcept;
bool guard_heavily(void* page) noexcept;
// How many heavy guards a process should have at most.
std::size_t heavy_guards_max();

// How much the first take() of a pool of stacks asks for.
#if defined(__wasm__)
inline constexpr std::size_t kFirstSlabBytes = 256 * 1024;  // It is the heap's, touched or not.
#else
inline constexpr std::size_t kFirstSlabBytes = 4 * 1024 * 1024;
#endif

}  // namespace weft::pages
