// SPDX-License-Identifier: Apache-2.0
// See guest/aot/c_source.h. What libwabt writes begins with
//
//   helpers              macros and static inline functions         ─▶ common.h
//
// and then, in an order that differs by its generation, as the names do (guest/wabt/c_dialect.h):
//
//   the types of functions                                          ─▶ the first unit, and shared
//   static u32 w2c_f7(...);          a line for each function       ─▶ common.h, no longer static
//   u32 w2c_f7(...) { ... }          the functions                  ─▶ spread over the units
//   data segments                                                   ─▶ guest/aot/c_data.h
//   globals, memories, tables, instantiate, free                    ─▶ the first unit
//
// Lines are all it is read by: definitions start in the first column and end with a brace there.
#include "guest/aot/c_source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "guest/aot/c_binding.h"
#include "guest/aot/c_data.h"
#include "guest/wabt/c_dialect.h"

namespace weft {
namespace {

constexpr char kRuntimeHeader[] =
#include "guest/aot/aot_rt.inc"
    ;

constexpr char kCode[] =
#include "guest/aot/aot_code.inc"
    ;

// What begins, and what ends, libwabt's helpers that a guest's function calls.
constexpr std::string_view kHelpers = "static inline void memory_fill";
constexpr std::string_view kTableHelpers = "static inline void funcref_table_init";
constexpr std::string_view kHelpersEnd = "\nDEFINE_TABLE_FILL(externref)\n";

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

std::string_view without_static(std::string_view line) {
  constexpr std::string_view kStatic = "static ";
  return line.starts_with(kStatic) ? line.substr(kStatic.size()) : line;
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

Error unknown_form() {
  return Error{"libwabt " + std::string(wabt_ir::version()) +
               " writes C of another form than weft knows, which is that of " + known_versions()};
}

// Cuts the source into what is shared, the first unit's and the functions.
class Cutter {
 public:
  Cutter(const wabt_ir::CSource& c, const CDialect& dialect, const CBinding& binding,
         const ModuleInfo& info)
      : c_(c), dialect_(dialect), binding_(binding), info_(info), data_(dialect.segment) {}

  Status cut() {
    const std::size_t helpers = c_.source.find(kHelpers);
    const std::size_t tables = c_.source.find(kTableHelpers);
    const std::size_t end = c_.source.find(kHelpersEnd);
    if (end == std::string::npos || helpers > tables || tables > end) return unknown_form();
    const std::size_t module = end + kHelpersEnd.size();
    const std::string_view source = c_.source;
    // What follows is in functions that a guest's function calls: who called says where it was.
    common += source.substr(0, helpers);
    common += kCode;
    common += "#undef WEFT_OFFSET\n#define WEFT_OFFSET 0\n";
    add_helpers(source.substr(helpers, tables - helpers), false);
    add_helpers(source.substr(tables, module - tables), true);
    // Not inlined, not merged: a call is a frame. The compiler that made the module has inlined
    // what is worth it.
    common +=
        "#define HIDDEN __attribute__((visibility(\"hidden\")))\n"
        "#define GUEST_CODE HIDDEN __attribute__((noinline, no_icf))\n";
    common += CData::declarations();
    Lines lines(source.substr(module));
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
  // Out of bounds of a table and of memory are one kind of trap to libwabt; and it moves all at
  // once.
  void add_helpers(std::string_view source, bool of_tables) {
    std::string text(source);
    replace_all(text, "memset(", "weft_set(");
    replace_all(text, "memmove(", "weft_move(");
    replace_all(text, "; i++) {", "; ++i, WEFT_TURN_AT(i)) {");
    if (of_tables) replace_all(text, "TRAP(OOB)", "TRAP(TABLE)");
    replace_all(text, "static inline", "static __attribute__((noinline, unused))");
    common += text;
  }

  void add(Lines& lines, std::string_view line) {
    const std::optional<std::size_t> index = function_of(line);
    std::string head;  // libwabt breaks a head behind each eighth parameter.
    if (index) {
      head = without_static(line);
      while (!head.ends_with(';') && !head.ends_with('{') && lines.next(line)) head += line;
      line = head;
    }
    if (index && line.ends_with(";")) {
      common += "GUEST_CODE ";
      append_line(common, line);
    } else if (index) {
      functions.push_back(function(lines, line, *index));
    } else if (line.starts_with(dialect_.type_line)) {
      const SharedLine type = dialect_.share_type(line, types_);
      append_line(common, type.declaration);
      data_.add(type.definition, first);
    } else {
      data_.add(binding_.element(line), first);
    }
  }

  // Of which of the guest's own functions this line is the head: "static u32 w2c_f7(...".
  [[nodiscard]] std::optional<std::size_t> function_of(std::string_view line) const {
    if (line.empty() || line.front() == ' ') return std::nullopt;
    const std::size_t paren = std::min(line.find('('), line.size());
    const std::size_t name = line.substr(0, paren).find(dialect_.function);
    if (name == std::string_view::npos) return std::nullopt;
    const char* const digits = line.data() + name + dialect_.function.size();
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(digits, line.data() + paren, index);
    if (error != std::errc{} || end != line.data() + paren) return std::nullopt;
    return index;
  }

  std::string function(Lines& lines, std::string_view head, std::size_t index) {
    const std::string own_line = line_of(info_.code_offsets.at(index - info_.imported_functions));
    const std::string check = std::string(dialect_.import) + wabt_ir::kCheckName;
    std::string text = own_line;
    append_line(text, head);
    if (info_.has_memory) text += "WEFT_MEMORY_BASE\n";
    for (std::string_view line; lines.next(line);) {
      std::uint32_t offset = 0;
      if (read_marker(line, c_.marker, offset)) {
        text += line_of(offset);
        continue;
      }
      if (line.find("elem_segment_") != std::string_view::npos) shares_segments = true;
      if (line.find("data_segment_") != std::string_view::npos) names_data_ = true;
      if (line.find(check) != std::string_view::npos) {
        ask_rarely(text);
        text += own_line + "WEFT_CHECK(" + std::string(assigned(line)) + ")\n";
        continue;
      }
      append_line(text, line);
      if (line == "}") break;
    }
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
  const CDialect& dialect_;
  const CBinding& binding_;
  const ModuleInfo& info_;
  CData data_;
  TypeNames types_;
  bool names_data_ = false;  // A function uses data segments.
};

}  // namespace

Result<std::vector<CFile>> make_c_files(wabt_ir::CSource c, const ModuleInfo& info, bool checks,
                                        Role role) {
  const CDialect* dialect = dialect_of(c.source);
  if (dialect == nullptr) return unknown_form();
  const CBinding binding(*dialect, info);
  Cutter cutter(c, *dialect, binding, info);
  if (Status status = cutter.cut(); !status) return status.error();
  c.source = {};
  cutter.common += binding.declarations(checks);
  std::vector<CFile> files;
  files.push_back({"wasm-rt.h", kRuntimeHeader, false});
  files.push_back({"dialect.h", std::string(dialect->header), false});
  files.push_back({wabt_ir::kHeaderName, std::move(c.header), false});
  files.push_back({"common.h", std::move(cutter.common), false});

  std::size_t bytes = 0;
  for (const std::string& function : cutter.functions) bytes += function.size();
  const std::size_t units =
      cutter.shares_segments ? 1 : std::clamp<std::size_t>(bytes / kUnitBytes, 1, kUnitsMax);
  constexpr const char* kInclude = "#include \"common.h\"\n";
  std::vector<std::string> texts(units, kInclude);
  texts[0] += binding.element_functions() + cutter.first +
              binding.definitions(c.start_function, checks, role);
  for (std::string& text : texts) text += binding.macros();
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
