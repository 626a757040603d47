// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/c_binding.h"

#include <set>

#include "guest/aot/aot_abi.h"
#include "guest/go/entries.h"

namespace weft {
namespace {

// What libwabt writes before a function as a value.
constexpr std::string_view kFunctionCast = "(wasm_rt_function_ptr_t)";
constexpr std::string_view kElementName = "weft_element_";

bool is_yield(const ImportInfo& import) {
  return import.name == "sched_yield" && import.module.starts_with("wasi_");
}

const char* type_of(char letter) {
  switch (letter) {
    case 'i':
      return "u32";
    case 'I':
      return "u64";
    case 'f':
      return "f32";
    default:
      return "f64";
  }
}

// libwabt writes no vectors.
bool has_vector(const FuncTypeInfo& type) {
  return (type.params + type.results).find('v') != std::string::npos;
}

// How a value of a type is called in libwabt's C, and in a union of weft's: by the letter that the
// members of a struct of results begin with.
char member_of(char type) {
  switch (type) {
    case 'I':
      return 'j';
    case 'F':
      return 'd';
    default:
      return type;
  }
}

// The statements that take a call's results into their places among the values.
std::string take_results(const std::string& types) {
  std::string text;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const char member = member_of(types[i]);
    const std::string at = std::to_string(i);
    const std::string result = types.size() == 1 ? "result" : std::string("result.") + member + at;
    const std::string value = "values[" + at + "].";
    text += value;
    text += "j = 0; ";
    text += value;
    if (member == 'r') {
      text += "j = " + result + ".func != 0;\n";
    } else {
      text += member;
      text += " = " + result + ";\n";
    }
  }
  return text;
}

}  // namespace

std::string CBinding::import(std::size_t index) const {
  return std::string(dialect_.import) + "i" + std::to_string(index);
}

std::string CBinding::function(std::int64_t index) const {
  return std::string(dialect_.function) + std::to_string(index);
}

std::string CBinding::function_pointer(std::int64_t index) const {
  return index < 0 ? "0" : "(void (*)(void*))" + function(index);
}

std::string CBinding::declarations(bool fuel_points) const {
  return fuel_points ? "HIDDEN u32 weft_refill(" + std::string(dialect_.host) +
                           "* guest, u32 left, const void* from);\n"
                     : "";
}

// sched_yield is called in place, not by a function: after a switch of stacks the processor
// predicts each return wrongly, and one more would take as long as the switch. A macro, so that its
// line is that of the call.
std::string CBinding::macros() const {
  std::string text = "#undef WEFT_OFFSET\n#define WEFT_OFFSET __LINE__\n";
  for (std::size_t i = 0; i < info_.imports.size(); ++i) {
    if (!is_yield(info_.imports[i])) continue;
    text += "#define " + import(i) + " weft_host->yield\n";
  }
  return text;
}

// What is the same in each function for an import: its type, and its parameters behind the first
// one.
CBinding::Import CBinding::import_of(std::size_t index) const {
  const ImportInfo& info = info_.imports[index];
  const FuncTypeInfo& type = info_.types[info.type];
  Import import;
  import.result = type.results.empty() ? "void" : type_of(type.results[0]);
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    import.params += std::string(", ") + type_of(type.params[i]) + " a" + std::to_string(i);
  }
  return import;
}

// An import is called with the host; what calls it through a table gives it what stands beside it
// there. Code puts the host beside it (a global, ref.func). A segment of elements is a constant of
// the C: there libwabt puts a place in the guest's instance beside it, in which the host is. So a
// segment has another function, which takes the host from that place.
std::string CBinding::element_functions() const {
  std::string text;
  for (std::size_t i = 0; i < info_.imports.size(); ++i) {
    const Import of = import_of(i);
    text.append("static ").append(of.result).append(" ").append(kElementName);
    text.append(std::to_string(i)).append("(").append(dialect_.host).append("** host");
    text.append(of.params).append(") {\n").append(call_of_host(i, "*host")).append("}\n");
  }
  return text;
}

std::string CBinding::element(std::string_view line) const {
  std::string text(line);
  const std::string import = std::string(kFunctionCast) + std::string(dialect_.import) + "i";
  const std::size_t at = text.find(import);
  if (at == std::string::npos || text.find("offsetof(") == std::string::npos) return text;
  text.replace(at + kFunctionCast.size(), import.size() - kFunctionCast.size(), kElementName);
  return text;
}

// Not inlined: its lines would take the place of the call's.
std::string CBinding::import_function(std::size_t index) const {
  const Import of = import_of(index);
  return "HIDDEN __attribute__((noinline)) " + of.result + " " + import(index) + "(" +
         std::string(dialect_.host) + "* guest" + of.params + ") {\n" +
         call_of_host(index, "guest") + "}\n";
}

