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
  const auto cutab = field(4);
  const auto filetab = field(5);
  const auto pctab = field(6);
  const auto functab = field(7);
  if (!count || !names || !cutab || !filetab || !pctab || !functab) return {};
  if (*count == 0 || *count > functions) return {};
  const auto is_inside = [&](std::uint64_t offset) {
    return offset < image.size() && image.u8(address + offset).has_value();
  };
  for (const std::uint64_t part : {*names, *cutab, *filetab, *pctab, *functab}) {
    if (!is_inside(part)) return {};
  }
  Pclntab table;
  table.image_ = &image;
  table.address_ = address;
  table.count_ = static_cast<std::uint32_t>(*count);
  table.names_ = address + static_cast<std::uint32_t>(*names);
  table.cutab_ = address + static_cast<std::uint32_t>(*cutab);
  table.filetab_ = address + static_cast<std::uint32_t>(*filetab);
  table.pctab_ = address + static_cast<std::uint32_t>(*pctab);
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

// Where the _func of a function lies. Entries rise.
std::optional<std::uint32_t> Pclntab::func_of(std::uint32_t defined) const {
  std::uint32_t low = 0;
  std::uint32_t high = count_;
  while (low < high) {
    const std::uint32_t middle = low + ((high - low) / 2);
    const auto entry = image_->u32(functab_ + (std::uint64_t{kFunctabEntryBytes} * middle));
    const auto there = entry ? defined_of(*entry) : std::nullopt;
    if (!there) return {};
    if (*there == defined) {
      const auto where = image_->u32(functab_ + (std::uint64_t{kFunctabEntryBytes} * middle) + 4);
      return where ? std::optional(functab_ + *where) : std::nullopt;
    }
    *there < defined ? low = middle + 1 : high = middle;
  }
  return {};
}

// Of a table of pctab: pairs of differences, of the value and of the PC up to which it holds
// (runtime.pcvalue). Calls f(value, end) for each, at most `max`, until it returns true; then this
// is true. False: the table ended before, or can't be read.
template <class F>
bool Pclntab::each_value(std::uint32_t table, int max, F f) const {
  constexpr unsigned kVarintBits = 32;
  std::uint64_t at = std::uint64_t{pctab_} + table;
  const auto varint = [&]() -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < kVarintBits; shift += 7) {
      const auto byte = image_->u8(at++);
      if (!byte) return {};
      value |= static_cast<std::uint32_t>(*byte & 0x7fU) << shift;
      if (*byte < 0x80) return value;
    }
    return {};
  };
  std::uint64_t end = 0;
  std::uint32_t value = UINT32_MAX;  // -1; it wraps around.
  for (int n = 0; n < max; ++n) {
    const auto difference = varint();
    if (!difference || (*difference == 0 && n > 0)) return false;
    value += (*difference & 1) != 0 ? ~(*difference >> 1) : *difference >> 1;
    const auto pcs = varint();
    if (!pcs) return false;
    end += *pcs;
    if (f(static_cast<std::int32_t>(value), end)) return true;
  }
  return false;
}

std::optional<std::int32_t> Pclntab::value_at(std::uint32_t table, std::uint64_t pc_b,
                                              PlaceBudget& budget) const {
  constexpr std::uint64_t kPairsMax = 1 << 16;
  std::int32_t found = 0;
  const auto holds = [&](std::int32_t value, std::uint64_t end) {
    --budget.pairs;
    found = value;
    return pc_b < end;
  };
  const auto max = static_cast<int>(std::min(kPairsMax, budget.pairs));
  return each_value(table, max, holds) ? std::optional(found) : std::nullopt;
}

// On wasm a function takes all of it in its prologue: the largest value holds behind that.
std::optional<std::uint32_t> Pclntab::frame_bytes(std::uint32_t defined) const {
  constexpr std::uint64_t kPcSp = 16;  // In _func: its table of stack pointers.
  constexpr int kPairsMax = 64;
  const auto func = func_of(defined);
  const auto table = func ? image_->u32(*func + kPcSp) : std::nullopt;
  if (!table || *table == 0) return {};
  std::int32_t most = -1;
  (void)each_value(*table, kPairsMax, [&](std::int32_t value, std::uint64_t /*end*/) {
    most = std::max(most, value);
    return false;
  });
  return most >= 0 ? std::optional(static_cast<std::uint32_t>(most)) : std::nullopt;
}

SourcePlace Pclntab::place_before(std::uint64_t pc, PlaceBudget& budget) const {
  // Places in _func: of the tables of files and lines, and of the first file of its package.
  constexpr std::uint64_t kPcFile = 20;
  constexpr std::uint64_t kPcLine = 24;
  constexpr std::uint64_t kCuOffset = 32;
  constexpr std::uint64_t kPcBlockMask = (std::uint64_t{1} << kPcBlockBits) - 1;
  const auto defined = defined_at(pc);
  const auto func = defined ? func_of(*defined) : std::nullopt;
  if (!func) return {};
  const std::uint64_t block = pc & kPcBlockMask;
  const std::uint64_t pc_b = block == 0 ? 0 : block - 1;
  const auto files = image_->u32(*func + kPcFile);
  const auto lines = image_->u32(*func + kPcLine);
  const auto first_file = image_->u32(*func + kCuOffset);
  if (!files || !lines || !first_file) return {};
  const auto file = value_at(*files, pc_b, budget);
  const auto line = value_at(*lines, pc_b, budget);
  if (!file || !line || *file < 0) return {};
  const std::uint64_t nth = std::uint64_t{*first_file} + static_cast<std::uint32_t>(*file);
  const auto where = image_->u32(cutab_ + (4 * nth));
  const auto name =
      where ? image_->c_text(std::uint64_t{filetab_} + *where, kNameBytesMax) : std::nullopt;
  if (!name) return {};
  return {std::string(*name), *line};
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
