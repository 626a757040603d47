// SPDX-License-Identifier: Apache-2.0
// ModuleView: what a WebAssembly binary says, read and validated, in tables that point into it.
//
//   bytes ─▶ read_module() ─▶ header ─▶ sections in their order ─▶ function bodies ─▶ ModuleView
//                                │               │                        │
//                         not a module      what can't be             FunctionValidator
//
// The whole module is proved valid by WebAssembly 3.0, or refused with one line that says what is
// wrong and at which byte. Some valid modules are refused, too: those that need GC or typed
// function references, those beyond the limits below, and, unless the caller allows them, those
// with shared memories. ModuleView::features says what else an engine has to support. There is one
// pass; time is linear in the bytes and memory in proportion to them, for any bytes; nothing is
// recursive.
//
// The view owns no bytes: the binary has to live as long as the view.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/wasm/instructions.h"
#include "guest/wasm/types.h"

namespace weft::wasm {

// The limits on which engines have agreed for the JavaScript API. The error for a module beyond one
// names it.
inline constexpr std::size_t kModuleBytesMax = std::size_t{1} << 30;
inline constexpr std::uint32_t kTypesMax = 1'000'000;
inline constexpr std::uint32_t kFunctionsMax = 1'000'000;
inline constexpr std::uint32_t kImportsMax = 1'000'000;
inline constexpr std::uint32_t kExportsMax = 1'000'000;
inline constexpr std::uint32_t kGlobalsMax = 1'000'000;
inline constexpr std::uint32_t kTagsMax = 1'000'000;
inline constexpr std::uint32_t kTablesMax = 100'000;
inline constexpr std::uint32_t kMemoriesMax = 100;
inline constexpr std::uint32_t kElementSegmentsMax = 100'000;
inline constexpr std::uint32_t kElementsMax = 10'000'000;  // Of one segment.
inline constexpr std::uint32_t kDataSegmentsMax = 100'000;
inline constexpr std::uint32_t kNameBytesMax = 100'000;
inline constexpr std::uint32_t kFunctionBytesMax = 7'654'321;
inline constexpr std::uint32_t kLocalsMax = 50'000;  // Of one function, without its parameters.
inline constexpr std::uint32_t kParamsMax = 1'000;
inline constexpr std::uint32_t kResultsMax = 1'000;
inline constexpr std::uint32_t kCatchClausesMax = 10'000;  // Of one try_table.
inline constexpr std::uint32_t kOperandsMax = 1'000'000;   // On the stack of one function.
inline constexpr std::uint32_t kPageBytes = 65'536;

enum class External : std::uint8_t { function, table, memory, global, tag };

// "function".
std::string_view name(External kind);

struct Import {
  std::string_view module;
  std::string_view name;
  External kind;
  std::uint32_t index;  // Of what it brings, among things of its kind.
};

struct Export {
  std::string_view name;
  External kind;
  std::uint32_t index;
};

// A constant expression, its `end` included.
struct ConstExpr {
  std::uint32_t offset = 0;  // In the file.
  std::uint32_t bytes = 0;
};

struct Global {
  GlobalType type;
  ConstExpr init;  // bytes is 0: imported.
};

struct Element {
  enum class Mode : std::uint8_t { active, passive, declared };
  Mode mode;
  ValType type;
  std::uint32_t table = 0;  // Of an active one.
  ConstExpr offset;         // Of an active one.
  // One of the two holds the elements.
  std::vector<std::uint32_t> functions;
  std::vector<ConstExpr> expressions;
};

struct Data {
  bool active;
  std::uint32_t memory = 0;  // Of an active one.
  ConstExpr offset;          // Of an active one.
  std::span<const std::byte> bytes;
};

// The body of a function that the module defines: the groups of locals, then instructions.
struct Body {
  std::uint32_t offset = 0;  // In the file.
  std::uint32_t bytes = 0;
};

struct CustomSection {
  std::string_view name;
  std::span<const std::byte> bytes;
  std::uint32_t offset;  // Of the bytes, in the file.
};

// The proposal that brought a type of values.
constexpr Feature feature_of(ValType type) {
  return type == ValType::v128     ? Feature::simd
         : type == ValType::exnref ? Feature::exceptions
         : is_reference(type)      ? Feature::reference_types
                                   : Feature::core;
}

// What ModuleView::features calls a type that is written as "(ref null func)".
inline constexpr std::string_view kLongType = "a reference type in its long form";

// Which proposals a module uses, and the first place of each: an engine that lacks one says which.
class Features {
 public:
  [[nodiscard]] bool has(Feature feature) const { return (bits_ >> bit(feature) & 1U) != 0; }
  // Where it was first seen: the offset in the file, and the instruction or type that needs it.
  [[nodiscard]] std::uint32_t offset(Feature feature) const { return offsets_[bit(feature)]; }
  [[nodiscard]] std::string_view what(Feature feature) const { return what_[bit(feature)]; }

