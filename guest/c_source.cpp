// See guest/c_source.h. What libwabt 1.0.32 writes is, from the top:
//
//   helpers              macros and static inline functions         ─▶ common.h
//   s_module_initialized, func_types[], init_func_types()           ─▶ the first unit; func_types
//                                                                      is shared
//   static u32 w2c_f7(...);          a line for each function       ─▶ common.h, no longer static
//   globals, data, memories, tables                                 ─▶ the first unit; data by
//                                                                      guest/c_data.h
//   static u32 w2c_f7(...) { ... }   the functions                  ─▶ spread over the units
//   instantiate, free                                               ─▶ the first unit
//
// Lines are all it is read by: definitions start in the first column and end with a brace there.
#include "guest/c_source.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "guest/aot_abi.h"
#include "guest/c_data.h"
#include "os/wasip1/functions.h"

namespace weft {
namespace {

constexpr char kRuntimeHeader[] =
#include "guest/aot_rt.inc"
    ;

constexpr char kCode[] =
#include "guest/aot_code.inc"
    ;

// How libwabt's C writer names things.
constexpr std::string_view kFunction = "w2c_f";
constexpr std::string_view kStatic = "static ";
// An import among the elements of a table, and what it becomes.
constexpr std::string_view kElement = "(wasm_rt_function_ptr_t)Z_mZ_i";
constexpr std::string_view kTableImport = "weft_table_i";
constexpr std::string_view kState = "static bool s_module_initialized";
constexpr std::string_view kTypes = "static u32 func_types[";
constexpr std::string_view kHelpers = "static inline void memory_fill";
constexpr std::string_view kTableHelpers = "static inline void funcref_table_init";

// A unit holds at least so much: below it, the helpers cost more than a second processor gives.
constexpr std::size_t kUnitBytes = 1'500'000;
constexpr std::size_t kUnitsMax = 64;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

// "  w2c_i0 = ...": w2c_i0.
std::string_view assigned(std::string_view line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  return line.substr(begin, line.find(' ', begin) - begin);
}

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  bool next(std::string_view& line) {
    if (text_.empty()) return false;
    const std::size_t end = std::min(text_.find('\n'), text_.size() - 1);
    line = text_.substr(0, end);
    if (text_[end] != '\n') line = text_;
    text_.remove_prefix(end + 1);
    return true;
  }

