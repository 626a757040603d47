// SPDX-License-Identifier: Apache-2.0
// The part of the C++ ABI that the target's libc++abi lacks: what `throw` calls, and what
// std::exception_ptr does. Its names are those of "Itanium C++ ABI: Exception Handling", 2.4.
#include "scheduler/no_unwinding.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "scheduler/fiber_asyncify.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the ABI's names.
namespace weft {
namespace {

// Before each thrown object.
struct alignas(16) Header {
  const std::type_info* type;
  detail::Destroy destroy;
  int references;
};

Header& header_of(void* thrown) {
  return *(static_cast<Header*>(thrown) - 1);
}

CatchPoint* throwing_to = nullptr;
volatile bool never = false;

void release(void* thrown) {
  if (thrown == nullptr || --header_of(thrown).references > 0) return;
  if (header_of(thrown).destroy != nullptr) header_of(thrown).destroy(thrown);
  std::free(&header_of(thrown));
}

[[gnu::noinline]] void prepare_throw(void* thrown) {
  const FiberContext fiber = running_fiber();
  CatchPoint* const point = fiber->catching;
  if (point == nullptr) {
    std::fprintf(stderr,
                 "weft: an exception of type %s: this target has none, and nobody waits for it\n",
                 header_of(thrown).type->name());
    std::abort();
  }
  point->thrown = thrown;
  point->type = header_of(thrown).type;
  throwing_to = point;
  detail::make_room_to_save(fiber);
}

// Asyncify must not rewrite it, and what it does must not spread to its callers.
[[gnu::noinline]] void end_throw() {
  set_stack_pointer(throwing_to->stack_pointer);
  throwing_to = nullptr;
  weft_asyncify_stop_unwind();
}

extern "C" [[gnu::noinline]] void weft_raise(void* thrown) {
  prepare_throw(thrown);
  weft_asyncify_start_unwind(running_fiber());
}

}  // namespace

CatchPoint::~CatchPoint() {
  release(thrown);
}

namespace detail {

// Unwinding and rewinding pass through it: it holds nothing that they would have to save. The call
// that is never made tells Asyncify to rewrite its callers, and not it.
extern "C" [[gnu::noinline]] void weft_call_catching(void (*f)(void*), void* context,
                                                     CatchPoint* point) {
  f(context);
  if (throwing_to == point) end_throw();
  if (never) weft_asyncify_stop_rewind();
}

void* allocate_exception(std::size_t bytes, const std::type_info& type, Destroy destroy) {
  auto* header = static_cast<Header*>(std::aligned_alloc(16, (sizeof(Header) + bytes + 15) & ~15U));
  if (header == nullptr) std::abort();
  *header = {.type = &type, .destroy = destroy, .references = 0};
  return header + 1;
}

std::exception_ptr exception_pointer(void* thrown) {
  std::exception_ptr pointer;
  static_assert(sizeof pointer == sizeof thrown, "libc++'s is a pointer to the object");
  ++header_of(thrown).references;
  std::memcpy(static_cast<void*>(&pointer), &thrown, sizeof thrown);
  return pointer;
}

}  // namespace detail
}  // namespace weft

// The target's own gives back null when there is no memory, which nobody looks at.
namespace {
void* new_or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* aligned(std::size_t bytes, std::align_val_t to) {
  const auto alignment = static_cast<std::size_t>(to);
  return std::aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
}
}  // namespace

void* operator new(std::size_t bytes) {
  return new_or_throw(std::malloc(bytes != 0 ? bytes : 1));
}
void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t to) {
  return new_or_throw(aligned(bytes, to));
}
void* operator new[](std::size_t bytes, std::align_val_t to) {
  return operator new(bytes, to);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes != 0 ? bytes : 1);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes != 0 ? bytes : 1);
}
void* operator new(std::size_t bytes, std::align_val_t to, const std::nothrow_t&) noexcept {
  return aligned(bytes, to);
}
void* operator new[](std::size_t bytes, std::align_val_t to, const std::nothrow_t&) noexcept {
  return aligned(bytes, to);
}

extern "C" {

void* __cxa_allocate_exception(std::size_t bytes) {
  return weft::detail::allocate_exception(bytes, typeid(void), nullptr);
}
void __cxa_free_exception(void* thrown) {
  std::free(&weft::header_of(thrown));
}
// It does return, while the frames above are dropped.
void __cxa_throw(void* thrown, std::type_info* type, weft::detail::Destroy destroy) {
  weft::header_of(thrown) = {.type = type, .destroy = destroy, .references = 1};
  weft::weft_raise(thrown);
}
void __cxa_rethrow_primary_exception(void* thrown) {
  if (thrown == nullptr) return;
  ++weft::header_of(thrown).references;
  weft::weft_raise(thrown);
}
void __cxa_increment_exception_refcount(void* thrown) noexcept {
  if (thrown != nullptr) ++weft::header_of(thrown).references;
}
void __cxa_decrement_exception_refcount(void* thrown) noexcept {
  weft::release(thrown);
}
void* __cxa_current_primary_exception() noexcept {
  return nullptr;
}
bool __cxa_uncaught_exception() noexcept {
  return false;
}
unsigned int __cxa_uncaught_exceptions() noexcept {
  return 0;
}
}
// NOLINTEND(bugprone-reserved-identifier)
