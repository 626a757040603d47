// SPDX-License-Identifier: Apache-2.0
// CodeSpace: the memory of all machine code of an engine, and its one budget.
//
// One file without a name is mapped twice: writable in one place, executable in the other. No
// mapping is ever both. So code is written while other code of the same page runs, and nothing that
// a guest can reach is writable. The exception is a process that a debugger started: it puts its
// breakpoints into the code, and can do so only where the process itself may write.
//
//   CodeSpace    the two mappings; hands out chunks, takes them back with their memory
//   ModuleCode   the chunks of one module, filled from their beginnings
//
// All code lies within 2 GiB: any place in it can refer to any other by 32 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::jit {

inline constexpr std::size_t kCodeBytesMax = std::size_t{1} << 30;

enum class Breakpoints : std::uint8_t { no, yes };

class CodeSpace {
 public:
  // The error says why this system does not allow making code.
  static Result<std::shared_ptr<CodeSpace>> make(std::size_t bytes_max = kCodeBytesMax,
                                                 Breakpoints breakpoints = Breakpoints::no);
  ~CodeSpace();
  CodeSpace(const CodeSpace&) = delete;
  CodeSpace& operator=(const CodeSpace&) = delete;

  // Commits [from, to), whole pages; false when the budget is spent.
  bool take(std::size_t bytes, std::size_t& offset);
  void give_back(std::size_t offset, std::size_t bytes);

  [[nodiscard]] std::uint8_t* writable(std::size_t offset) const { return writable_ + offset; }
  [[nodiscard]] const std::uint8_t* runs(std::size_t offset) const { return runs_ + offset; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  static Result<std::shared_ptr<CodeSpace>> make_of(std::size_t bytes, Breakpoints breakpoints);
  CodeSpace(UniqueFd file, std::uint8_t* writable, std::uint8_t* runs, std::size_t bytes);

  UniqueFd file_;
  std::uint8_t* writable_;
  std::uint8_t* runs_;
  std::size_t bytes_;
  std::size_t used_ = 0;
  std::map<std::size_t, std::size_t> free_;  // By offset: how many bytes.
};

// A place for code or data: the same bytes at two addresses.
struct CodePlace {
  std::uint8_t* writable = nullptr;
  const std::uint8_t* runs = nullptr;
};

class ModuleCode {
 public:
  explicit ModuleCode(std::shared_ptr<CodeSpace> space) : space_(std::move(space)) {}
  ~ModuleCode();
  ModuleCode(const ModuleCode&) = delete;
  ModuleCode& operator=(const ModuleCode&) = delete;

  // Of so many bytes, aligned to 16; null when the budget is spent.
  CodePlace place(std::size_t bytes);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Chunk {
    std::size_t offset;
    std::size_t bytes;
    std::size_t used;
  };
  const std::shared_ptr<CodeSpace> space_;
  std::vector<Chunk> chunks_;
  std::size_t bytes_ = 0;
};

}  // namespace weft::jit
