// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the validator beside wasm-tools'. Bytes that claim to be a module are valid for both
// or for neither; what one accepts and the other refuses is a finding. Not compared is what weft
// refuses by name: proposals that it does not have.
//
// The second opinion is a process, tests/fuzz/validator_oracle, whose path is in the variable
// WEFT_VALIDATOR_ORACLE. Most mutations are of one section or one function's body, whose lengths
// are written again: a mutation of the whole file mostly ends at a length that no longer fits.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "guest/wasm/module_view.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

namespace {

using Bytes = std::vector<std::uint8_t>;

// --- the second opinion ---

class Oracle {
 public:
  Oracle() {
    const char* path = std::getenv("WEFT_VALIDATOR_ORACLE");
    WEFT_CHECK(path != nullptr, "WEFT_VALIDATOR_ORACLE is not set");
    int to[2];
    int from[2];
    WEFT_CHECK(pipe(to) == 0 && pipe(from) == 0, "no pipe");
    if (fork() == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      close(to[1]);
      close(from[0]);
      execl(path, path, nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = to[1];
    from_ = from[0];
  }

  // "" when it is valid.
  std::string ask(std::span<const std::uint8_t> module) const {
    auto length = static_cast<std::uint32_t>(module.size());
    all(write, to_, reinterpret_cast<const char*>(&length), sizeof length);
    all(write, to_, reinterpret_cast<const char*>(module.data()), module.size());
    all(read, from_, reinterpret_cast<char*>(&length), sizeof length);
    std::string text(length, '\0');
    all(read, from_, text.data(), text.size());
    return text;
  }

 private:
  // libFuzzer's timer interrupts system calls.
  template <class Call, class Byte>
  static void all(Call call, int fd, Byte* bytes, std::size_t count) {
    while (count > 0) {
      const ssize_t done = call(fd, bytes, count);
      if (done < 0 && errno == EINTR) continue;
      WEFT_CHECK(done > 0, "the oracle is gone");
      bytes += done;
      count -= static_cast<std::size_t>(done);
    }
  }

  int to_;
  int from_;
};

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// --- mutations ---

std::optional<std::uint32_t> read_leb(std::span<const std::uint8_t> bytes, std::size_t& at) {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35 && at < bytes.size(); shift += 7) {
    const std::uint8_t byte = bytes[at++];
    value |= static_cast<std::uint32_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

void write_leb(Bytes& to, std::size_t value) {
  for (; value >= 0x80; value >>= 7U) to.push_back(static_cast<std::uint8_t>(value | 0x80U));
  to.push_back(static_cast<std::uint8_t>(value));
}

// A part of the module behind its length: [begin, end), the length at `length_at`.
struct Part {
  std::size_t length_at;
  std::size_t begin;
  std::size_t end;
};

std::optional<Part> part_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  Part part{at, at, 0};
  const auto length = read_leb(bytes, part.begin);
  if (!length || *length > bytes.size() - part.begin) return std::nullopt;
  part.end = part.begin + *length;
  return part;
}

std::vector<Part> sections_of(std::span<const std::uint8_t> bytes) {
  std::vector<Part> sections;
  for (std::size_t at = 8; at + 1 < bytes.size();) {
    const auto part = part_at(bytes, at + 1);
    if (!part) break;
    sections.push_back(*part);
    at = part->end;
  }
  return sections;
}

std::vector<Part> bodies_of(std::span<const std::uint8_t> bytes, const Part& code) {
  std::vector<Part> bodies;
  std::size_t at = code.begin;
  if (!read_leb(bytes, at)) return bodies;
  while (at < code.end) {
    const auto part = part_at(bytes.first(code.end), at);
    if (!part) break;
    bodies.push_back(*part);
    at = part->end;
  }
  return bodies;
}

// The part's content, mutated, and its length before it.
Bytes mutated(std::span<const std::uint8_t> bytes, const Part& part, std::size_t max) {
  Bytes content(bytes.begin() + static_cast<std::ptrdiff_t>(part.begin),
                bytes.begin() + static_cast<std::ptrdiff_t>(part.end));
  const std::size_t size = content.size();
  content.resize(std::max<std::size_t>(size + 16, 16));
  content.resize(LLVMFuzzerMutate(content.data(), size, std::min(max, content.size())));
  Bytes whole;
  write_leb(whole, content.size());
  whole.insert(whole.end(), content.begin(), content.end());
  return whole;
}

Bytes replaced(std::span<const std::uint8_t> bytes, const Part& part, const Bytes& with) {
  Bytes whole(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part.length_at));
  whole.insert(whole.end(), with.begin(), with.end());
  whole.insert(whole.end(), bytes.begin() + static_cast<std::ptrdiff_t>(part.end), bytes.end());
  return whole;
}

// One body of the code section, with both lengths.
Bytes with_mutated_body(std::span<const std::uint8_t> bytes, const Part& code, const Part& body,
                        std::size_t max) {
  const Bytes changed = replaced(bytes, body, mutated(bytes, body, max));
  const std::size_t end = code.end + changed.size() - bytes.size();
  Bytes section;
  write_leb(section, end - code.begin);
  section.insert(section.end(), changed.begin() + static_cast<std::ptrdiff_t>(code.begin),
                 changed.begin() + static_cast<std::ptrdiff_t>(end));
  return replaced(changed, {code.length_at, code.begin, end}, section);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max, unsigned int seed) {
  std::minstd_rand random(seed);
  const std::span<const std::uint8_t> bytes(data, size);
  const auto sections = sections_of(bytes);
  if (sections.empty() || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max);
  const Part& section = sections[random() % sections.size()];
  Bytes made;
  constexpr std::uint8_t kCode = 10;
  const auto bodies =
      bytes[section.length_at - 1] == kCode ? bodies_of(bytes, section) : std::vector<Part>{};
  if (!bodies.empty() && random() % 8 != 0) {
    made = with_mutated_body(bytes, section, bodies[random() % bodies.size()], max);
  } else {
    made = replaced(bytes, section, mutated(bytes, section, max));
  }
  if (made.size() > max) return LLVMFuzzerMutate(data, size, max);
  std::copy(made.begin(), made.end(), data);
  return made.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Oracle oracle;
  const auto module =
      weft::wasm::read_module(std::as_bytes(std::span(data, size)), {.allow_shared_memory = true});
  const std::string ours = module ? "" : module.error().message;
  if (has(ours, "uses the WebAssembly proposal") || has(ours, "component model")) return 0;
  const std::string theirs = oracle.ask({data, size});
  if (ours.empty() == theirs.empty()) return 0;
  if (has(theirs, "minimum table size is out of bounds")) return 0;  // Their limit: 10,000,000.
  std::fprintf(stderr, "weft: %s\nwasm-tools: %s\n", ours.empty() ? "valid" : ours.c_str(),
               theirs.empty() ? "valid" : theirs.c_str());
  std::abort();
}
