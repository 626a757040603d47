// SPDX-License-Identifier: Apache-2.0
// See tests/fuzz/module_maker.h. Code is made from the stack's point of view: value(type) appends
// instructions that leave one value of that type, statement() some that leave nothing.
#include "tests/fuzz/module_maker.h"

#include <array>
#include <string>
#include <utility>

namespace weft::fuzz {
namespace {

using Code = std::vector<std::uint8_t>;

enum Type : std::uint8_t { i32 = 0x7f, i64 = 0x7e, f64 = 0x7c, funcref = 0x70, externref = 0x6f };
constexpr std::array<Type, 5> kTypes = {i32, i64, f64, funcref, externref};
constexpr std::uint8_t kNoResult = 0x40;

constexpr std::uint32_t kImports = 3;
constexpr std::uint32_t kYield = 0;
constexpr std::uint32_t kArgsSizes = 1;
constexpr int kDepthMax = 5;
constexpr std::size_t kBodyBytesMax = 1'500;

void leb(Code& to, std::uint64_t value) {
  do {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    to.push_back(value != 0 ? low | 0x80 : low);
  } while (value != 0);
}

void signed_leb(Code& to, std::int64_t value) {
  for (;;) {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    const bool last = (value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0);
    to.push_back(last ? low : low | 0x80);
    if (last) return;
  }
}

void append(Code& to, const Code& what) {
  to.insert(to.end(), what.begin(), what.end());
}

void section(Code& module, std::uint8_t id, const Code& body) {
  module.push_back(id);
  leb(module, body.size());
  append(module, body);
}

struct FuncType {
  std::vector<Type> params;
  std::vector<Type> results;
};

struct Global {
  Type type;
  bool is_mutable;
};

class Maker {
 public:
  explicit Maker(Bytes& in) : in_(in) {}
  MadeModule make();

 private:
  std::uint32_t below(std::uint32_t n) { return in_.u8() % n; }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  Type any_type() { return kTypes[below(kTypes.size())]; }

  void choose();
  Code types_section() const;
  Code imports_section() const;
  Code tables_section() const;
  Code globals_section();
  Code elements_section();
  Code code_section();
  Code data_section();
  void constant(Code& to, Type type);
  void function_constant(Code& to);
  Code body(const FuncType& type, bool is_start);

  // --- code of the current function ---
  void value(Code& to, Type type, int depth);
  void value_of_i32(Code& to, int depth);
  void value_of_i64(Code& to, int depth);
  void value_of_ref(Code& to, Type type, int depth);
  void statement(Code& to, int depth);
  void statement_of_table(Code& to, int depth);
  void statement_of_memory(Code& to, int depth);
  void statement_of_flow(Code& to, int depth);
  void call(Code& to, std::uint32_t function, int depth);
  void call_indirect(Code& to, int depth);
  void small(Code& to, std::uint32_t below);
  void three_small(Code& to);
  void get_local(Code& to, Type type);
  std::uint32_t table_of(Type type);
  void yield(Code& to) const { append(to, {0x10, kYield, 0x1a}); }
  void prefixed(Code& to, std::uint32_t op, std::initializer_list<std::uint32_t> operands) const {
    to.push_back(0xfc);
    leb(to, op);
    for (const std::uint32_t operand : operands) leb(to, operand);
  }

