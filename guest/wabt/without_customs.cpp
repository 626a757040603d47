// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/without_customs.h"

#include <algorithm>

namespace weft {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::uint8_t kPlainName = '-';  // libwabt knows no section of such a name.

// The number in LEB128 at `at`, which moves behind it; within `end`.
std::size_t number(const std::uint8_t* module, std::size_t& at, std::size_t end) {
  std::size_t value = 0;
  for (int shift = 0; at < end && shift < 35; shift += 7) {
    const std::uint8_t byte = module[at++];
    value |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) break;
  }
  return std::min(value, end);
}

struct Name {
  std::size_t begin;
  std::size_t end;
};

}  // namespace

WithoutCustoms::WithoutCustoms(const void* module, std::size_t bytes)
    : given_(static_cast<const std::uint8_t*>(module)), bytes_(std::min(bytes, kHeaderBytes)) {
  std::vector<Name> names;
  std::vector<Name> behind;  // Since the last section that is not custom.
  for (std::size_t at = kHeaderBytes; at < bytes;) {
    const std::uint8_t id = given_[at++];
    const std::size_t size = number(given_, at, bytes);
    const std::size_t end = at + std::min(size, bytes - at);
    if (id == 0) {
      const std::size_t length = number(given_, at, end);
      behind.push_back({at, at + std::min(length, end - at)});
    } else {
      names.insert(names.end(), behind.begin(), behind.end());
      behind.clear();
      bytes_ = end;
    }
    at = end;
  }
  if (names.empty()) return;
  copy_.assign(given_, given_ + bytes_);
  for (const Name& name : names) {
    std::fill(copy_.begin() + static_cast<std::ptrdiff_t>(name.begin),
              copy_.begin() + static_cast<std::ptrdiff_t>(name.end), kPlainName);
  }
}

}  // namespace weft
