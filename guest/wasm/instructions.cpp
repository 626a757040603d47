// SPDX-License-Identifier: Apache-2.0
// Names of proposals: those that weft has, and those whose opcodes it knows only to name them.
#include "guest/wasm/instructions.h"

namespace weft::wasm {

std::string_view name(Feature feature) {
  constexpr std::string_view kNames[] = {
      "core",
      "multi-value",
      "mutable-globals",
      "sign-extension-ops",
      "nontrapping-float-to-int-conversions",
      "bulk-memory",
      "reference-types",
      "simd",
      "relaxed-simd",
      "tail-call",
      "extended-const",
      "multi-memory",
      "memory64",
      "exception-handling",
      "legacy exception-handling",
      "threads",
      "threads",
      "function-references",
  };
  static_assert(sizeof kNames / sizeof kNames[0] == kFeatures);
  return kNames[static_cast<std::size_t>(feature)];
}

std::string_view missing_proposal(std::uint8_t byte, std::uint32_t code) {
  switch (byte) {
    case 0x14:  // call_ref, return_call_ref
    case 0x15:
    case 0xd4:  // ref.as_non_null, br_on_null, br_on_non_null
    case 0xd5:
    case 0xd6:
      return "function-references";
    case 0xd3:  // ref.eq
    case 0xfb:
      return "gc";
    case 0xe0:  // cont.new to resume_throw
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe4:
    case 0xe5:
    case 0xe6:
      return "stack-switching";
    case 0xfc:
      return code == 18 ? "memory-control" : code >= 19 && code <= 22 ? "wide-arithmetic" : "";
    case 0xfe:
      return code >= 0x4f && code <= 0x72 ? "shared-everything-threads" : "";
    default:
      return "";
  }
}

}  // namespace weft::wasm