  Bytes& in_;
  std::vector<FuncType> types_;
  std::vector<std::uint32_t> functions_;  // Their types; the imports' first.
  std::vector<Type> tables_;
  std::vector<Global> globals_;
  bool has_memory_ = false;
  std::vector<Type> elements_;  // Of each segment.
  std::uint32_t datas_ = 0;
  bool data_count_ = false;
  std::vector<Type> locals_;  // Of the current function, parameters first.
};

void Maker::choose() {
  types_ = {{{}, {i32}}, {{i32, i32}, {i32}}, {{i32, i32, i32, i32}, {i32}}, {{}, {}}};
  functions_ = {0, 1, 2};
  for (std::uint32_t n = 1 + below(4); n > 0; --n) {
    FuncType type;
    for (std::uint32_t k = below(4); k > 0; --k) type.params.push_back(any_type());
    for (std::uint32_t k = below(3); k > 0; --k) type.results.push_back(any_type());
    types_.push_back(type);
  }
  functions_.push_back(3);  // _start
  for (std::uint32_t n = 1 + below(4); n > 0; --n) {
    functions_.push_back(below(static_cast<std::uint32_t>(types_.size())));
  }
  for (std::uint32_t n = below(4); n > 0; --n) tables_.push_back(one_in(3) ? externref : funcref);
  for (std::uint32_t n = below(6); n > 0; --n) globals_.push_back({any_type(), !one_in(3)});
  has_memory_ = !one_in(4);
  for (std::uint32_t n = below(5); n > 0; --n) elements_.push_back(one_in(4) ? externref : funcref);
  datas_ = has_memory_ ? below(4) : 0;
  data_count_ = datas_ != 0 ? !one_in(6) : one_in(6);
}

Code Maker::types_section() const {
  Code out;
  leb(out, types_.size());
  for (const FuncType& type : types_) {
    out.push_back(0x60);
    for (const auto* list : {&type.params, &type.results}) {
      leb(out, list->size());
      for (const Type t : *list) out.push_back(t);
    }
  }
  return out;
}

Code Maker::imports_section() const {
  Code out;
  leb(out, kImports);
  const char* const names[] = {"sched_yield", "args_sizes_get", "fd_write"};
  for (std::uint32_t i = 0; i < kImports; ++i) {
    for (const std::string& text : {std::string("wasi_snapshot_preview1"), std::string(names[i])}) {
      leb(out, text.size());
      out.insert(out.end(), text.begin(), text.end());
    }
    out.push_back(0);
    leb(out, functions_[i]);
  }
  return out;
}

Code Maker::tables_section() const {
  Code out;
  leb(out, tables_.size());
  for (const Type type : tables_) append(out, {type, 1, 8, 24});
  return out;
}

void Maker::function_constant(Code& to) {
  to.push_back(0xd2);
  leb(to, below(static_cast<std::uint32_t>(functions_.size())));
}

void Maker::constant(Code& to, Type type) {
  switch (type) {
    case i32:
      to.push_back(0x41);
      signed_leb(to, static_cast<std::int32_t>(one_in(4) ? in_.number(4) : below(16)));
      return;
    case i64:
      to.push_back(0x42);
      signed_leb(to, static_cast<std::int64_t>(one_in(2) ? in_.number(8) : in_.number(6)));
      return;
    case f64:
      to.push_back(0x44);
      for (int i = 0; i < 8; ++i) to.push_back(in_.u8());
      return;
    case funcref:
      if (!one_in(4)) return function_constant(to);
      [[fallthrough]];
    case externref:
      append(to, {0xd0, type});
  }
}

Code Maker::globals_section() {
  Code out;
  leb(out, globals_.size());
  for (const Global& global : globals_) {
    append(out, {global.type, global.is_mutable});
    constant(out, global.type);
    out.push_back(0x0b);
  }
  return out;
}

Code Maker::elements_section() {
  Code out;
  leb(out, elements_.size() + 1);
  // Every function may be named by ref.func.
  append(out, {0x03, 0x00});
  leb(out, functions_.size());
  for (std::uint32_t i = 0; i < functions_.size(); ++i) leb(out, i);
  for (const Type type : elements_) {
    std::uint32_t table = 0;
    while (table < tables_.size() && tables_[table] != type) ++table;
    const bool active = table < tables_.size() && one_in(2);
    const bool by_index = type == funcref && one_in(2);
    const std::uint32_t mode = active ? 2 : one_in(3) ? 3 : 1;  // With a table's index; declared.
    leb(out, mode | (by_index ? 0 : 4));
    if (active) {
      leb(out, table);
      append(out, {0x41, static_cast<std::uint8_t>(below(9)), 0x0b});
    }
    out.push_back(by_index ? 0 : type);
    const std::uint32_t count = below(5);
    leb(out, count);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (by_index) {
        leb(out, below(static_cast<std::uint32_t>(functions_.size())));
      } else {
        constant(out, type);
        out.push_back(0x0b);
      }
    }
  }
  return out;
}

Code Maker::data_section() {
  Code out;
  leb(out, datas_);
  for (std::uint32_t i = 0; i < datas_; ++i) {
    const bool active = one_in(2);
    out.push_back(active ? 0 : 1);
    if (active) append(out, {0x41, static_cast<std::uint8_t>(below(64)), 0x0b});
    const std::uint32_t bytes = below(16);
    leb(out, bytes);
    for (std::uint32_t k = 0; k < bytes; ++k) out.push_back(in_.u8());
  }
  return out;
}

// --- code ---

void Maker::small(Code& to, std::uint32_t limit) {
  to.push_back(0x41);
  signed_leb(to, static_cast<std::int32_t>(one_in(32) ? in_.number(4) : below(limit)));
}

void Maker::three_small(Code& to) {
  for (int i = 0; i < 3; ++i) small(to, 6);
}

void Maker::get_local(Code& to, Type type) {
  std::vector<std::uint32_t> fit;
  for (std::uint32_t i = 0; i < locals_.size(); ++i) {
    if (locals_[i] == type) fit.push_back(i);
  }
  if (fit.empty()) return constant(to, type);
  to.push_back(0x20);
  leb(to, fit[below(static_cast<std::uint32_t>(fit.size()))]);
}

// SIZE_MAX's low half: there is none.
std::uint32_t Maker::table_of(Type type) {
  std::vector<std::uint32_t> fit;
  for (std::uint32_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i] == type) fit.push_back(i);
  }
  return fit.empty() ? UINT32_MAX : fit[below(static_cast<std::uint32_t>(fit.size()))];
}

