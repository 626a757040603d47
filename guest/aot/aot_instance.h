// SPDX-License-Identifier: Apache-2.0
// AotInstance: one instance of a compiled module, made, run, and made again for the next guest.
//
//   start() instantiate() of the object: globals, memory, tables, segments      ◀─┐
//           its start function and _start, until they return, or are left         │ the next guest
//   clear() the memory has forgotten what the guest wrote                       ──┘
//
// An instance that waits for its next guest keeps what is expensive to make: the place of the
// memory with the image that is mapped there, and the tables' room. All values come from the object
// again, so nothing is left of the last guest, in whatever way it ended.
//
// The compiled code gets an AotInstance's address as its `guest`. Where it gives none (memory,
// traps), the instance is the one that runs on this G.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "guest/aot/aot_abi.h"
#include "guest/aot/linear_memory.h"
#include "guest/aot/memory_image.h"
#include "guest/compiled/compiled_instance.h"
#include "guest/engine.h"

namespace weft {

// What the instances of one module share.
struct AotParts {
  const aot::Object& object;  // The functions and tables of the shared object.
  const bool guard_pages;
  const std::shared_ptr<MemoryPool> memories;
  MemoryImage image = {};
};

class AotInstance : public CompiledInstance {
 public:
  // Both must outlive it.
  AotInstance(AotParts& parts, CompiledModule& module);
  ~AotInstance();
  AotInstance(const AotInstance&) = delete;
  AotInstance& operator=(const AotInstance&) = delete;

  // As those of Instance; the imports act on `process`.
  GuestEnd start(wasip1::Process& process);
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values);

  // As that of Instance.
  [[nodiscard]] std::optional<Computing> computing() const;

  // Gives its memory's pages back when its guest has ended: see MemoryPool::release().
  void release() noexcept;

  // Makes it ready for another start(). False when it can't be used again.
  bool clear();

  // --- for the compiled code ---
  static AotInstance& current();
  void allocate(aot::Memory& memory, std::uint32_t pages, std::uint32_t max);
  std::uint32_t grow(aot::Memory& memory, std::uint32_t pages, const void* from);
  void segment(aot::Memory& memory, std::uint32_t at, const std::uint8_t* bytes,
               std::uint32_t count) noexcept;
  void* resize_table(void* data, std::uint32_t old_size, std::uint32_t size,
                     std::uint32_t element_bytes) noexcept;

 private:
  // The room of one of its tables, in the order in which they are made.
  struct Table {
    void* data = nullptr;
    std::size_t bytes = 0;
  };

  static void make_guest(void* self);
  static void call_guest(void* self);
  void make();
  void* resize_in_host(void* data, std::uint32_t old_size, std::uint32_t size,
                       std::uint32_t element_bytes) noexcept;
  Table* table_of(const void* data) noexcept;
  void place_changed(aot::Memory& memory, std::uint32_t pages);

  AotParts& parts_;
  void* instance_ = nullptr;
  aot::Memory* memory_ = nullptr;  // A part of the instance.
  MemoryPlace place_;
  std::size_t initial_bytes_ = 0;  // Of the memory.
  bool laid_ = false;              // The memory has its segments.
  std::vector<Table> tables_;
  std::size_t tables_made_ = 0;
  const ExportInfo* called_ = nullptr;
  std::uint64_t* values_ = nullptr;  // Of that call.
};

// What compiled code is bound to.
extern const aot::Host kAotHost;

}  // namespace weft
