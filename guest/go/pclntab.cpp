// SPDX-License-Identifier: Apache-2.0
#include "guest/go/pclntab.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "guest/go/go_pc.h"

namespace weft::guest::go {
namespace {

// Magic of Go 1.20 and later, two zeros, instructions of one byte, pointers of 8.
constexpr std::array<std::uint8_t, 8> kMagic = {0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8};
constexpr std::size_t kNameBytesMax = std::size_t{64} << 10;
constexpr std::uint32_t kFunctabEntryBytes = 8;
constexpr int kHeadersMax = 16;  // What looks like one and is none: foreign bytes.

// An entry is a PC; its upper bits alone since Go 1.24.
std::optional<std::uint32_t> defined_of(std::uint32_t entry) {
  return defined_at(entry >= pc_of(0) ? entry : std::uint64_t{entry} << kPcBlockBits);
}

}  // namespace

std::optional<Pclntab> Pclntab::find(const DataImage& image, std::uint32_t functions) {
  const std::byte* end = image.data() + image.size();
  const auto equal = [](std::byte byte, std::uint8_t magic) { return byte == std::byte{magic}; };
  const std::byte* at = image.data();
  for (int headers = 0; headers < kHeadersMax && at < end; ++headers, ++at) {
    at = std::search(at, end, kMagic.begin(), kMagic.end(), equal);
    if (at == end) break;
    const auto address = image.base() + static_cast<std::uint32_t>(at - image.data());
    if (auto table = read_header(image, address, functions)) return table;
  }
  return {};
}

std::optional<Pclntab> Pclntab::read_header(const DataImage& image, std::uint32_t address,
                                            std::uint32_t functions) {
  const auto field = [&](std::uint32_t nth) { return image.u64(address + 8 + (8 * nth)); };
  const auto count = field(0);
  const auto names = field(3);
  const auto functab = field(7);
  if (!count || !names || !functab) return {};
  if (*count == 0 || *count > functions) return {};
  const auto is_inside = [&](std::uint64_t offset) {
    return offset < image.size() && image.u8(address + offset).has_value();
  };
  if (!is_inside(*names) || !is_inside(*functab)) return {};
  Pclntab table;
  table.image_ = &image;
  table.address_ = address;
  table.count_ = static_cast<std::uint32_t>(*count);
  table.names_ = address + static_cast<std::uint32_t>(*names);
  table.functab_ = address + static_cast<std::uint32_t>(*functab);
  if (!table.name_of(0) || !table.name_of(table.count_ - 1)) return {};
  return table;
}

std::optional<std::string_view> Pclntab::name_of(std::uint32_t nth) const {
  const auto where = image_->u32(functab_ + (std::uint64_t{kFunctabEntryBytes} * nth) + 4);
  if (!where) return {};
  const auto name = image_->u32(std::uint64_t{functab_} + *where + 4);
  if (!name) return {};
  return image_->c_text(std::uint64_t{names_} + *name, kNameBytesMax);
}

std::vector<std::string_view> Pclntab::names(std::uint32_t functions) const {
  std::vector<std::string_view> names(functions);
  std::size_t chars_left = image_->size();  // Names of foreign bytes may lie inside each other.
  for (std::uint32_t nth = 0; nth < count_; ++nth) {
    const auto entry = image_->u32(functab_ + (std::uint64_t{kFunctabEntryBytes} * nth));
    if (!entry) break;
    const auto defined = defined_of(*entry);
    if (!defined || *defined >= functions) continue;
    const auto name = name_of(nth);
    if (!name) continue;
    if (name->size() >= chars_left) break;
    chars_left -= name->size() + 1;
    names[*defined] = *name;
  }
  return names;
}

}  // namespace weft::guest::go
