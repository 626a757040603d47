// SPDX-License-Identifier: Apache-2.0
// Pclntab: Go's table of functions, which the linker puts into the data of each program: names in
// Go's own spelling, and the line of source of each PC. It is there in stripped modules, too.
//
//   header ─▶ functab: (entry, where its _func is) by rising entry
//          ─▶ funcnametab: names, each ended by a zero
//          ─▶ cutab, filetab: files;  pctab: from PCs to numbers, as differences
//
// Read as Go 1.20 to 1.27 write it (runtime/symtab.go), with 64-bit pointers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guest/go/data_image.h"

namespace weft::guest::go {

// A place in the source.
struct SourcePlace {
  std::string file;  // As the compiler was told it, mostly a whole path; "": not known.
  std::int32_t line = 0;
};

// How much may be read to find places in the source: pairs of numbers of pctab. A function of a
// program has a few hundred at most; those of foreign bytes may be made to have as many as there
// are bytes.
struct PlaceBudget {
  std::uint64_t pairs = 1'000'000;
};

class Pclntab {
 public:
  // Looks for the table of a module that defines so many functions. Nothing when there is none. The
  // image has to live as long as the table.
  static std::optional<Pclntab> find(const DataImage& image, std::uint32_t functions);

  [[nodiscard]] std::uint32_t address() const { return address_; }

  // By defined function; "" for those that are not in the table.
  [[nodiscard]] std::vector<std::string_view> names(std::uint32_t functions) const;

  // The call that returns to this PC; as in Go's dumps, that is the instruction before it.
  // Takes from the budget; nothing when that does not suffice.
  [[nodiscard]] SourcePlace place_before(std::uint64_t pc, PlaceBudget& budget) const;

  // How much of the stack a function takes, without the address to return to above that; nothing
  // when the table does not say.
  [[nodiscard]] std::optional<std::uint32_t> frame_bytes(std::uint32_t defined) const;

 private:
  static std::optional<Pclntab> read_header(const DataImage& image, std::uint32_t address,
                                            std::uint32_t functions);
  [[nodiscard]] std::optional<std::string_view> name_of(std::uint32_t nth) const;
  [[nodiscard]] std::optional<std::uint32_t> func_of(std::uint32_t defined) const;
  template <class F>
  bool each_value(std::uint32_t table, int max, F f) const;
  [[nodiscard]] std::optional<std::int32_t> value_at(std::uint32_t table, std::uint64_t pc_b,
                                                     PlaceBudget& budget) const;

  const DataImage* image_ = nullptr;
  std::uint32_t address_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t names_ = 0;  // Addresses of the parts.
  std::uint32_t cutab_ = 0;
  std::uint32_t filetab_ = 0;
  std::uint32_t pctab_ = 0;
  std::uint32_t functab_ = 0;
};

}  // namespace weft::guest::go
