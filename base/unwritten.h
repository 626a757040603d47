// SPDX-License-Identifier: Apache-2.0
// make_unwritten: std::make_unique_for_overwrite<T[]>, which not every C++20 library has.
#pragma once

#include <cstddef>
#include <memory>

namespace weft {

// `count` Ts that nobody has written yet. Throws std::bad_alloc.
template <class T>
std::unique_ptr<T[]> make_unwritten(std::size_t count) {
  return std::unique_ptr<T[]>(new T[count]);
}

}  // namespace weft
