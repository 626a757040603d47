// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/strings.h"

#include <cstring>
#include <limits>

namespace weft::wasip1 {

Errno strings_size(const std::vector<std::string>& strings, Size& bytes) {
  std::uint64_t sum = 0;
  for (const std::string& s : strings) sum += s.size() + 1;
  if (sum > std::numeric_limits<Size>::max()) return Errno::overflow;
  bytes = static_cast<Size>(sum);
  return Errno::success;
}

Errno store_strings(Memory memory, const std::vector<std::string>& strings, Size pointers,
                    Size buffer) {
  Size size = 0;
  WEFT_WASI_TRY(strings_size(strings, size));
  WEFT_WASI_TRY(memory.check<Size>(pointers, strings.size()));
  std::span<std::byte> out;
  WEFT_WASI_TRY(memory.bytes(buffer, size, out));
  std::size_t at = 0;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    WEFT_WASI_TRY(memory.store(static_cast<Size>(pointers + i * sizeof(Size)),
                               static_cast<Size>(buffer + at)));
    std::memcpy(out.data() + at, strings[i].c_str(), strings[i].size() + 1);
    at += strings[i].size() + 1;
  }
  return Errno::success;
}

Errno store_strings_sizes(Memory memory, const std::vector<std::string>& strings, Size count,
                          Size size) {
  Size bytes = 0;
  WEFT_WASI_TRY(strings_size(strings, bytes));
  WEFT_WASI_TRY(memory.check<Size>(size));
  WEFT_WASI_TRY(memory.store(count, static_cast<Size>(strings.size())));
  return memory.store(size, bytes);
}

}  // namespace weft::wasip1