  void add(Feature feature, std::uint32_t offset, std::string_view what) {
    if (has(feature)) return;
    bits_ |= 1U << bit(feature);
    offsets_[bit(feature)] = offset;
    what_[bit(feature)] = what;
  }

 private:
  static std::size_t bit(Feature feature) { return static_cast<std::size_t>(feature); }
  std::uint32_t bits_ = 0;
  std::array<std::uint32_t, kFeatures> offsets_{};
  std::array<std::string_view, kFeatures> what_{};
};

struct ModuleView {
  std::span<const std::byte> bytes;
  std::vector<FuncType> types;
  std::vector<Import> imports;
  // By index, imported ones first.
  std::vector<std::uint32_t> function_types;
  std::vector<TableType> tables;
  std::vector<MemoryType> memories;
  std::vector<Global> globals;
  std::vector<std::uint32_t> tag_types;
  std::uint32_t imported_functions = 0;
  std::uint32_t imported_tables = 0;
  std::uint32_t imported_memories = 0;
  std::uint32_t imported_globals = 0;
  std::uint32_t imported_tags = 0;
  std::vector<Export> exports;
  std::optional<std::uint32_t> start;
  std::vector<Element> elements;
  std::vector<Data> data;
  std::optional<std::uint32_t> data_count;
  std::vector<Body> bodies;        // Of the functions that the module defines.
  std::uint32_t locals_max = 0;    // Of one body, without parameters. Not with Bodies::skip.
  std::uint32_t code_section = 0;  // In the file: where its content begins; 0: there is none.
  std::vector<CustomSection> custom;
  Features features;
  std::vector<bool> referenced;  // By function: ref.func may name it in code.

  [[nodiscard]] std::uint32_t functions() const {
    return static_cast<std::uint32_t>(function_types.size());
  }
  [[nodiscard]] const FuncType& type_of_function(std::uint32_t index) const {
    return types[function_types[index]];
  }
  [[nodiscard]] const FuncType& type_of_tag(std::uint32_t index) const {
    return types[tag_types[index]];
  }
  // Of a function that the module defines, by its index among all.
  [[nodiscard]] const Body& body(std::uint32_t function) const {
    return bodies[function - imported_functions];
  }
  [[nodiscard]] const CustomSection* find_custom(std::string_view name) const;
  [[nodiscard]] std::span<const std::byte> bytes_of(ConstExpr expr) const {
    return bytes.subspan(expr.offset, expr.bytes);
  }

  std::unique_ptr<ValType[]> type_pool;  // What types points into.
};

enum class Bodies : std::uint8_t {
  validate,
  skip,  // Only where they are: validate_bodies() comes later, or came before.
};

struct ReadOptions {
  Bodies bodies = Bodies::validate;
  bool allow_shared_memory = false;
};

// The error completes "FILE: ...".
Result<ModuleView> read_module(std::span<const std::byte> bytes, const ReadOptions& options = {});

// Called now and then with how many of the bodies are validated. It may throw.
using ValidationStep = std::function<void(std::size_t done, std::size_t of)>;

// The second half of it, for a view that was made with Bodies::skip. may_trap is told, in their
// order, where in the file each instruction is that may trap; or null.
Status validate_bodies(ModuleView& module, std::vector<std::uint32_t>* may_trap = nullptr,
                       const ValidationStep& step = {});

}  // namespace weft::wasm
