// SPDX-License-Identifier: Apache-2.0
// Fuzz target: modules. Any bytes are refused with a message or loaded; nothing crashes, and
// nothing allocates by a count that the bytes can't hold. Nothing is run: what a loaded module does
// is the claim of tests/unit/guest/mutation_test.cpp. The lines of source that a trap is told with
// are looked up.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "guest/wabt/interp.h"
#include "guest/wasm/module_scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto engine = weft::make_interp();
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto info = weft::scan_module(bytes);
  const auto module =
      engine->load("fuzz.wasm", bytes, {.memory_pages_max = 16}, weft::Role::command);
  if (!info) {
    WEFT_CHECK(!info.error().message.empty(), "refused without a reason");
    WEFT_CHECK(!module, "loaded what the scan refuses");
  }
  if (info) (void)info->source_line(info->code_section + static_cast<std::uint32_t>(size / 4));
  if (!module) WEFT_CHECK(!module.error().message.empty(), "refused without a reason");
  return 0;
}