// What is in a function that the guest's function calls: so it returns to where that one goes on.
std::string CBinding::call_of_host(std::size_t index, const std::string& guest) const {
  const FuncTypeInfo& type = info_.types[info_.imports[index].type];
  std::string text = "  union { u64 bits; u32 i; u64 j; f32 f; f64 d; } args[" +
                     std::to_string(type.params.size() + 1) + "];\n";
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const std::string at = std::to_string(i);
    text.append("  args[").append(at).append("].bits = 0; args[").append(at).append("].");
    text += member_of(type.params[i]);
    text.append(" = a").append(at).append(";\n");
  }
  text += "  args[" + std::to_string(type.params.size()) + "].bits = weft_host->call(" + guest +
          ", " + std::to_string(index) + ", &args[0].bits, WEFT_FROM);\n";
  if (!type.results.empty()) {
    text += "  return args[" + std::to_string(type.params.size()) + "]." +
            member_of(type.results[0]) + ";\n";
  }
  return text;
}

// Calls the function with the values and puts its results in their place.
std::string CBinding::call_with_values(std::uint32_t index) const {
  const FuncTypeInfo& type = *info_.type_of_function(index);
  std::string call = function(index) + "(instance";
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const std::string value = "values[" + std::to_string(i) + "]";
    call += type.params[i] == 'r' ? ", wasm_rt_funcref_null_value"
                                  : ", " + value + "." + member_of(type.params[i]);
  }
  call += ")";
  if (type.results.empty()) return call + ";\n";
  return "{ __typeof__(" + call + ") result = " + call + ";\n" + take_results(type.results) + "}\n";
}

std::string CBinding::calls_of_exports() const {
  std::set<std::uint32_t> functions;
  for (const ExportInfo& item : info_.exports) {
    const bool defined = item.kind == ExternalKind::func && item.index >= info_.imported_functions;
    if (defined && !has_vector(*info_.type_of_function(item.index))) functions.insert(item.index);
  }
  std::string text =
      "union weft_value { u32 i; u64 j; f32 f; f64 d; wasm_rt_externref_t e; };\n"
      "static void weft_call(void* instance, u32 function, uint64_t* words) {\n"
      "  union weft_value* values = (union weft_value*)words;\n  switch (function) {\n";
  for (const std::uint32_t index : functions) {
    text += "  case " + std::to_string(index) + ": " + call_with_values(index) + "  break;\n";
  }
  return text + "  }\n}\n";
}

// In the assembler's words, as C has none for a distance: what the linker knows needs no work when
// the object is loaded.
std::string CBinding::places_of_functions() const {
  std::string text =
      "extern HIDDEN const s32 weft_functions[];\n"
      "__asm__(\n\".pushsection .rodata\\n.balign 4\\n.globl weft_functions\\n\"\n"
      "\".hidden weft_functions\\nweft_functions:\\n\"\n";
  for (std::size_t i = 0; i < info_.function_types.size(); ++i) {
    const auto index = static_cast<std::int64_t>(info_.imported_functions + i);
    text += "\".long " + function(index) + " - .\\n\"\n";
  }
  return text + "\".popsection\\n\");\n";
}

// The table that the object gives away.
std::string CBinding::object(std::int64_t start, bool is_go) const {
  return "__attribute__((visibility(\"default\"))) const struct weft_object " +
         std::string(aot::kObjectSymbol) + " = {\n  " + std::to_string(aot::kAbi) + ",\n  sizeof(" +
         std::string(dialect_.instance) +
         "),\n  weft_bind,\n  weft_instantiate,\n  weft_memory,\n  " + function_pointer(start) +
         ",\n  weft_call,\n  " + (is_go ? stack_pointer() : "0") + ",\n  " +
         std::to_string(info_.function_types.size()) + ",\n  weft_functions,\n};\n";
}

std::string CBinding::stack_pointer() const {
  return "__builtin_offsetof(" + std::string(dialect_.instance) + ", w2c_g" +
         std::to_string(guest::go::kGlobalSp) + ")";
}

std::string CBinding::definitions(const wabt_ir::CBase& base, bool fuel_points, bool is_go) const {
  std::string text = "HIDDEN const struct weft_host* weft_host;\n";
  for (std::size_t i = 0; i < info_.imports.size(); ++i) {
    text += import_function(i);
  }
  if (fuel_points) {
    // Called by weft_ask, which says from where, or by the guest's function itself.
    text += "HIDDEN __attribute__((noinline)) u32 weft_refill(" + std::string(dialect_.host) +
            "* guest, u32 left, const void* from) {\n"
            "  return weft_host->refill(guest, left, from ? from : __builtin_return_address(0));\n"
            "}\nWEFT_DEFINE_ASK\n";
  }
  text += "static void weft_bind(const struct weft_host* host) {\n  weft_host = host;\n  " +
          std::string(dialect_.set_up) +
          "\n}\nstatic void weft_instantiate(void* instance, void* guest) {\n  " +
          std::string(dialect_.make) + "(instance" + (base.has_imports ? ", guest" : "") +
          ");\n}\nstatic wasm_rt_memory_t* weft_memory(void* instance) {\n  return ";
  text += info_.has_memory ? "&((" + std::string(dialect_.instance) + "*)instance)->w2c_mem" : "0";
  text += ";\n}\n";
  return text + calls_of_exports() + places_of_functions() + object(base.start_function, is_go);
}

}  // namespace weft
