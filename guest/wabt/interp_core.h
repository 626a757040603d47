// SPDX-License-Identifier: Apache-2.0
// libwabt's interpreter behind a narrow door.
//
// This pair of files is compiled as C++17, because libwabt 1.0.32's headers are not valid C++20; so
// this header is C++17 too, and nothing of libwabt or of weft's scheduler shows in it. It knows
// modules, instructions and traps; what an import does, when a guest yields and why one is stopped
// is guest/wabt/interp.cpp's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "guest/wabt/interp_host.h"

namespace weft::interp_core {

struct Limits {
  std::uint32_t memory_pages_max;
  std::uint32_t table_elements_max;
};

// The type of an imported function: letters i, I, f and F for i32, i64, f32 and f64; at most 16
// parameters and one result.
struct ImportType {
  std::string params;
  std::string results;
};

// A decoded, validated module, with the store that its instances share.
class Code {
 public:
  // Returns null and an error when libwabt refuses the module or memory runs out. All imports are
  // functions, in order.
  static std::shared_ptr<Code> load(const std::string& name, const void* data, std::size_t bytes,
                                    const Limits& limits, const std::vector<ImportType>& imports,
                                    const TellEntries& told, std::string* error);
  virtual ~Code() = default;

  // The most pages that its memory may have, by the module and by the limits; 0 without one.
  [[nodiscard]] virtual std::uint32_t memory_pages_max() const = 0;

  // The start function's index, or -1.
  [[nodiscard]] virtual std::int64_t start_function() const = 0;
};

enum class Step : std::uint8_t {
  ran,            // The slice is over; there is more to do.
  returned,       // The function that begin() named has returned.
  trapped,        // See trap_message().
  out_of_memory,  // The guest can't go on.
};

// One instance and its one thread of execution.
class Run {
 public:
  static std::unique_ptr<Run> make(const std::shared_ptr<Code>& code, Host& host);
  virtual ~Run() = default;

  // Where its memory is, zeroed and of the module's initial size; must outlive the instance, or the
  // next set_memory(). Before instantiate(), when the module has a memory; and when it has grown.
  virtual void set_memory(std::uint8_t* bytes, std::uint32_t pages) = 0;

  // Makes the instance: tables, segments. Returns ran, trapped or out_of_memory. Once.
  virtual Step instantiate() = 0;

  // Prepares a call of a function with these arguments, as in Instance::call. Returns ran, or
  // trapped; returned when the function is an import without parameters and results, which then has
  // been called. What an earlier call left, that trapped, is gone.
  virtual Step begin(std::uint32_t function, const std::uint64_t* values) = 0;

  // What the function that returned has returned.
  virtual void take_results(std::uint64_t* values) = 0;

  // Executes at most that many instructions. Requires room for as many calls: see make_room.
  virtual Step run(int instructions) = 0;

  // Makes room for that many further calls.
  virtual void make_room(std::size_t calls) = 0;

  [[nodiscard]] virtual std::size_t call_depth() const = 0;
  [[nodiscard]] virtual std::size_t values()
      const = 0;  // Locals and operands of all calls under way.
  [[nodiscard]] virtual const std::string& trap_message() const = 0;
  // Of a trap: how many instructions of the innermost function that may trap
  // (guest/wasm/instructions.h) there are up to the one that did, itself included; 0 when it is not
  // one of those.
  [[nodiscard]] virtual std::size_t trapped_at() const = 0;
  // The module's own functions under way, innermost first, at most `max` of them.
  [[nodiscard]] virtual std::vector<std::uint32_t> call_stack(std::size_t max) const = 0;
  // What a global of 32 bits holds; 0 when it has none of this number.
  [[nodiscard]] virtual std::uint32_t global32(std::uint32_t index) const = 0;
};

}  // namespace weft::interp_core
