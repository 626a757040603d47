// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <span>
#include <vector>

#include "guest/jit/context.h"

namespace weft::jit {

// --- the JIT interface of gdb: it has a breakpoint in the function, and then reads the list ---

struct GdbEntry {
  GdbEntry* next = nullptr;
  GdbEntry* previous = nullptr;
  const char* object = nullptr;
  std::uint64_t bytes = 0;
  std::vector<char> content;
};

namespace {

enum class Action : std::uint32_t { none, added, removed };

struct Descriptor {
  std::uint32_t version = 1;
  Action action = Action::none;
  GdbEntry* relevant = nullptr;
  GdbEntry* first = nullptr;
};

std::mutex& of_descriptor() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

// By these names gdb finds them, and never two of one name: whatever else makes code in this
// process brings the same.
extern "C" {
[[gnu::weak, gnu::noinline]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
[[gnu::weak]] Descriptor __jit_debug_descriptor;
}

namespace {

// How a debugger finds the frame that called: DWARF's "call frame information", one CIE with all
// the instructions and one FDE that says for which code. None for functions: gdb reads their
// prologues.
constexpr std::uint8_t kEnterRules[] = {
    0x0c,      6, 16,            // The CFA is rbp + 16.
    0x80 | 16, 1, 0x80 | 6,  2,  // rip is at CFA - 8, rbp below it,
    0x80 | 3,  3, 0x80 | 12, 4, 0x80 | 13, 5, 0x80 | 14, 6, 0x80 | 15, 7,  // then rbx, r12 to r15.
};
// In a stub rbp is still the guest's frame; where that goes on, the Context tells.
constexpr std::uint8_t kStubRules[] = {
    0x0c, 6,  16,                                               // The CFA is rbp + 16.
    0x16, 16, 3,  0x7f, offsetof(Context, exit_address), 0x06,  // rip = [r15 + exit_address].
    0x08, 6,                                                    // rbp is as it was.
};
static_assert(offsetof(Context, exit_address) < 64, "a signed LEB128 of one byte");

std::span<const std::uint8_t> rules_of(GdbSymbol::Code kind) {
  switch (kind) {
    case GdbSymbol::Code::function:
      break;
    case GdbSymbol::Code::enter:
      return kEnterRules;
    case GdbSymbol::Code::stubs:
      return kStubRules;
  }
  return {};
}

void append(std::vector<char>& to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to.push_back(static_cast<char>(value >> 8 * i));
}

// The section .debug_frame.
std::vector<char> frames_of(GdbSymbol::Code kind, const void* code, std::uint32_t bytes) {
  constexpr std::uint64_t kIsCie = 0xffff'ffff;
  constexpr std::uint8_t kHead[] = {1, 0, 1, 0x78, 16};  // Version 1, data in steps of -8, rip.
  const std::span<const std::uint8_t> rules = rules_of(kind);
  std::vector<char> content;
  if (rules.empty()) return content;
  const std::size_t unpadded = 4 + sizeof kHead + rules.size();
  const std::size_t cie_bytes = (unpadded + 11) / 8 * 8 - 4;
  append(content, cie_bytes, 4);
  append(content, kIsCie, 4);
  for (const std::uint8_t byte : kHead) append(content, byte, 1);
  for (const std::uint8_t byte : rules) append(content, byte, 1);
  content.resize(4 + cie_bytes);
  append(content, 20, 4);  // The FDE.
  append(content, 0, 4);
  append(content, reinterpret_cast<std::uint64_t>(code), 8);
  append(content, bytes, 8);
  return content;
}

// An object with a section where the code lies, and a symbol at its beginning.
struct Object {
  enum Section : std::uint16_t { none, text, symbols, strings, frames, count };
  static constexpr char kNames[] = "\0.text\0.symtab\0.strtab\0.debug_frame";
  static constexpr std::uint32_t kText = 1;
  static constexpr std::uint32_t kSymbols = 7;
  static constexpr std::uint32_t kStrings = 15;
  static constexpr std::uint32_t kFrames = 23;

  Elf64_Ehdr head{};
  std::array<Elf64_Shdr, count> sections{};
  std::array<Elf64_Sym, 2> entries{};
};

Elf64_Ehdr elf_header() {
  Elf64_Ehdr head{};
  std::memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_ident[EI_VERSION] = EV_CURRENT;
  head.e_type = ET_REL;
  head.e_machine = EM_X86_64;
  head.e_version = EV_CURRENT;
  head.e_shoff = offsetof(Object, sections);
  head.e_ehsize = sizeof(Elf64_Ehdr);
  head.e_shentsize = sizeof(Elf64_Shdr);
  head.e_shnum = Object::count;
  head.e_shstrndx = Object::strings;
  return head;
}

Elf64_Shdr section(std::uint32_t name, std::uint32_t type, std::size_t offset, std::size_t bytes) {
  Elf64_Shdr section{};
  section.sh_name = name;
  section.sh_type = type;
  section.sh_offset = offset;
  section.sh_size = bytes;
  section.sh_addralign = 8;
  return section;
}

std::vector<char> object_of(GdbSymbol::Code kind, const std::string& name, const void* code,
                            std::uint32_t bytes) {
  const std::vector<char> frames = frames_of(kind, code, bytes);
  std::vector<char> strings(std::begin(Object::kNames), std::end(Object::kNames));
  strings.insert(strings.end(), name.c_str(), name.c_str() + name.size() + 1);
  Object object;
  object.head = elf_header();
  Elf64_Shdr& text = object.sections[Object::text];
  text = section(Object::kText, SHT_NOBITS, 0, bytes);
  text.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  text.sh_addr = reinterpret_cast<std::uint64_t>(code);
  Elf64_Shdr& symbols = object.sections[Object::symbols];
  symbols = section(Object::kSymbols, SHT_SYMTAB, offsetof(Object, entries), sizeof object.entries);
  symbols.sh_link = Object::strings;
  symbols.sh_info = 1;
  symbols.sh_entsize = sizeof(Elf64_Sym);
  object.sections[Object::frames] =
      section(Object::kFrames, SHT_PROGBITS, sizeof object, frames.size());
  object.sections[Object::strings] =
      section(Object::kStrings, SHT_STRTAB, sizeof object + frames.size(), strings.size());
  Elf64_Sym& symbol = object.entries[1];
  symbol.st_name = sizeof Object::kNames;
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbol.st_shndx = Object::text;
  symbol.st_size = bytes;
  std::vector<char> content(sizeof object + frames.size() + strings.size());
  std::memcpy(content.data(), &object, sizeof object);
  const auto at = std::copy(frames.begin(), frames.end(),
                            content.begin() + static_cast<std::ptrdiff_t>(sizeof object));
  std::copy(strings.begin(), strings.end(), at);
  return content;
}

void tell(Action action, GdbEntry* entry) {
  __jit_debug_descriptor.action = action;
  __jit_debug_descriptor.relevant = entry;
  __jit_debug_register_code();
}

}  // namespace

GdbSymbol::GdbSymbol(const std::string& name, const void* code, std::uint32_t bytes, Code kind)
    : entry_(std::make_unique<GdbEntry>()) {
  entry_->content = object_of(kind, name, code, bytes);
  entry_->object = entry_->content.data();
  entry_->bytes = entry_->content.size();
  const std::scoped_lock lock(of_descriptor());
  entry_->next = __jit_debug_descriptor.first;
  if (entry_->next != nullptr) entry_->next->previous = entry_.get();
  __jit_debug_descriptor.first = entry_.get();
  tell(Action::added, entry_.get());
}

GdbSymbol::~GdbSymbol() {
  const std::scoped_lock lock(of_descriptor());
  GdbEntry* const before = entry_->previous;
  (before != nullptr ? before->next : __jit_debug_descriptor.first) = entry_->next;
  if (entry_->next != nullptr) entry_->next->previous = before;
  tell(Action::removed, entry_.get());
}

bool GdbSymbol::is_wanted() {
  constexpr const char* kTracer = "TracerPid:";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(kTracer, 0) == 0) return std::atoi(line.c_str() + std::strlen(kTracer)) != 0;
  }
  return false;
}

// --- perf ---

Result<std::unique_ptr<PerfMap>> PerfMap::make() {
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  // Nobody's link is followed: the folder is everybody's.
  (void)::unlink(path.c_str());
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file.valid()) return Error{path + " can't be written: " + std::strerror(errno)};
  return std::unique_ptr<PerfMap>(new PerfMap(std::move(file)));
}

void PerfMap::add(const std::string& name, const void* code, std::uint32_t bytes) {
  char place[48];
  std::snprintf(place, sizeof place, "%" PRIxPTR " %" PRIx32 " ",
                reinterpret_cast<std::uintptr_t>(code), bytes);
  const std::string line = place + name + "\n";
  (void)!::write(file_.get(), line.data(), line.size());
}

}  // namespace weft::jit