 private:
  std::string_view text_;
};

// Is this line the head of one of the guest's own functions: "static u32 w2c_f7(..."?
bool names_function(std::string_view line) {
  if (!line.starts_with(kStatic)) return false;
  const std::size_t name = line.find(kFunction);
  const std::size_t paren = line.find('(');
  if (name == std::string_view::npos || paren == std::string_view::npos || name > paren) {
    return false;
  }
  const std::string_view digits =
      line.substr(name + kFunction.size(), paren - name - kFunction.size());
  return !digits.empty() &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::size_t index_of(std::string_view head) {
  return std::stoul(std::string(head.substr(head.find(kFunction) + kFunction.size(), 10)));
}

std::string line_of(std::uint32_t offset) {
  return "#line " + std::to_string(offset) + " \"" + kGuestFile + "\"\n";
}

void append_line(std::string& to, std::string_view line) {
  to += line;
  to += '\n';
}

// "  w2c_j3 = 6334048945861296306ull;" with the marker in its high half: the low half.
bool read_marker(std::string_view line, std::uint32_t marker, std::uint32_t& offset) {
  constexpr std::string_view kEnd = "ull;";
  if (!line.ends_with(kEnd)) return false;
  const std::size_t equals = line.rfind("= ");
  if (equals == std::string_view::npos) return false;
  const std::string_view number = line.substr(equals + 2, line.size() - equals - 2 - kEnd.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc{} || end != number.data() + number.size()) return false;
  if (value >> 32 != marker) return false;
  offset = static_cast<std::uint32_t>(value);
  return true;
}

// How calls of sched_yield begin. They go straight to the host: behind a switch of stacks each return
// is one that the processor did not foresee, and one more would take as long as the switch.
std::vector<std::string> calls_of_yield(const ModuleInfo& info) {
  std::vector<std::string> calls;
  for (std::size_t i = 0; i < info.imports.size(); ++i) {
    if (info.imports[i].name == "sched_yield") {
      calls.push_back("(*Z_mZ_i" + std::to_string(i) + ")(");
    }
  }
  return calls;
}

// Cuts the source into what is shared, the first unit's and the functions.
class Cutter {
 public:
  Cutter(const wabt_ir::CSource& c, const ModuleInfo& info)
      : c_(c), info_(info), yields_(calls_of_yield(info)) {}

  Status cut() {
    const std::size_t state = c_.source.find(kState);
    const std::size_t helpers = c_.source.find(kHelpers);
    const std::size_t tables = c_.source.find(kTableHelpers);
    if (state == std::string::npos || helpers > tables || tables > state) {
      return Error{"libwabt wrote C of another form than weft knows; weft knows libwabt 1.0.32"};
    }
    const std::string_view source = c_.source;
    // What follows is in functions that a guest's function calls: who called says where it was.
    common += source.substr(0, helpers);
    common += kCode;
    common += "#undef WEFT_OFFSET\n#define WEFT_OFFSET 0\n";
    add_helpers(source.substr(helpers, tables - helpers), false);
    add_helpers(source.substr(tables, state - tables), true);
    // Not inlined, not merged: a call is a frame. The compiler that made the module has inlined
    // what is worth it.
    common +=
        "#define HIDDEN __attribute__((visibility(\"hidden\")))\n"
        "#define GUEST_CODE HIDDEN __attribute__((noinline, no_icf))\n";
    common += CData::declarations();
    Lines lines(source.substr(state));
    for (std::string_view line; lines.next(line);) add(lines, line);
    first.insert(0, data_.definitions());
    if (names_data_) common += data_.names();
    return Nothing{};
  }

  std::string common;
  std::string first;
  std::vector<std::string> functions;
  bool shares_segments = false;  // A function uses arrays that only the first unit has.

 private:
  // Out of bounds of a table and of memory are one kind of trap to libwabt.
  void add_helpers(std::string_view source, bool of_tables) {
    std::string text(source);
    if (of_tables) replace_all(text, "TRAP(OOB)", "TRAP(TABLE)");
    replace_all(text, "static inline", "static __attribute__((noinline, unused))");
    common += text;
  }

  void add(Lines& lines, std::string_view line) {
    std::string head;  // libwabt breaks a head behind each eighth parameter.
    if (names_function(line)) {
      head = line;
      while (!head.ends_with(';') && !head.ends_with('{') && lines.next(line)) head += line;
      line = head;
    }
    if (line.starts_with(kTypes)) {
      const std::string_view array = line.substr(kStatic.size());
      common += "extern HIDDEN ";
      append_line(common, array);
      data_.add(array, first);
    } else if (names_function(line) && line.ends_with(";")) {
      common += "GUEST_CODE ";
      append_line(common, line.substr(kStatic.size()));
    } else if (names_function(line) && line.ends_with("{")) {
      functions.push_back(function(lines, line));
    } else if (const std::size_t at = line.find(kElement); at != std::string_view::npos) {
      std::string element(line);
      element.replace(at, kElement.size(), "(wasm_rt_function_ptr_t)" + std::string(kTableImport));
      data_.add(element, first);
    } else {
      data_.add(line, first);
    }
  }

  std::string function(Lines& lines, std::string_view head) {
    const std::string own_line =
        line_of(info_.code_offsets.at(index_of(head) - info_.imported_functions));
    std::string text = own_line;
    append_line(text, head.substr(kStatic.size()));
    if (info_.has_memory) text += "WEFT_MEMORY_BASE\n";
    for (std::string_view line; lines.next(line);) {
      std::uint32_t offset = 0;
      if (read_marker(line, c_.marker, offset)) {
        text += line_of(offset);
        continue;
      }
      if (line.find("elem_segment_") != std::string_view::npos) shares_segments = true;
      if (line.find("data_segment_") != std::string_view::npos) names_data_ = true;
      if (line.find("Z_mZ_check") != std::string_view::npos) {
        ask_rarely(text);
        text += own_line + "WEFT_CHECK(" + std::string(assigned(line)) + ")\n";
        continue;
      }
      append_line(text, line);
      if (line == "}") break;
    }
    for (const std::string& call : yields_) replace_all(text, call, "(weft_host->yield)(");
    return text;
  }

  // The host is asked inside of the last `if` so far, which is hardly ever true.
  static void ask_rarely(std::string& text) {
    const std::size_t at = text.rfind("if (") + 4;
    const std::size_t end = text.find(')', at);
    text.insert(end, ")");
    text.insert(at, "UNLIKELY(");
  }

  const wabt_ir::CSource& c_;
  const ModuleInfo& info_;
  const std::vector<std::string> yields_;
  CData data_;
  bool names_data_ = false;  // A function uses data segments.
};

// --- what binds it to weft ---

struct ImportText {
  std::string number;
  std::string result;
  std::string back;    // "return ", or nothing.
  std::string params;  // ", u32 a0, u64 a1"
  std::string args;    // ", a0, a1"
};

ImportText text_of(std::size_t index, const wasip1::Function& function) {
  ImportText text;
  text.number = std::to_string(index);
  text.result = function.returns_errno ? "u32" : "void";
  text.back = function.returns_errno ? "return " : "";
  for (std::size_t i = 0; i < function.params.size(); ++i) {
    const std::string arg = "a" + std::to_string(i);
    text.params += std::string(", ") + (function.params[i] == 'i' ? "u32 " : "u64 ") + arg;
    text.args += ", " + arg;
  }
  return text;
}

// Not inlined: its lines would take the place of the call's.
std::string import_function(const ImportText& f) {
  return "HIDDEN __attribute__((noinline)) " + f.result + " Z_mZ_i" + f.number +
         "(struct Z_m_instance_t* guest" + f.params + ") {\n  u64 args[] = {" +
         (f.args.empty() ? "0" : f.args.substr(2)) + "};\n  " + f.back + "weft_host->call(guest, " +
         f.number + ", args);\n}\n";
}

// The same, as it stands in a table: libwabt's elements give it the address of the instance's
// pointer to its guest, where a call gives it that pointer.
std::string table_function(const ImportText& f) {
  return "static " + f.result + " " + std::string(kTableImport) + f.number +
         "(struct Z_m_instance_t** guest" + f.params + ") {\n  " + f.back + "Z_mZ_i" + f.number +
         "(*guest" + f.args + ");\n}\n";
}

std::string table_functions(const ModuleInfo& info) {
  std::string text;
  for (std::size_t i = 0; i < info.imports.size(); ++i) {
    text += table_function(text_of(i, *wasip1::find(info.imports[i].module, info.imports[i].name)));
  }
  return text;
}

std::string call_of(std::int64_t function) {
  return function < 0 ? "0"
                      : "(void (*)(void*))" + std::string(kFunction) + std::to_string(function);
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

// Calls the function with the values and puts its results in their place.
std::string call_with_values(const ModuleInfo& info, std::uint32_t index) {
  const FuncTypeInfo& type = *info.type_of_function(index);
  const std::string number = std::to_string(index);
  std::string call = std::string(kFunction) + number + "(instance";
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const std::string value = "values[" + std::to_string(i) + "]";
    call += type.params[i] == 'r' ? ", wasm_rt_funcref_null_value"
                                  : ", " + value + "." + member_of(type.params[i]);
  }
  call += ")";
  if (type.results.empty()) return call + ";\n";
  std::string text = "{ __typeof__(" + call + ") result = " + call + ";\n";
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    const char member = member_of(type.results[i]);
    const std::string at = std::to_string(i);
    const std::string result =
        type.results.size() == 1 ? "result" : std::string("result.") + member + at;
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
  return text + "}\n";
}

std::string calls_of_exports(const ModuleInfo& info) {
  std::set<std::uint32_t> functions;
  for (const ExportInfo& item : info.exports) {
    const bool defined = item.kind == ExternalKind::func && item.index >= info.imported_functions;
    if (defined) functions.insert(item.index);
  }
  std::string text =
      "union weft_value { u32 i; u64 j; f32 f; f64 d; wasm_rt_externref_t e; };\n"
      "static void weft_call(void* instance, u32 function, uint64_t* words) {\n"
      "  union weft_value* values = (union weft_value*)words;\n  switch (function) {\n";
  for (const std::uint32_t index : functions) {
    text += "  case " + std::to_string(index) + ": " + call_with_values(info, index) + "  break;\n";
  }
  return text + "  }\n}\n";
}

std::string binding(const ModuleInfo& info, std::int64_t start, bool checks, Role role) {
  std::string text = "HIDDEN const struct weft_host* weft_host;\n";
  for (std::size_t i = 0; i < info.imports.size(); ++i) {
    text +=
        import_function(text_of(i, *wasip1::find(info.imports[i].module, info.imports[i].name)));
  }
  if (checks) {
    text +=
        "HIDDEN u32 Z_mZ_check(struct Z_m_instance_t* guest) {\n"
        "  return weft_host->check(guest);\n}\n";
    text += "WEFT_DEFINE_ASK\n";
  }
  const bool has_imports = checks || !info.imports.empty();
  text +=
      "static void weft_bind(const struct weft_host* host) {\n  weft_host = host;\n"
      "  Z_guest_init_module();\n}\n"
      "static void weft_instantiate(void* instance, void* guest) {\n"
      "  Z_guest_instantiate(instance";
  text += has_imports ? ", guest" : "";
  text += ");\n}\nstatic wasm_rt_memory_t* weft_memory(void* instance) {\n  return ";
  text += info.has_memory ? "&((Z_guest_instance_t*)instance)->w2c_mem" : "0";
  text += ";\n}\n";
  if (role == Role::library) text += calls_of_exports(info);
  text += "__attribute__((visibility(\"default\"))) const struct weft_object " +
          std::string(aot::kObjectSymbol) + " = {\n  " + std::to_string(aot::kAbi) +
          ",\n  sizeof(Z_guest_instance_t),\n  weft_bind,\n  weft_instantiate,\n  weft_memory,\n  ";
  const bool library = role == Role::library;
  const std::int64_t run = library ? -1 : std::int64_t{info.find_export("_start")->index};
  text +=
      call_of(start) + ",\n  " + call_of(run) + (library ? ",\n  weft_call" : ",\n  0") + ",\n};\n";
  return text;
}

}  // namespace

Result<std::vector<CFile>> make_c_files(wabt_ir::CSource c, const ModuleInfo& info, bool checks,
                                        Role role) {
  Cutter cutter(c, info);
  if (Status status = cutter.cut(); !status) return status.error();
  c.source = {};
  if (checks) {
    cutter.common += "HIDDEN u32 Z_mZ_check(struct Z_m_instance_t* guest);\n";
  }
  std::vector<CFile> files;
  files.push_back({"wasm-rt.h", kRuntimeHeader, false});
  files.push_back({wabt_ir::kHeaderName, std::move(c.header), false});
  files.push_back({"common.h", std::move(cutter.common), false});

  std::size_t bytes = 0;
  for (const std::string& function : cutter.functions) bytes += function.size();
  const std::size_t units =
      cutter.shares_segments ? 1 : std::clamp<std::size_t>(bytes / kUnitBytes, 1, kUnitsMax);
  constexpr const char* kInclude = "#include \"common.h\"\n";
  std::vector<std::string> texts(units, kInclude);
  texts[0] += table_functions(info) + cutter.first + binding(info, c.start_function, checks, role);
  for (std::string& text : texts) text += "#undef WEFT_OFFSET\n#define WEFT_OFFSET __LINE__\n";
  // Each to the unit that has least so far, so that all take about as long.
  for (std::string& function : cutter.functions) {
    std::string& least = *std::min_element(texts.begin(), texts.end(),
                                           [](auto& a, auto& b) { return a.size() < b.size(); });
    least += function;
    function = {};
  }
  for (std::size_t i = 0; i < units; ++i) {
    files.push_back({"unit" + std::to_string(i) + ".c", std::move(texts[i]), true});
  }
  return files;
}

}  // namespace weft
