// SPDX-License-Identifier: Apache-2.0
// Instructions that C++ does for compiled code. They trap by JitInstance::trap(), which jumps over
// their frames: no local in them may have a destructor.
#pragma once

#include "guest/jit/stubs.h"

namespace weft::jit {

struct Helpers {
  static std::uint64_t memory_grow(Context* context, std::uint64_t* arguments);
  static std::uint64_t memory_init(Context* context, std::uint64_t* arguments);
  static std::uint64_t data_drop(Context* context, std::uint64_t* arguments);
  static std::uint64_t memory_copy(Context* context, std::uint64_t* arguments);
  static std::uint64_t memory_fill(Context* context, std::uint64_t* arguments);
  static std::uint64_t table_init(Context* context, std::uint64_t* arguments);
  static std::uint64_t elem_drop(Context* context, std::uint64_t* arguments);
  static std::uint64_t table_copy(Context* context, std::uint64_t* arguments);
  static std::uint64_t table_grow(Context* context, std::uint64_t* arguments);
  static std::uint64_t table_fill(Context* context, std::uint64_t* arguments);
  static std::uint64_t throw_tag(Context* context, std::uint64_t* arguments);
  static std::uint64_t throw_reference(Context* context, std::uint64_t* arguments);
};

// What the code of all instances calls.
const Host& host_of_instances();

}  // namespace weft::jit
