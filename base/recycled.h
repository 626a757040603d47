// SPDX-License-Identifier: Apache-2.0
// Recycled<T>: a T whose memory is kept, when it is deleted, for the next T of the same thread.
//
// For small objects that come and go all the time: `new` takes the one that was deleted last, and
// asks malloc only when there is none. A thread keeps only memory that it deleted and has not used
// again, and frees it at its end. Under AddressSanitizer nothing is kept, so that a use after
// `delete` is found.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "base/sanitizers.h"

namespace weft {

template <class T>
class Recycled {
 public:
  static void* operator new(std::size_t bytes) {
    static_assert(sizeof(T) >= sizeof(Free) && alignof(T) <= alignof(std::max_align_t));
    if (bytes == sizeof(T) && kept.first != nullptr) {
      return std::exchange(kept.first, kept.first->next);
    }
    return ::operator new(bytes);
  }
  static void operator delete(void* object, [[maybe_unused]] std::size_t bytes) {
#if !defined(WEFT_ASAN)
    if (bytes == sizeof(T) && !gone) {
      kept.first = new (object) Free{kept.first};
      return;
    }
#endif
    ::operator delete(object);
  }

 private:
  struct Free {
    Free* next;
  };
  struct Kept {
    Free* first = nullptr;
    ~Kept() {
      gone = true;
      while (first != nullptr) ::operator delete(std::exchange(first, first->next));
    }
  };

  static thread_local Kept kept;
  // Objects of static lifetime are deleted after the thread's.
  static constinit thread_local bool gone;
};

template <class T>
thread_local typename Recycled<T>::Kept Recycled<T>::kept;
template <class T>
constinit thread_local bool Recycled<T>::gone = false;

}  // namespace weft
