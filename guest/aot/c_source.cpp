// SPDX-License-Identifier: Apache-2.0
// See guest/aot/c_source.h. What libwabt writes begins with
//
//   helpers              macros and static inline functions         ─▶ common.h
//
// and then, in an order that differs by its generation, as the names do (guest/wabt/c_dialect.h):
//
//   the types of functions                                          ─▶ the first unit, and shared
//   static u32 w2c_f7(...);          a line for each function       ─▶ common.h, no longer static
//   u32 w2c_f7(...) { ... }          the functions                  ─▶ the units, one after another
//   elements of tables                                              ─▶ the first unit, and shared
//   data segments                                                   ─▶ guest/aot/c_data.h
//   globals, memories, tables, instantiate, free                    ─▶ the first unit
//
// The functions come in parts (guest/wabt/wabt_ir.h); everything else is in the base. The C is read
// line by line only: a definition starts in the first column and ends with a brace there.
#include "guest/aot/c_source.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
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

// The first and the last of libwabt's helpers that a guest's function calls.
constexpr std::string_view kHelpers = "static inline void memory_fill";
constexpr std::string_view kTableHelpers = "static inline void funcref_table_init";
constexpr std::string_view kHelpersEnd = "\nDEFINE_TABLE_FILL(externref)\n";

// A unit is full when it has so much: below it, the helpers cost more than a second processor
// gives.
constexpr std::size_t kUnitBytes = 1'500'000;

constexpr std::string_view kElements = "static const wasm_elem_segment_expr_t ";

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

}  // namespace

// Cuts sources into what is shared, the first unit's and the functions.
class CFiles::Cutter {
 public:
  Cutter(const CDialect& dialect, const ModuleInfo& info, CData::Segments segments,
         std::span<const guest::go::EntryPoint> told)
      : dialect_(dialect),
        binding_(dialect, info),
        info_(info),
        told_(told),
        data_(dialect.segment, std::move(segments)) {}

  // Takes the base apart. Returns the first unit's.
  Result<std::string> cut_base(const std::string& source) {
    const std::size_t helpers = source.find(kHelpers);
    const std::size_t tables = source.find(kTableHelpers);
    const std::size_t end = source.find(kHelpersEnd);
    if (end == std::string::npos || helpers > tables || tables > end) return unknown_form();
    const std::size_t module = end + kHelpersEnd.size();
    // What follows is in functions that a guest's function calls: who called says where it was.
    common_ = source.substr(0, helpers);
    common_ += kCode;
    common_ += "#undef WEFT_OFFSET\n#define WEFT_OFFSET 0\n";
    add_helpers(source.substr(helpers, tables - helpers), false);
    add_helpers(source.substr(tables, module - tables), true);
    // Not inlined, not merged: a call is a frame. The compiler that made the module has inlined
    // what is worth it.
    common_ +=
        "#define HIDDEN __attribute__((visibility(\"hidden\")))\n"
        "#define GUEST_CODE HIDDEN __attribute__((noinline, noclone, no_icf))\n";
    common_ += CData::declarations();
    Lines lines(std::string_view(source).substr(module));
    const std::string imported = import_of_function();
    for (std::string_view line; lines.next(line);) {
      if (line.find(imported) == std::string_view::npos) {
        add(lines, line);
        continue;
      }
      std::string own(line);
      replace_all(own, imported, dialect_.function);
      add(lines, own);
    }
    return data_.definitions() + first_;
  }

  // What the base calls functions of its own that are its imports.
  [[nodiscard]] std::string import_of_function() const {
    return std::string(dialect_.import) + "f";
  }

  // Appends a part's functions to `unit`.
  void cut_part(const wabt_ir::CPart& part, std::string& unit) {
    Lines lines(part.source);
    for (std::string_view line; lines.next(line);) {
      const std::optional<std::size_t> index = function_of(line);
      if (!index) continue;
      const std::size_t defined = *index - info_.imported_functions;
      const std::string head = whole_head(lines, line);
      if (defined < part.first || defined >= part.end) continue;
      if (head.ends_with(';')) {
        common_ += "GUEST_CODE ";
        append_line(common_, head);
      } else {
        add_function(lines, head, defined, part.marker, unit);
      }
    }
  }

  [[nodiscard]] const CBinding& binding() const { return binding_; }

