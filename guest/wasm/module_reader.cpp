// SPDX-License-Identifier: Apache-2.0
// The header, the order of the sections, and all sections but those of segments.
#include "guest/wasm/module_reader.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <tuple>

#include "base/check.h"
#include "base/printable.h"
#include "os/wasip1/resolve.h"

namespace weft::wasm {
namespace {

// From a section's id to its place in a module.
constexpr int kPlaces[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};
constexpr const char* kSections[] = {"custom", "type",   "import",     "function", "table",
                                     "memory", "global", "export",     "start",    "element",
                                     "code",   "data",   "data count", "tag"};

constexpr std::uint64_t kPages32Max = std::uint64_t{1} << 16;
constexpr std::uint64_t kPages64Max = std::uint64_t{1} << 48;

}  // namespace

ModuleReader::ModuleReader(std::span<const std::byte> bytes, const ReadOptions& options)
    : options_(options), validator_(module_, &module_.features) {
  module_.bytes = bytes;
}

ModuleView ModuleReader::read() {
  if (module_.bytes.size() > kModuleBytesMax) throw Refused{"the module is larger than 1 GiB"};
  ByteReader in(module_.bytes);
  read_header(in);
  while (!in.at_end()) {
    const std::uint32_t offset = in.offset();
    const std::uint8_t id = in.u8();
    ByteReader section = in.sub(in.u32());
    check_order(id, offset);
    read_section(id, section);
    if (section.saw_long_type()) use(Feature::function_references, offset, kLongType);
    if (!section.at_end()) {
      section.fail(std::string("bytes behind the end of the ") + kSections[id] + " section");
    }
  }
  check_counts();
  return std::move(module_);
}

void ModuleReader::read_header(ByteReader& in) {
  const std::string_view text(reinterpret_cast<const char*>(module_.bytes.data()),
                              module_.bytes.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos &&
      (text.substr(first, 2) == "(m" || text.substr(first, 2) == ";;")) {
    throw Refused{"this is WebAssembly text; make a binary of it with wat2wasm"};
  }
  if (text.empty()) throw Refused{"the file is empty"};
  if (!text.starts_with(std::string_view("\0asm", 4))) {
    throw Refused{"not a WebAssembly module (it does not start with \"\\0asm\")"};
  }
  in.take(4);
  if (in.left() < 4) throw Refused{"the file ends within its header"};
  const std::uint32_t version = in.u8() | in.u8() << 8U;
  const std::uint32_t layer = in.u8() | in.u8() << 8U;
  if (layer == 1) {
    throw Refused{
        "a component of the WebAssembly component model; weft runs core modules for WASI preview 1 "
        "(target wasm32-wasip1; `wasm-tools component unbundle` takes a component apart)"};
  }
  if (version != 1 || layer != 0) {
    throw Refused{"WebAssembly version " + std::to_string(version) +
                  " is not supported, only 1 is"};
  }
}

void ModuleReader::check_order(std::uint8_t id, std::uint32_t offset) {
  if (id >= std::size(kPlaces)) {
    ByteReader::fail_at("an unknown section " + std::to_string(id), offset);
  }
  if (id == 0) return;
  if (kPlaces[id] <= last_section_) {
    ByteReader::fail_at(
        std::string("the ") + kSections[id] + " section is there twice or behind a later one",
        offset);
  }
  last_section_ = kPlaces[id];
}

void ModuleReader::read_section(std::uint8_t id, ByteReader& in) {
  switch (id) {
    case 0:
      return read_custom(in);
    case 1:
      return read_types(in);
    case 2:
      return read_imports(in);
    case 3:
      return read_functions(in);
    case 4:
      return read_tables(in);
    case 5:
      return read_memories(in);
    case 6:
      return read_globals(in);
    case 7:
      return read_exports(in);
    case 8:
      return read_start(in);
    case 9:
      return read_elements(in);
    case 10:
      return read_code(in);
    case 11:
      return read_data(in);
    case 12:
      return read_data_count(in);
    case 13:
      return read_tags(in);
    default:
      WEFT_CHECK(false, "check_order() let an unknown section pass");
  }
}

// What two sections say together.
void ModuleReader::check_counts() {
  if (module_.bodies.size() != functions_declared_) {
    throw Refused{"the module declares " + std::to_string(functions_declared_) +
                  " functions and has the code of " + std::to_string(module_.bodies.size())};
  }
  if (module_.data_count && *module_.data_count != module_.data.size()) {
    throw Refused{"the module announces " + std::to_string(*module_.data_count) +
                  " data segments and has " + std::to_string(module_.data.size())};
  }
}

void ModuleReader::use(Feature feature, std::uint32_t offset, std::string_view what) {
  if (feature == Feature::core || module_.features.has(feature)) return;
  if (feature == Feature::shared_memories && !options_.allow_shared_memory) {
    fail_proposal(wasm::name(feature), offset);
  }
  module_.features.add(feature, offset, what);
}

std::string_view ModuleReader::read_name(ByteReader& in) {
  const std::uint32_t length = in.count("bytes in a name", kNameBytesMax);
  const std::string_view text(reinterpret_cast<const char*>(in.take(length)), length);
  if (!wasip1::is_utf8(text)) in.fail("a name that is not UTF-8");
  return text;
}

void ModuleReader::read_custom(ByteReader& in) {
  const std::string_view name = read_name(in);
  const std::uint32_t offset = in.offset();
  const auto bytes = module_.bytes.subspan(offset, in.left());
  in.take(in.left());
  module_.custom.push_back({name, bytes, offset});
}

// --- types ---

ValType ModuleReader::read_val_type_used(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const ValType type = read_val_type(in);
  use(feature_of(type), offset, wasm::name(type));
  return type;
}

std::span<const ValType> ModuleReader::read_type_list(ByteReader& in, const char* what,
                                                      std::uint32_t max) {
  const std::uint32_t n = in.count(what, max);
  ValType* types = module_.type_pool.get() + types_used_;
  for (std::uint32_t i = 0; i < n; ++i) types[i] = read_val_type_used(in);
  types_used_ += n;
  return {types, n};
}

void ModuleReader::read_form(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  switch (in.u8()) {
    case 0x60:
      return;
    case 0x4d:  // Descriptors, recursive groups, subtypes, arrays, structures.
    case 0x4c:
    case 0x4e:
    case 0x4f:
    case 0x50:
    case 0x5e:
    case 0x5f:
      fail_proposal("gc", offset);
    case 0x5d:
      fail_proposal("stack-switching", offset);
    case 0x65:
      fail_proposal("shared-everything-threads", offset);
    default:
      ByteReader::fail_at("an unknown form of type", offset);
  }
}

void ModuleReader::read_types(ByteReader& in) {
  // Each type of a value is a byte of the section, or more.
  module_.type_pool = std::make_unique<ValType[]>(in.left());
  for (std::uint32_t n = in.count("types", kTypesMax); n > 0; --n) {
    read_form(in);
    const auto index = static_cast<std::uint32_t>(module_.types.size());
    FuncType type;
    type.params = read_type_list(in, "parameters", kParamsMax);
    const std::uint32_t offset = in.offset();
    type.results = read_type_list(in, "results", kResultsMax);
    if (type.results.size() > 1) use(Feature::multi_value, offset, "several results");
    type.canonical = index;
    module_.types.push_back(type);
  }
  find_equal_types();
}

// By sorting and not by hashing: nobody can choose lists that make it slow.
void ModuleReader::find_equal_types() {
  const auto as_text = [](std::span<const ValType> types) {
    return std::string_view(reinterpret_cast<const char*>(types.data()), types.size());
  };
  const auto key = [&](std::uint32_t index) {
    const FuncType& type = module_.types[index];
    return std::tuple(as_text(type.params), as_text(type.results));
  };
  std::vector<std::uint32_t> order(module_.types.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::tuple_cat(key(a), std::tuple(a)) < std::tuple_cat(key(b), std::tuple(b));
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (key(order[i]) != key(order[i - 1])) continue;
    module_.types[order[i]].canonical = module_.types[order[i - 1]].canonical;
  }
}

std::uint32_t ModuleReader::read_type_index(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const std::uint32_t index = in.u32();
  if (index >= module_.types.size()) {
    ByteReader::fail_at("there is no type " + std::to_string(index) + ", only " +
                            std::to_string(module_.types.size()),
                        offset);
  }
  return index;
}

Limits ModuleReader::read_limits(ByteReader& in, bool of_memory) {
  constexpr std::uint8_t kHasMax = 1;
  constexpr std::uint8_t kShared = 2;
  constexpr std::uint8_t kIs64 = 4;
  constexpr std::uint8_t kHasPageSize = 8;
  const std::uint32_t offset = in.offset();
  const std::uint8_t flags = in.u8();
  if (of_memory && (flags & kHasPageSize) != 0 && flags < 16) {
    fail_proposal("custom-page-sizes", offset);
  }
  if (flags > 7) ByteReader::fail_at("unknown flags of limits", offset);
  Limits limits;
  limits.has_max = (flags & kHasMax) != 0;
  limits.shared = (flags & kShared) != 0;
  limits.is_64 = (flags & kIs64) != 0;
  if (limits.shared) {
    if (!of_memory) fail_proposal("shared-everything-threads", offset);
    use(Feature::shared_memories, offset, "a shared memory");
    if (!limits.has_max) ByteReader::fail_at("a shared memory without a maximum", offset);
  }
  if (limits.is_64) use(Feature::memory64, offset, of_memory ? "a memory" : "a table");
  limits.min = in.u64();
  if (limits.has_max) limits.max = in.u64();
  if (!limits.is_64 && std::max(limits.min, limits.max) > UINT32_MAX) {
    ByteReader::fail_at("a size of more than 32 bits", offset);
  }
  if (limits.has_max && limits.max < limits.min) {
    ByteReader::fail_at("a size whose minimum is larger than its maximum", offset);
  }
  const std::uint64_t pages_max = limits.is_64 ? kPages64Max : kPages32Max;
  if (of_memory && std::max(limits.min, limits.max) > pages_max) {
    ByteReader::fail_at("a memory of more than " + std::to_string(pages_max) + " pages", offset);
  }
  return limits;
}

void ModuleReader::read_table_type(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  if (module_.tables.size() >= kTablesMax) in.fail("more than 100,000 tables");
  TableType table;
  table.element = read_ref_type(in);
  if (table.element != ValType::funcref) {
    use(feature_of(table.element), offset, wasm::name(table.element));
  }
  table.limits = read_limits(in, false);
  module_.tables.push_back(table);
  if (module_.tables.size() > 1) use(Feature::reference_types, offset, "several tables");
}

void ModuleReader::read_memory_type(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  if (module_.memories.size() >= kMemoriesMax) in.fail("more than 100 memories");
  module_.memories.push_back({read_limits(in, true)});
  if (module_.memories.size() > 1) use(Feature::multi_memory, offset, "several memories");
}

void ModuleReader::read_tag_type(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  if (in.u8() != 0) ByteReader::fail_at("an unknown kind of tag", offset);
  const std::uint32_t type = read_type_index(in);
  if (!module_.types[type].results.empty()) {
    ByteReader::fail_at("a tag whose type has results", offset);
  }
  if (module_.tag_types.size() >= kTagsMax) in.fail("more than 1,000,000 tags");
  module_.tag_types.push_back(type);
  use(Feature::exceptions, offset, "a tag");
}

GlobalType ModuleReader::read_global_type(ByteReader& in) {
  GlobalType global;
  global.type = read_val_type_used(in);
  const std::uint32_t offset = in.offset();
  const std::uint8_t flags = in.u8();
  if ((flags & 2) != 0 && flags < 4) fail_proposal("shared-everything-threads", offset);
  if (flags > 1) ByteReader::fail_at("unknown flags of a global", offset);
  global.is_mutable = flags == 1;
  return global;
}

// --- imports and definitions ---

void ModuleReader::read_import(ByteReader& in) {
  Import import;
  import.module = read_name(in);
  import.name = read_name(in);
  const std::uint32_t offset = in.offset();
  const std::uint8_t kind = in.u8();
  if (import.name.empty() && (kind == 0x7e || kind == 0x7f)) {
    fail_proposal("compact-import-section", offset);
  }
  if (kind == 0x20) fail_proposal("custom-descriptors", offset);  // A function of an exact type.
  if (kind > static_cast<std::uint8_t>(External::tag)) {
    ByteReader::fail_at("an unknown kind of import", offset);
  }
  import.kind = static_cast<External>(kind);
  import.index = static_cast<std::uint32_t>(count_of(import.kind));
  switch (import.kind) {
    case External::function:
      module_.function_types.push_back(read_type_index(in));
      ++module_.imported_functions;
      break;
    case External::table:
      read_table_type(in);
      ++module_.imported_tables;
      break;
    case External::memory:
      read_memory_type(in);
      ++module_.imported_memories;
      break;
    case External::global:
      module_.globals.push_back({read_global_type(in), {}});
      if (module_.globals.back().type.is_mutable) {
        use(Feature::mutable_globals, offset, "an imported global");
      }
      ++module_.imported_globals;
      break;
    case External::tag:
      read_tag_type(in);
      ++module_.imported_tags;
      break;
  }
  module_.imports.push_back(import);
}

void ModuleReader::read_imports(ByteReader& in) {
  for (std::uint32_t n = in.count("imports", kImportsMax); n > 0; --n) read_import(in);
}

void ModuleReader::read_functions(ByteReader& in) {
  functions_declared_ = in.count("functions", kFunctionsMax);
  for (std::uint32_t n = functions_declared_; n > 0; --n) {
    module_.function_types.push_back(read_type_index(in));
  }
  if (module_.function_types.size() > kFunctionsMax) in.fail("more than 1,000,000 functions");
}

void ModuleReader::read_tables(ByteReader& in) {
  constexpr std::uint8_t kHasInit = 0x40;
  for (std::uint32_t n = in.count("tables", kTablesMax); n > 0; --n) {
    if (in.peek() == kHasInit) fail_proposal("function-references", in.offset());
    read_table_type(in);
  }
}

void ModuleReader::read_memories(ByteReader& in) {
  for (std::uint32_t n = in.count("memories", kMemoriesMax); n > 0; --n) read_memory_type(in);
}

void ModuleReader::read_tags(ByteReader& in) {
  for (std::uint32_t n = in.count("tags", kTagsMax); n > 0; --n) read_tag_type(in);
}

void ModuleReader::read_globals(ByteReader& in) {
  module_.referenced.resize(module_.functions());
  for (std::uint32_t n = in.count("globals", kGlobalsMax); n > 0; --n) {
    const GlobalType type = read_global_type(in);
    const ConstExpr init = read_constant(in, type.type);
    if (module_.globals.size() >= kGlobalsMax) in.fail("more than 1,000,000 globals");
    module_.globals.push_back({type, init});
  }
}

ConstExpr ModuleReader::read_constant(ByteReader& in, ValType type) {
  module_.referenced.resize(module_.functions());
  return validator_.constant(in, type, static_cast<std::uint32_t>(module_.globals.size()),
                             module_.referenced);
}

std::size_t ModuleReader::count_of(External kind) const {
  switch (kind) {
    case External::function:
      return module_.function_types.size();
    case External::table:
      return module_.tables.size();
    case External::memory:
      return module_.memories.size();
    case External::global:
      return module_.globals.size();
    case External::tag:
      break;
  }
  return module_.tag_types.size();
}

void ModuleReader::read_export(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  Export item;
  item.name = read_name(in);
  const std::uint8_t kind = in.u8();
  if (kind > static_cast<std::uint8_t>(External::tag)) {
    ByteReader::fail_at("an unknown kind of export", offset);
  }
  item.kind = static_cast<External>(kind);
  item.index = in.u32();
  if (item.index >= count_of(item.kind)) {
    ByteReader::fail_at("an export of " + std::string(wasm::name(item.kind)) + " " +
                            std::to_string(item.index) + ", there are only " +
                            std::to_string(count_of(item.kind)),
                        offset);
  }
  if (item.kind == External::function) module_.referenced[item.index] = true;
  if (item.kind == External::global && module_.globals[item.index].type.is_mutable) {
    use(Feature::mutable_globals, offset, "an exported global");
  }
  module_.exports.push_back(item);
}

void ModuleReader::read_exports(ByteReader& in) {
  module_.referenced.resize(module_.functions());
  const std::uint32_t offset = in.offset();
  for (std::uint32_t n = in.count("exports", kExportsMax); n > 0; --n) read_export(in);
  check_export_names(offset);
}

void ModuleReader::check_export_names(std::uint32_t offset) {
  std::vector<std::string_view> names;
  names.reserve(module_.exports.size());
  for (const Export& item : module_.exports) names.push_back(item.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return;
  ByteReader::fail_at("duplicate export name \"" + printable(*twice) + "\"", offset);
}

void ModuleReader::read_start(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const std::uint32_t index = in.u32();
  if (index >= module_.functions()) ByteReader::fail_at("an unknown start function", offset);
  const FuncType& type = module_.type_of_function(index);
  if (!type.params.empty() || !type.results.empty()) {
    ByteReader::fail_at("a start function with parameters or results", offset);
  }
  module_.start = index;
}

Status validate_bodies(ModuleView& module, std::vector<std::uint32_t>* may_trap,
                       const ValidationStep& step) try {
  constexpr std::uint32_t kBodiesOfStep = 64;
  FunctionValidator validator(module, &module.features);
  Instruction in;
  for (std::uint32_t i = module.imported_functions; i < module.functions(); ++i) {
    const std::uint32_t done = i - module.imported_functions;
    if (step && done % kBodiesOfStep == 0) step(done, module.bodies.size());
    validator.begin(i);
    const auto params = static_cast<std::uint32_t>(validator.type().params.size());
    module.locals_max = std::max(module.locals_max, validator.locals() - params);
    while (validator.next(in)) {
      if (may_trap != nullptr && info(in.op).trap == Trap::may) may_trap->push_back(in.offset);
    }
  }
  if (step) step(module.bodies.size(), module.bodies.size());
  return Nothing{};
} catch (const Refused& refused) {
  return Error{refused.what};
}

Result<ModuleView> read_module(std::span<const std::byte> bytes, const ReadOptions& options) try {
  ModuleView module = ModuleReader(bytes, options).read();
  if (options.bodies == Bodies::validate) {
    if (Status valid = validate_bodies(module); !valid) return valid.error();
  }
  return module;
} catch (const Refused& refused) {
  return Error{refused.what};
}

}  // namespace weft::wasm