void Maker::call(Code& to, std::uint32_t function, int depth) {
  const FuncType& type = types_[functions_[function]];
  for (const Type param : type.params) value(to, param, depth + 1);
  to.push_back(0x10);
  leb(to, function);
  for (std::size_t i = 0; i < type.results.size(); ++i) to.push_back(0x1a);
}

void Maker::call_indirect(Code& to, int depth) {
  const std::uint32_t table = table_of(funcref);
  if (table == UINT32_MAX) return;
  const std::uint32_t of = below(static_cast<std::uint32_t>(types_.size()));
  for (const Type param : types_[of].params) value(to, param, depth + 1);
  small(to, 9);
  to.push_back(0x11);
  leb(to, of);
  leb(to, table);
  for (std::size_t i = 0; i < types_[of].results.size(); ++i) to.push_back(0x1a);
}

void Maker::value(Code& to, Type type, int depth) {
  if (depth >= kDepthMax || to.size() > kBodyBytesMax) return constant(to, type);
  switch (below(8)) {
    case 0:
      return constant(to, type);
    case 1:
      return get_local(to, type);
    case 2:  // select
      value(to, type, depth + 1);
      value(to, type, depth + 1);
      small(to, 2);
      return append(to, {0x1c, 1, type});
    case 3:  // A block that may be left by a branch.
      append(to, {0x02, type});
      value(to, type, depth + 1);
      if (one_in(2)) {
        small(to, 2);
        append(to, {0x0d, 0});
      }
      if (one_in(3)) {
        statement(to, depth + 1);
      }
      return to.push_back(0x0b);
    case 4:
      small(to, 2);
      append(to, {0x04, type});
      value(to, type, depth + 1);
      to.push_back(0x05);
      value(to, type, depth + 1);
      return to.push_back(0x0b);
    case 5:
      for (std::uint32_t i = 0; i < globals_.size(); ++i) {
        if (globals_[i].type != type) continue;
        to.push_back(0x23);
        return leb(to, i);
      }
      return get_local(to, type);
    default:
      break;
  }
  if (type == i32) return value_of_i32(to, depth);
  if (type == i64) return value_of_i64(to, depth);
  if (type == f64) return constant(to, type);
  value_of_ref(to, type, depth);
}

