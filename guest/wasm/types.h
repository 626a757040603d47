// SPDX-License-Identifier: Apache-2.0
// The types of WebAssembly 3.0 without those of GC: of values, functions, memories and tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weft::wasm {

// One byte each, so that lists of types are compared and copied as bytes.
enum class ValType : std::uint8_t {
  bottom,  // Any type: what unreachable code finds on its stack. In no module.
  i32,
  i64,
  f32,
  f64,
  v128,
  funcref,
  externref,
  exnref,
};

constexpr bool is_reference(ValType type) {
  return type >= ValType::funcref;
}

// "i32"; "any type" for bottom.
constexpr std::string_view name(ValType type) {
  constexpr std::string_view kNames[] = {"any type", "i32",     "i64",       "f32",   "f64",
                                         "v128",     "funcref", "externref", "exnref"};
  return kNames[static_cast<std::size_t>(type)];
}

// The letter of guest/wasm/module_scan.h and wasip1::Function::params: i I f F v r e x.
constexpr char letter(ValType type) {
  return ".iIfFvrex"[static_cast<std::size_t>(type)];
}

// Of a function, a block or a tag. Two types with the same lists are the same type: `canonical` is
// the lowest index of a type of the module that is equal.
struct FuncType {
  std::span<const ValType> params;
  std::span<const ValType> results;
  std::uint32_t canonical = 0;
};

// "(i32 i64) -> (f32)".
std::string describe(const FuncType& type);

struct Limits {
  std::uint64_t min = 0;
  std::uint64_t max = 0;  // 0 without has_max.
  bool has_max = false;
  bool is_64 = false;  // Addresses are i64.
  bool shared = false;

  [[nodiscard]] ValType address() const { return is_64 ? ValType::i64 : ValType::i32; }
};

struct MemoryType {
  Limits limits;  // In pages of 64 KiB.
};

struct TableType {
  ValType element = ValType::funcref;
  Limits limits;  // In elements.
};

struct GlobalType {
  ValType type = ValType::i32;
  bool is_mutable = false;
};

}  // namespace weft::wasm
