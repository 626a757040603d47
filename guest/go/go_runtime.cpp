// SPDX-License-Identifier: Apache-2.0
#include "guest/go/go_runtime.h"

#include <algorithm>
#include <array>
#include <utility>

#include "guest/go/data_image.h"
#include "guest/go/go_pc.h"
#include "guest/go/pclntab.h"
#include "guest/go/prologues.h"
#include "guest/wasm/byte_reader.h"

namespace weft::guest::go {
namespace {

using wasm::ByteReader;

std::string_view read_text(ByteReader& in) {
  const std::uint32_t length = in.count("bytes in a name", wasm::kNameBytesMax);
  return {reinterpret_cast<const char*>(in.take(length)), length};
}

// What the linker makes of Go's names in the section "name": letters, digits and dots stay.
std::string as_in_name_section(std::string_view go_name) {
  std::string name(go_name);
  for (char& c : name) {
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_';
    if (!stays) c = '_';
  }
  return name;
}

// By defined function, from the section "name"; "" where it has none.
std::vector<std::string_view> section_names(const wasm::ModuleView& module) {
  constexpr std::uint8_t kFunctionNames = 1;
  std::vector<std::string_view> names(module.bodies.size());
  const wasm::CustomSection* section = module.find_custom("name");
  if (section == nullptr) return names;
  try {
    ByteReader in(section->bytes, section->offset);
    while (!in.at_end()) {
      const std::uint8_t kind = in.u8();
      ByteReader part = in.sub(in.u32());
      if (kind != kFunctionNames) continue;
      for (std::uint32_t n = part.count("names", wasm::kFunctionsMax); n > 0; --n) {
        const std::uint32_t index = part.u32();
        const std::string_view name = read_text(part);
        if (index < module.imported_functions || index >= module.functions()) continue;
        names[index - module.imported_functions] = name;
      }
    }
  } catch (const wasm::Refused&) {  // What was read of it holds.
  }
  return names;
}

// Where both name a function, they have to mean the same.
Status compare_names(const wasm::ModuleView& module, const GoRuntime& runtime) {
  const auto of_section = section_names(module);
  for (const char* name : {"runtime.newstack", "runtime.morestack", "runtime.gopark"}) {
    const auto function = runtime.function(name);
    if (!function) return Error{"it has no function " + std::string(name)};
    const std::string_view other = of_section[*function - module.imported_functions];
    if (!other.empty() && other != as_in_name_section(name)) {
      return Error{"its tables call one function " + std::string(name) + " and " +
                   std::string(other)};
    }
  }
  return Nothing{};
}

// g is global 2, the stack pointer global 0.
bool has_go_globals(const wasm::ModuleView& module) {
  constexpr std::array<wasm::ValType, 3> kTypes = {wasm::ValType::i32, wasm::ValType::i64,
                                                   wasm::ValType::i64};
  if (module.imported_globals != 0 || module.globals.size() < kTypes.size()) return false;
  for (std::size_t n = 0; n < kTypes.size(); ++n) {
    const wasm::GlobalType& type = module.globals[n].type;
    if (type.type != kTypes[n] || !type.is_mutable) return false;
  }
  return true;
}

Status find_names(const wasm::ModuleView& module, const DataImage& image, GoRuntime& runtime) {
  const auto functions = static_cast<std::uint32_t>(module.bodies.size());
  const auto table = Pclntab::find(image, functions);
  if (!table) return Error{"it has no pclntab that can be read"};
  runtime.pclntab = table->address();
  runtime.set_names(table->names(functions));
  return compare_names(module, runtime);
}

Status find_prologues_of(const wasm::ModuleView& module, GoRuntime& runtime) {
  std::vector<std::uint32_t> morestack;
  for (const char* name : {"runtime.morestack", "runtime.morestack_noctxt"}) {
    if (const auto function = runtime.function(name)) morestack.push_back(*function);
  }
  Prologues prologues = find_prologues(module, morestack);
  if (prologues.stackguard0 == 0) return Error{"none of its functions compares g.stackguard0"};
  runtime.offsets.g_stackguard0 = prologues.stackguard0;
  runtime.preemptible = std::move(prologues.small);
  runtime.wraps = std::move(prologues.large);
  return Nothing{};
}

Result<GoRuntime> read_runtime(const wasm::ModuleView& module) {
  GoRuntime runtime;
  runtime.imports = module.imported_functions;
  if (!has_go_globals(module)) return Error{"it lacks the globals SP, CTXT and g"};
  auto image = DataImage::of(module);
  if (!image) return image.error();
  if (Status named = find_names(module, *image, runtime); !named) return named.error();
  if (Status found = find_prologues_of(module, runtime); !found) return found.error();
  const Names names{[&](std::string_view name) { return runtime.function(name); },
                    [&](std::uint32_t function) { return runtime.name(function); }};
  auto discovered = discover_offsets(module, *image, names, runtime.offsets.g_stackguard0);
  if (!discovered) return discovered.error();
  runtime.offsets = discovered->offsets;
  runtime.wait_reasons = std::move(discovered->wait_reasons);
  runtime.keep_lines(std::move(*image), static_cast<std::uint32_t>(module.bodies.size()));
  return runtime;
}

}  // namespace

std::string_view go_version(const wasm::ModuleView& module) {
  const wasm::CustomSection* section = module.find_custom("producers");
  if (section == nullptr) return {};
  try {
    ByteReader in(section->bytes, section->offset);
    for (std::uint32_t fields = in.count("fields", wasm::kFunctionsMax); fields > 0; --fields) {
      const std::string_view field = read_text(in);
      for (std::uint32_t n = in.count("values", wasm::kFunctionsMax); n > 0; --n) {
        const std::string_view value = read_text(in);
        const std::string_view version = read_text(in);
        if (field == "language" && value == "Go") return version;
      }
    }
  } catch (const wasm::Refused&) {  // It says nothing that can be read.
  }
  return {};
}

// A build may leave out the one section, and strip the other.
bool is_go(const wasm::ModuleView& module) {
  return module.find_custom("go:buildid") != nullptr || !go_version(module).empty();
}

Result<std::optional<GoRuntime>> recognise(const wasm::ModuleView& module) {
  if (!is_go(module)) return std::optional<GoRuntime>{};
  const std::string_view version = go_version(module);
  auto runtime = read_runtime(module);
  if (!runtime) {
    return Error{"it says that " + std::string(version.empty() ? "Go" : version) +
                 " made it, but " + runtime.error().message};
  }
  runtime->version = version;
  return std::optional(std::move(*runtime));
}

void GoRuntime::keep_lines(DataImage image, std::uint32_t functions) {
  auto lines = std::make_shared<Lines>();
  lines->image = std::move(image);
  const auto table = Pclntab::find(lines->image, functions);
  if (!table) return;
  lines->table = *table;
  lines_ = std::move(lines);
}

void GoRuntime::set_names(const std::vector<std::string_view>& names) {
  text_.clear();
  ends_.clear();
  by_name_.clear();
  for (std::uint32_t defined = 0; defined < names.size(); ++defined) {
    text_ += names[defined];
    ends_.push_back(static_cast<std::uint32_t>(text_.size()));
    if (!names[defined].empty()) by_name_.push_back(defined);
  }
  std::sort(by_name_.begin(), by_name_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(defined_name(a), a) < std::pair(defined_name(b), b);
  });
}

std::string_view GoRuntime::defined_name(std::uint32_t defined) const {
  if (defined >= ends_.size()) return {};
  const std::uint32_t begin = defined == 0 ? 0 : ends_[defined - 1];
  return std::string_view(text_).substr(begin, ends_[defined] - begin);
}

std::optional<std::uint32_t> GoRuntime::function(std::string_view go_name) const {
  const auto at = std::lower_bound(
      by_name_.begin(), by_name_.end(), go_name,
      [&](std::uint32_t defined, std::string_view name) { return defined_name(defined) < name; });
  if (at == by_name_.end() || defined_name(*at) != go_name) return {};
  return imports + *at;
}

std::string_view GoRuntime::name(std::uint32_t function) const {
  return function < imports ? std::string_view() : defined_name(function - imports);
}

std::string_view GoRuntime::name_at(std::uint64_t pc) const {
  const auto defined = defined_at(pc);
  return defined ? defined_name(*defined) : std::string_view();
}

}  // namespace weft::guest::go
