// SPDX-License-Identifier: Apache-2.0
#include "guest/go/data_image.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "guest/wasm/byte_reader.h"
#include "guest/wasm/decoder.h"

namespace weft::guest::go {
namespace {

// The address that an active segment of memory 0 begins at, when it is a plain constant.
std::optional<std::uint32_t> address_of(const wasm::ModuleView& module, const wasm::Data& data) {
  if (!data.active || data.memory != 0) return {};
  wasm::ByteReader in(module.bytes_of(data.offset), data.offset.offset);
  wasm::Instruction instruction;
  wasm::decode(in, instruction);
  if (instruction.op != wasm::Op::i32_const) return {};
  const auto address = static_cast<std::uint32_t>(instruction.value);
  wasm::decode(in, instruction);
  if (instruction.op != wasm::Op::end) return {};
  return address;
}

template <class T>
std::optional<T> read(const std::byte* from) {
  if (from == nullptr) return {};
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

Result<DataImage> DataImage::of(const wasm::ModuleView& module) {
  constexpr std::uint64_t kSpareBytes = std::uint64_t{16} << 20;
  constexpr std::uint64_t kTimesLarger = 16;
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t end = 0;
  for (const wasm::Data& data : module.data) {
    const auto address = address_of(module, data);
    if (!address || data.bytes.empty()) continue;
    first = std::min<std::uint64_t>(first, *address);
    end = std::max(end, *address + std::uint64_t{data.bytes.size()});
  }
  if (first >= end) return Error{"it has no data"};
  const std::uint64_t most = kTimesLarger * module.bytes.size() + kSpareBytes;
  if (end - first > most) {
    return Error{"its data is spread over " + std::to_string(end - first) + " bytes"};
  }
  DataImage image(static_cast<std::uint32_t>(first), std::vector<std::byte>(end - first));
  for (const wasm::Data& data : module.data) {
    const auto address = address_of(module, data);
    if (!address) continue;
    std::copy(data.bytes.begin(), data.bytes.end(),
              image.bytes_.begin() + static_cast<std::ptrdiff_t>(*address - first));
  }
  return image;
}

const std::byte* DataImage::at(std::uint64_t address, std::uint64_t bytes) const {
  if (address < base_ || address - base_ > bytes_.size()) return nullptr;
  const std::uint64_t from = address - base_;
  return bytes <= bytes_.size() - from ? bytes_.data() + from : nullptr;
}

std::optional<std::uint8_t> DataImage::u8(std::uint64_t address) const {
  return read<std::uint8_t>(at(address, 1));
}

std::optional<std::uint32_t> DataImage::u32(std::uint64_t address) const {
  return read<std::uint32_t>(at(address, 4));
}

std::optional<std::uint64_t> DataImage::u64(std::uint64_t address) const {
  return read<std::uint64_t>(at(address, 8));
}

std::optional<std::string_view> DataImage::text(std::uint64_t address, std::uint64_t bytes) const {
  const std::byte* from = at(address, bytes);
  if (from == nullptr) return {};
  return std::string_view(reinterpret_cast<const char*>(from), bytes);
}

std::optional<std::string_view> DataImage::c_text(std::uint64_t address, std::size_t max) const {
  const std::byte* from = at(address, 1);
  if (from == nullptr) return {};
  const auto left = static_cast<std::size_t>(bytes_.data() + bytes_.size() - from);
  const auto* chars = reinterpret_cast<const char*>(from);
  const void* zero = std::memchr(chars, '\0', std::min(left, max));
  if (zero == nullptr) return {};
  return std::string_view(chars, static_cast<std::size_t>(static_cast<const char*>(zero) - chars));
}

}  // namespace weft::guest::go