  // What all units share, once all is cut.
  std::string take_common() {
    if (names_data_) common_ += data_.names();
    return std::move(common_);
  }

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
    common_ += text;
  }

  // libwabt breaks a head behind each eighth parameter.
  static std::string whole_head(Lines& lines, std::string_view line) {
    std::string head(without_static(line));
    while (!head.ends_with(';') && !head.ends_with('{') && lines.next(line)) head += line;
    return head;
  }

  // A line of the base.
  void add(Lines& lines, std::string_view line) {
    if (function_of(line)) {  // A stub.
      if (whole_head(lines, line).ends_with(';')) return;
      while (lines.next(line) && line != "}") {
      }
    } else if (line.starts_with(dialect_.type_line)) {
      const SharedLine type = dialect_.share_type(line, types_);
      append_line(common_, type.declaration);
      data_.add(type.definition, first_);
    } else if (line.starts_with(kElements)) {
      const std::string_view array = without_static(line);
      append_line(common_,
                  "extern HIDDEN " + std::string(array.substr(0, array.find(" = "))) + ";");
      data_.add("HIDDEN " + std::string(array), first_);
    } else {
      data_.add(binding_.element(line), first_);
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

  void add_function(Lines& lines, const std::string& head, std::size_t defined,
                    std::uint32_t marker, std::string& text) {
    const std::string own_line = line_of(info_.code_offsets.at(defined));
    const std::string refill = std::string(dialect_.import) + wabt_ir::kRefillName;
    text += own_line;
    append_line(text, head);
    if (info_.has_memory) text += "WEFT_MEMORY_BASE\n";
    text += tell_entry(head, defined);
    for (std::string_view line; lines.next(line);) {
      std::uint32_t offset = 0;
      if (read_marker(line, marker, offset)) {
        text += line_of(offset);
        continue;
      }
      if (line.find("data_segment_") != std::string_view::npos) names_data_ = true;
      if (line.find(refill) != std::string_view::npos) {
        ask_rarely(text);
        text += own_line + "WEFT_FUEL_POINT(" + std::string(assigned(line)) + ")\n";
        continue;
      }
      append_line(text, line);
      if (line == "}") break;
    }
  }

  // Of a function of Go's, whose parameter is 0 when it begins.
  [[nodiscard]] std::string tell_entry(const std::string& head, std::size_t defined) const {
    const std::size_t function = info_.imported_functions + defined;
    const auto at = std::find_if(told_.begin(), told_.end(),
                                 [&](const auto& point) { return point.function == function; });
    if (at == told_.end()) return {};
    const std::size_t end = head.rfind(')');
    const std::string parameter =
        head.substr(head.rfind(' ', end) + 1, end - head.rfind(' ', end) - 1);
    return "WEFT_ENTERED(" + parameter + ", " + std::to_string(static_cast<int>(at->entry)) +
           ", instance->w2c_g" + std::to_string(guest::go::kGlobalSp) + ", instance->w2c_g" +
           std::to_string(guest::go::kGlobalG) + ")\n";
  }

  // The host is asked inside of the last `if` so far, which is hardly ever true.
  static void ask_rarely(std::string& text) {
    const std::size_t at = text.rfind("if (") + 4;
    const std::size_t end = text.find(')', at);
    text.insert(end, ")");
    text.insert(at, "UNLIKELY(");
  }

  const CDialect& dialect_;
  const CBinding binding_;
  const ModuleInfo& info_;
  const std::span<const guest::go::EntryPoint> told_;
  CData data_;
  TypeNames types_;
  std::string common_;
  std::string first_;
  bool names_data_ = false;  // A function uses data segments.
};

CFiles::CFiles(std::string folder, const ModuleInfo& info, bool fuel_points,
               std::span<const guest::go::EntryPoint> told)
    : folder_(std::move(folder)), info_(info), fuel_points_(fuel_points), told_(told) {}

CFiles::~CFiles() = default;

Status CFiles::write(const std::string& name, const std::string& text) const {
  const std::string path = folder_ + "/" + name;
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) return Error{path + " can't be written: " + std::strerror(errno)};
  return Nothing{};
}

Status CFiles::end_unit() {
  const std::string name = "unit" + std::to_string(units_.files.size()) + ".c";
  if (Status written = write(name, unit_); !written) return written;
  units_.files.push_back(name);
  units_.bytes += unit_.size();
  unit_ = begin_;
  return Nothing{};
}

std::string CFiles::take(wabt_ir::CBase base) {
  const CDialect* dialect = dialect_of(base.source);
  if (dialect == nullptr) return unknown_form().message;
  cutter_ = std::make_unique<Cutter>(*dialect, info_, std::move(base.segments), told_);
  Result<std::string> first = cutter_->cut_base(base.source);
  if (!first) return first.error().message;
  const CBinding& binding = cutter_->binding();
  // What of the module's functions are imports here is declared with the functions.
  std::string header;
  Lines lines(base.header);
  for (std::string_view line; lines.next(line);) {
    if (line.find(cutter_->import_of_function()) == std::string_view::npos) {
      append_line(header, line);
    }
  }
  for (const auto& [name, text] : {std::pair<std::string, std::string>("wasm-rt.h", kRuntimeHeader),
                                   {"dialect.h", std::string(dialect->header)},
                                   {wabt_ir::kHeaderName, header}}) {
    if (Status written = write(name, text); !written) return written.error().message;
  }
  constexpr const char* kInclude = "#include \"common.h\"\n";
  begin_ = kInclude + binding.macros();
  unit_ = kInclude + binding.element_functions() + *first +
          binding.definitions(base, fuel_points_, !told_.empty()) + binding.macros();
  common_end_ = binding.declarations(fuel_points_);
  return {};
}

std::string CFiles::take(wabt_ir::CPart part) {
  cutter_->cut_part(part, unit_);
  if (unit_.size() < kUnitBytes) return {};
  const Status ended = end_unit();
  return ended ? "" : ended.error().message;
}

Result<CUnits> CFiles::finish() {
  if (unit_.size() > begin_.size()) {
    if (Status ended = end_unit(); !ended) return ended.error();
  }
  if (Status written = write("common.h", cutter_->take_common() + common_end_); !written) {
    return written.error();
  }
  return std::move(units_);
}

}  // namespace weft
