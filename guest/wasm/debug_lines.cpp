// SPDX-License-Identifier: Apache-2.0
#include "guest/wasm/debug_lines.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/printable.h"

namespace weft {
namespace {

// A cursor that gives zeroes beyond the end, and says so.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  template <class T>
  T get() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      bytes_ = {};
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = get<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  }
  std::int64_t sleb() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64;) {
      const auto byte = get<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      shift += 7;
      if ((byte & 0x80) != 0) continue;
      if ((byte & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
      break;
    }
    return static_cast<std::int64_t>(value);
  }
  std::string_view text() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data());
    const std::size_t length = ::strnlen(begin, bytes_.size());
    bytes_ = bytes_.subspan(std::min(length + 1, bytes_.size()));
    return {begin, length};
  }
  Bytes part(std::uint64_t length) {
    const Bytes part(bytes_.first(std::min<std::uint64_t>(length, bytes_.size())));
    bytes_ = bytes_.subspan(part.bytes_.size());
    return part;
  }

 private:
  std::span<const std::byte> bytes_;
};

using OnRow = std::function<void(const LineRow&)>;

// One unit's program, which makes rows of a table.
class LineProgram {
 public:
  LineProgram(Bytes unit, const OnRow& row) : in_(unit), row_(row) {}

  void run() {
    const auto version = in_.get<std::uint16_t>();
    if (version < 2 || version > 4) return;
    Bytes header = in_.part(in_.get<std::uint32_t>());
    read_header(header, version);
    if (line_range_ == 0 || opcode_base_ == 0) return;
    while (!in_.at_end()) step(in_.get<std::uint8_t>());
  }

 private:
  void read_header(Bytes& header, int version) {
    step_bytes_ = header.get<std::uint8_t>();
    if (version >= 4) header.get<std::uint8_t>();      // Operations an instruction: 1.
    header.get<std::uint8_t>();                        // Rows are statements by default.
    const int line_base = header.get<std::uint8_t>();  // Signed.
    line_base_ = line_base < 128 ? line_base : line_base - 256;
    line_range_ = header.get<std::uint8_t>();
    opcode_base_ = header.get<std::uint8_t>();
    for (int i = 1; i < opcode_base_; ++i) operands_.push_back(header.get<std::uint8_t>());
    while (!header.at_end() && !header.text().empty()) {
    }
    while (!header.at_end()) {
      const std::string_view name = header.text();
      if (name.empty()) break;
      files_.push_back(name);
      for (int i = 0; i < 3; ++i) header.uleb();  // Folder, time, length.
    }
  }

  void emit() {
    const bool known = file_ > 0 && file_ <= files_.size();
    row_({.address = address_,
          .line = line_,
          .file = known ? files_[file_ - 1] : std::string_view(),
          .end = false});
  }

  void step(std::uint8_t opcode) {
    if (opcode >= opcode_base_) {
      const int adjusted = opcode - opcode_base_;
      address_ += static_cast<std::uint64_t>(adjusted / line_range_) * step_bytes_;
      line_ += static_cast<std::uint32_t>(line_base_ + adjusted % line_range_);
      emit();
      return;
    }
    switch (opcode) {
      case 0:
        return extended();
      case 1:  // Copy.
        return emit();
      case 2:  // Advance pc.
        address_ += in_.uleb() * step_bytes_;
        return;
      case 3:  // Advance line.
        line_ += static_cast<std::uint32_t>(in_.sleb());
        return;
      case 4:  // Set file.
        file_ = static_cast<std::uint32_t>(in_.uleb());
        return;
      case 8:  // Const add pc.
        address_ += static_cast<std::uint64_t>((255 - opcode_base_) / line_range_) * step_bytes_;
        return;
      case 9:  // Fixed advance pc.
        address_ += in_.get<std::uint16_t>();
        return;
      default:
        for (int i = operands_[static_cast<std::size_t>(opcode - 1)]; i > 0; --i) in_.uleb();
    }
  }

  void extended() {
    Bytes operation = in_.part(in_.uleb());
    switch (operation.get<std::uint8_t>()) {
      case 1:  // End of sequence.
        row_({.address = address_, .line = 0, .file = {}, .end = true});
        address_ = 0;
        line_ = 1;
        file_ = 1;
        return;
      case 2:  // Set address.
        address_ = operation.size() < sizeof address_ ? operation.get<std::uint32_t>()
                                                      : operation.get<std::uint64_t>();
        return;
      default:
        return;
    }
  }

  Bytes in_;
  const OnRow& row_;
  std::uint64_t step_bytes_ = 1;
  int line_base_ = 0;
  int line_range_ = 0;
  int opcode_base_ = 0;
  std::vector<std::uint8_t> operands_;
  std::vector<std::string_view> files_;  // From number 1 on.
  std::uint64_t address_ = 0;
  std::uint32_t line_ = 1;  // Goes round, as foreign numbers may have it.
  std::uint32_t file_ = 1;
};

}  // namespace

void read_debug_lines(std::span<const std::byte> section, const OnRow& row) {
  for (Bytes units(section); !units.at_end();) {
    const auto length = units.get<std::uint32_t>();
    if (length == UINT32_MAX) return;  // 64-bit DWARF: of objects beyond 4 GiB.
    LineProgram(units.part(length), row).run();
  }
}

SourceLines::SourceLines(std::span<const std::byte> section) {
  if (section.size() <= kSectionBytesMax) section_.assign(section.begin(), section.end());
}

void SourceLines::read(const LinesStep& step) const try {
  while (state_ == State::reading && step) step();
  if (state_ != State::unread) return;
  state_ = State::reading;
  std::uint32_t steps = 0;
  const auto stepped = [&] {
    if (step && ++steps % kRowsOfStep == 0) step();
  };
  const auto* begin = reinterpret_cast<const char*>(section_.data());
  bool in_code = false;  // A linker leaves functions that it dropped at an address where none is:
  bool first = true;     // 0, or the last ones of 32 bits.
  read_debug_lines(section_, [&](const LineRow& row) {
    stepped();
    if (std::exchange(first, row.end)) in_code = row.address != 0;
    if (!in_code || row.address >= UINT32_MAX - 1 || rows_.size() == kRowsMax) return;
    const bool known = !row.end && !row.file.empty() && row.line <= INT32_MAX;
    rows_.push_back({.address = static_cast<std::uint32_t>(row.address),
                     .line = known ? row.line : 0,
                     .file = known ? static_cast<std::uint32_t>(row.file.data() - begin) : 0,
                     .end = row.end});
  });
  // Of several rows with one address the last one made holds, but no end of what lies before.
  std::stable_sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
    stepped();
    return a.address != b.address ? a.address < b.address : a.end && !b.end;
  });
  state_ = State::read;
} catch (const std::bad_alloc&) {
  rows_.clear();
  state_ = State::read;
  throw;
}

std::string SourceLines::at(std::uint32_t address, const LinesStep& step) const {
  read(step);
  if (state_ != State::read) return {};
  const auto after =
      std::upper_bound(rows_.begin(), rows_.end(), address,
                       [](std::uint32_t a, const Row& row) { return a < row.address; });
  if (after == rows_.begin() || std::prev(after)->line == 0) return {};
  const Row& row = *std::prev(after);
  constexpr std::size_t kNameMax = 100;  // That people are told of.
  const auto* name = reinterpret_cast<const char*>(section_.data()) + row.file;
  const std::size_t length = ::strnlen(name, std::min(section_.size() - row.file, kNameMax));
  return printable({name, length}) + ":" + std::to_string(row.line);
}

}  // namespace weft
