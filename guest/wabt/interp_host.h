// SPDX-License-Identifier: Apache-2.0
// What the interpreter asks of those who run it: guest/wabt/interp_core.h. C++17, as that.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::interp_core {

// Executes the imports and instructions between whose steps other Gs have turns. Must not throw.
class Host {
 public:
  virtual ~Host() = default;
  // A call of the import-th import. `memory` is the guest's linear memory (null when it has none);
  // values are bits, in the low ones where there are 32.
  // Returns false to leave the guest: it then ends with a trap. May suspend the calling fiber.
  virtual bool call(std::uint32_t import, const std::uint64_t* args, std::uint8_t* memory,
                    std::uint64_t memory_bytes, std::uint64_t* result) noexcept = 0;

  // memory.grow, by so many pages: what it gives the guest. May call Run::set_memory. As call().
  virtual bool grow(std::uint32_t pages, std::uint32_t* result) noexcept = 0;

  // table.grow takes so many elements of the guest's budget: false when it has less.
  virtual bool take_elements(std::uint32_t elements) noexcept = 0;

  // Between two steps of an instruction that moves much. As call().
  virtual bool turn() noexcept = 0;

  // A function begins of which the host wants to hear (Told). With two of the guest's globals.
  virtual void entered(std::uint32_t entry, std::uint32_t sp, std::uint32_t g) noexcept = 0;
};

// A function of Go's, whose parameter is 0 when it begins.
struct Told {
  std::uint32_t function;  // Its index in the code, imports counted.
  std::uint32_t entry;     // What the host is told.
};

// Of whose beginnings the host wants to hear, and which globals go with it.
struct TellEntries {
  std::vector<Told> functions;
  std::uint32_t sp_global = 0;
  std::uint32_t g_global = 0;
};

}  // namespace weft::interp_core