void Maker::value_of_i32(Code& to, int depth) {
  switch (below(6)) {
    case 0:
    case 1:
      value(to, one_in(2) ? funcref : externref, depth + 1);
      return to.push_back(0xd1);  // ref.is_null
    case 2:
      if (tables_.empty()) return small(to, 8);
      return prefixed(to, 16, {below(static_cast<std::uint32_t>(tables_.size()))});
    case 3: {
      const Type type = one_in(2) ? funcref : externref;
      const std::uint32_t table = table_of(type);
      if (table == UINT32_MAX) return small(to, 8);
      value(to, type, depth + 1);
      small(to, 3);
      return prefixed(to, 15, {table});  // table.grow
    }
    case 4:
      if (!has_memory_) return small(to, 8);
      small(to, 2);
      return append(to, {0x40, 0});  // memory.grow
    default:
      if (!has_memory_) return small(to, 8);
      small(to, 64);
      return append(to, {0x28, 0, 0});  // i32.load
  }
}

void Maker::value_of_i64(Code& to, int depth) {
  value(to, i32, depth + 1);
  to.push_back(0xad);  // i64.extend_i32_u
}

void Maker::value_of_ref(Code& to, Type type, int depth) {
  const std::uint32_t table = table_of(type);
  if (table == UINT32_MAX || depth >= kDepthMax) return constant(to, type);
  small(to, 9);
  to.push_back(0x25);  // table.get
  leb(to, table);
}

void Maker::statement_of_table(Code& to, int depth) {
  const Type type = one_in(3) ? externref : funcref;
  const std::uint32_t table = table_of(type);
  if (table == UINT32_MAX) return;
  switch (below(5)) {
    case 0:
      small(to, 9);
      value(to, type, depth + 1);
      to.push_back(0x26);  // table.set
      return leb(to, table);
    case 1:
      small(to, 9);
      value(to, type, depth + 1);
      small(to, 5);
      return prefixed(to, 17, {table});  // table.fill
    case 2:
      three_small(to);
      return prefixed(to, 14, {table_of(type), table});  // table.copy
    default:
      for (std::uint32_t i = 0; i < elements_.size(); ++i) {
        if (elements_[i] != type || one_in(2)) continue;
        if (one_in(5)) return prefixed(to, 13, {i + 1});  // elem.drop
        three_small(to);
        return prefixed(to, 12, {i + 1, table});  // table.init
      }
  }
}

void Maker::statement_of_memory(Code& to, int depth) {
  if (!has_memory_) return;
  switch (below(5)) {
    case 0:
      three_small(to);
      return prefixed(to, 11, {0});  // memory.fill
    case 1:
      three_small(to);
      return prefixed(to, 10, {0, 0});  // memory.copy
    case 2:
      small(to, 64);
      value(to, i64, depth + 1);
      return append(to, {0x37, 0, 0});  // i64.store
    default:
      if (datas_ == 0 || !data_count_) return;
      if (one_in(5)) return prefixed(to, 9, {below(datas_)});  // data.drop
      three_small(to);
      return prefixed(to, 8, {below(datas_), 0});  // memory.init
  }
}

void Maker::statement_of_flow(Code& to, int depth) {
  switch (below(4)) {
    case 0: {  // Values that lie below what yields.
      const std::uint32_t count = 1 + below(4);
      for (std::uint32_t i = 0; i < count; ++i) value(to, any_type(), depth + 1);
      yield(to);
      statement(to, depth + 1);
      for (std::uint32_t i = 0; i < count; ++i) to.push_back(0x1a);
      return;
    }
    case 1:  // A reference, and in its place an integer.
      value(to, one_in(2) ? funcref : externref, depth + 1);
      append(to, {0xd1, 0x1a});
      constant(to, i64);
      yield(to);
      yield(to);
      return to.push_back(0x1a);
    case 2:  // As often as local 0 of the loops says.
      append(to, {0x03, kNoResult});
      yield(to);
      statement(to, depth + 1);
      to.push_back(0x20);
      leb(to, locals_.size() - 1);
      append(to, {0x41, 1, 0x6b, 0x22});
      leb(to, locals_.size() - 1);
      append(to, {0x41, 0, 0x4a, 0x0d, 0, 0x0b});  // While it is above 0.
      return;
    default:
      append(to, {0x02, kNoResult});
      statement(to, depth + 1);
      small(to, 2);
      append(to, {0x0d, 0});
      statement(to, depth + 1);
      return to.push_back(0x0b);
  }
}

