// SPDX-License-Identifier: Apache-2.0
// Finds the section .debug_line in the object's file, and in its lines the offset for an address.
#include "guest/aot/trap_site.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include "guest/aot/c_source.h"
#include "guest/aot/read_at.h"
#include "guest/wasm/debug_lines.h"

namespace weft {
namespace {

constexpr std::size_t kFramesMax = 32;  // As many as interp tells.

// The bytes of a section of a 64-bit ELF file, or none.
std::span<const std::byte> section_of(std::span<const std::byte> file, std::string_view name) {
  Elf64_Ehdr header;
  if (file.size() < sizeof header) return {};
  std::memcpy(&header, file.data(), sizeof header);
  const auto section = [&](std::size_t index) {
    Elf64_Shdr found{};
    const std::uint64_t at = header.e_shoff + index * sizeof found;
    if (at <= file.size() && sizeof found <= file.size() - at) {
      std::memcpy(&found, file.data() + at, sizeof found);
    }
    return found;
  };
  const auto bytes = [&](const Elf64_Shdr& of) -> std::span<const std::byte> {
    if (of.sh_offset > file.size() || of.sh_size > file.size() - of.sh_offset) return {};
    return file.subspan(of.sh_offset, of.sh_size);
  };
  const std::span<const std::byte> names = bytes(section(header.e_shstrndx));
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr found = section(i);
    if (found.sh_name >= names.size()) continue;
    const auto* of_section = reinterpret_cast<const char*>(names.data()) + found.sh_name;
    if (name == std::string_view(of_section, ::strnlen(of_section, names.size() - found.sh_name))) {
      return bytes(found);
    }
  }
  return {};
}

// False when the file can't be read.
bool read_whole(int fd, std::size_t bytes, const LinesStep& step, std::vector<std::byte>& file) {
  constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
  file.reserve(bytes);
  while (file.size() < bytes) {
    const std::size_t at = file.size();
    file.resize(std::min(bytes, at + kPieceBytes));
    if (!read_at(fd, std::span(file).subspan(at), at)) return false;
    if (step) step();
  }
  return true;
}

}  // namespace

void TrapSites::read(const LinesStep& step) try {
  while (state_ == State::reading && step) step();
  if (state_ != State::unread) return;
  state_ = State::reading;
  read_lines(step);
  state_ = State::read;
} catch (const std::bad_alloc&) {
  rows_.clear();
  state_ = State::read;
  throw;
}

void TrapSites::read_lines(const LinesStep& step) {
  Dl_info object{};
  if (::dladdr(in_object_, &object) == 0) return;
  base_ = static_cast<const std::byte*>(object.dli_fbase);
  if (!file_.has_good_lines(step)) return;
  struct stat status = {};
  if (::fstat(file_.fd(), &status) != 0 || status.st_size <= 0) return;
  std::vector<std::byte> file;
  if (!read_whole(file_.fd(), static_cast<std::size_t>(status.st_size), step, file)) return;
  std::uint32_t steps = 0;
  const auto stepped = [&] {
    if (step && ++steps % kRowsOfStep == 0) step();
  };
  read_debug_lines(section_of(file, ".debug_line"), [&](const LineRow& row) {
    stepped();
    rows_.push_back({row.address, row.file == kGuestFile ? row.line : 0});
  });
  // Of several rows with one address the last one made holds.
  std::stable_sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
    stepped();
    return a.address < b.address;
  });
}

std::uint32_t TrapSites::offset_of(const void* code) const {
  const auto address = static_cast<std::uint64_t>(static_cast<const std::byte*>(code) - base_);
  if (rows_.empty() || address >= rows_.back().address) return 0;  // Not in this object.
  const auto after =
      std::upper_bound(rows_.begin(), rows_.end(), address,
                       [](std::uint64_t a, const Row& row) { return a < row.address; });
  return after == rows_.begin() ? 0 : std::prev(after)->offset;
}

void TrapSites::describe(const TrapState& state, const ModuleInfo& info,
                         std::span<const std::byte> binary, const LinesStep& step,
                         TrapReport& report) {
  read(step);
  for (std::size_t i = 0; i < state.frame_count && report.frames.size() < kFramesMax; ++i) {
    const std::uint32_t found = offset_of(state.frames[i]);
    const std::uint32_t function = found != 0 ? info.function_at(found) : UINT32_MAX;
    if (function == UINT32_MAX) continue;
    if (report.frames.empty()) {
      const std::uint32_t offset = state.known_offset != 0 ? state.known_offset : found;
      const std::uint32_t code = info.code_offset(function);
      report.offset = is_of_function(report.kind) ? code : trap_before(binary, code, offset, step);
    }
    report.frames.push_back(info.describe_function(function));
  }
  report.source = info.source_line(report.offset, step);
}

}  // namespace weft
