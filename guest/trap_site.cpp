// Finds the section .debug_line in the object's file and runs its programs: DWARF 4, section 6.2.
#include "guest/trap_site.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#include "base/unique_fd.h"
#include "guest/c_source.h"
#include "guest/object_cache.h"

namespace weft {
namespace {

// A cursor that gives zeroes beyond the end, and says so.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

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

constexpr std::size_t kFramesMax = 32;  // As many as interp tells.

using OnRow = std::function<void(std::uint64_t address, std::uint32_t line, bool guest)>;

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
    for (std::uint32_t number = 1; !header.at_end(); ++number) {
      const std::string_view name = header.text();
      if (name.empty()) break;
      if (name == kGuestFile) guest_files_.push_back(number);
      for (int i = 0; i < 3; ++i) header.uleb();  // Folder, time, length.
    }
  }

  void emit() {
    const bool guest =
        std::find(guest_files_.begin(), guest_files_.end(), file_) != guest_files_.end();
    row_(address_, static_cast<std::uint32_t>(line_), guest);
  }

  void step(std::uint8_t opcode) {
    if (opcode >= opcode_base_) {
      const int adjusted = opcode - opcode_base_;
      address_ += static_cast<std::uint64_t>(adjusted / line_range_) * step_bytes_;
      line_ += line_base_ + adjusted % line_range_;
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
        line_ += in_.sleb();
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
        row_(address_, 0, false);
        address_ = 0;
        line_ = 1;
        file_ = 1;
        return;
      case 2:  // Set address.
        address_ = operation.get<std::uint64_t>();
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
  std::vector<std::uint32_t> guest_files_;
  std::uint64_t address_ = 0;
  std::int64_t line_ = 1;
  std::uint32_t file_ = 1;
};

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
    if (Bytes(names.subspan(found.sh_name)).text() == name) return bytes(found);
  }
  return {};
}

}  // namespace

void read_debug_lines(std::span<const std::byte> section, const OnRow& row) {
  for (Bytes units(section); !units.at_end();) {
    const auto length = units.get<std::uint32_t>();
    if (length == UINT32_MAX) return;  // 64-bit DWARF: of objects beyond 4 GiB.
    LineProgram(units.part(length), row).run();
  }
}

void TrapSites::read() {
  if (std::exchange(read_, true)) return;
  Dl_info object{};
  if (::dladdr(in_object_, &object) == 0) return;
  base_ = static_cast<const std::byte*>(object.dli_fbase);
  if (!ObjectCache::has_good_lines(object.dli_fname)) return;
  const UniqueFd fd(::open(object.dli_fname, O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0 || status.st_size <= 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* file = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (file == MAP_FAILED) return;
  read_debug_lines(section_of({static_cast<const std::byte*>(file), size}, ".debug_line"),
                   [&](std::uint64_t address, std::uint32_t line, bool guest) {
                     rows_.push_back({address, guest ? line : 0});
                   });
  ::munmap(file, size);
  // Of several rows with one address the last one made holds.
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.address < b.address; });
}

std::uint32_t TrapSites::offset_of(const void* code) const {
  const auto address = static_cast<std::uint64_t>(static_cast<const std::byte*>(code) - base_);
  if (rows_.empty() || address >= rows_.back().address) return 0;  // Not in this object.
  const auto after =
      std::upper_bound(rows_.begin(), rows_.end(), address,
                       [](std::uint64_t a, const Row& row) { return a < row.address; });
  return after == rows_.begin() ? 0 : std::prev(after)->offset;
}

void TrapSites::describe(const TrapState& state, const ModuleInfo& info, TrapReport& report) {
  read();
  for (std::size_t i = 0; i < state.frame_count && report.frames.size() < kFramesMax; ++i) {
    const std::uint32_t found = offset_of(state.frames[i]);
    const std::uint32_t function = found != 0 ? info.function_at(found) : UINT32_MAX;
    if (function == UINT32_MAX) continue;
    if (report.frames.empty()) {
      const std::uint32_t offset = state.known_offset != 0 ? state.known_offset : found;
      report.offset =
          is_of_function(report.kind) ? info.code_offset(function) : info.trap_before(offset);
    }
    report.frames.push_back(info.describe_function(function));
  }
}

}  // namespace weft