void Maker::statement(Code& to, int depth) {
  if (depth >= kDepthMax || to.size() > kBodyBytesMax) return yield(to);
  switch (below(9)) {
    case 0:
      value(to, any_type(), depth + 1);
      return to.push_back(0x1a);
    case 1: {
      const std::uint32_t local = below(static_cast<std::uint32_t>(locals_.size() - 1));
      value(to, locals_[local], depth + 1);
      to.push_back(one_in(3) ? 0x22 : 0x21);
      const bool tee = to.back() == 0x22;
      leb(to, local);
      if (tee) to.push_back(0x1a);
      return;
    }
    case 2:
      for (std::uint32_t i = 0; i < globals_.size(); ++i) {
        if (!globals_[i].is_mutable || one_in(2)) continue;
        value(to, globals_[i].type, depth + 1);
        to.push_back(0x24);
        return leb(to, i);
      }
      return yield(to);
    case 3:
      return call(to, kImports + below(static_cast<std::uint32_t>(functions_.size()) - kImports),
                  depth);
    case 4:
      return call_indirect(to, depth);
    case 5:
    case 6:
      return statement_of_table(to, depth);
    case 7:
      return statement_of_memory(to, depth);
    default:
      return statement_of_flow(to, depth);
  }
}

Code Maker::body(const FuncType& type, bool is_start) {
  locals_ = type.params;
  Code out;
  const std::uint32_t extra = 1 + below(4);
  leb(out, extra + 1);
  for (std::uint32_t i = 0; i < extra; ++i) {
    const Type local = any_type();
    append(out, {1, local});
    locals_.push_back(local);
  }
  append(out, {1, i32});  // How often its loops go round.
  locals_.push_back(i32);
  Code code;
  if (is_start && has_memory_) {  // As many times as it has arguments: instances end one by one.
    append(code, {0x41, 0, 0x41, 4, 0x10, kArgsSizes, 0x1a, 0x41, 0, 0x28, 0, 0, 0x21});
  } else {
    append(code, {0x41, 3, 0x21});
  }
  leb(code, locals_.size() - 1);
  for (std::uint32_t n = 1 + below(8); n > 0; --n) statement(code, 0);
  for (const Type result : type.results) value(code, result, 1);
  code.push_back(0x0b);
  append(out, code);
  return out;
}

Code Maker::code_section() {
  Code out;
  leb(out, functions_.size() - kImports);
  for (std::uint32_t i = kImports; i < functions_.size(); ++i) {
    const Code function = body(types_[functions_[i]], i == kImports);
    leb(out, function.size());
    append(out, function);
  }
  return out;
}

MadeModule Maker::make() {
  choose();
  Code module = {0, 'a', 's', 'm', 1, 0, 0, 0};
  section(module, 1, types_section());
  section(module, 2, imports_section());
  Code functions;
  leb(functions, functions_.size() - kImports);
  for (std::size_t i = kImports; i < functions_.size(); ++i) leb(functions, functions_[i]);
  section(module, 3, functions);
  if (!tables_.empty()) section(module, 4, tables_section());
  if (has_memory_) section(module, 5, {1, 1, 1, 4});
  if (!globals_.empty()) section(module, 6, globals_section());
  Code exports = {static_cast<std::uint8_t>(has_memory_ ? 2 : 1), 6, '_', 's', 't', 'a', 'r', 't'};
  append(exports, {0, kImports});
  if (has_memory_) append(exports, {6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0});
  section(module, 7, exports);
  section(module, 9, elements_section());
  if (data_count_) {
    Code count;
    leb(count, one_in(12) ? below(4) : datas_);
    section(module, 12, count);
  }
  section(module, 10, code_section());
  if (datas_ != 0) section(module, 11, data_section());
  const bool is_damaged = one_in(8);
  if (is_damaged) {
    for (std::uint32_t n = 1 + below(3); n > 0; --n) {
      module[8 + in_.number(2) % (module.size() - 8)] = in_.u8();
    }
  }
  return {std::move(module), is_damaged};
}

}  // namespace

MadeModule make_module(Bytes& in) {
  return Maker(in).make();
}

}  // namespace weft::fuzz
