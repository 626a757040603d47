// SPDX-License-Identifier: Apache-2.0
// The two stacks, locals, and instructions whose types are fixed. What opens, closes or leaves
// blocks is in guest/wasm/control_validator.cpp.
#include "guest/wasm/function_validator.h"

#include <algorithm>
#include <cstring>

namespace weft::wasm {
namespace {

// A row's letters as types. kAddress stands for the address type of the instruction's memory or
// table.
inline constexpr auto kAddress = static_cast<ValType>(255);

struct Signature {
  std::uint8_t params = 0;
  std::uint8_t results = 0;
  bool fixed = false;
  std::uint8_t lanes = 0;  // Of an instruction with a lane: one more than the highest.
  ValType param[4]{};
  ValType result = ValType::bottom;
};

constexpr ValType type_of_letter(char letter) {
  switch (letter) {
    case 'i':
      return ValType::i32;
    case 'I':
      return ValType::i64;
    case 'f':
      return ValType::f32;
    case 'F':
      return ValType::f64;
    case 'v':
      return ValType::v128;
    default:
      return kAddress;  // a, t
  }
}

constexpr Signature signature_of(const OpInfo& row) {
  Signature s;
  s.fixed = row.params != "*";
  if (row.immediates == Immediates::memarg_lane) s.lanes = 16 / row.width;
  if (row.immediates == Immediates::lane) {
    const std::string_view shape = row.name.substr(0, row.name.find('.'));
    s.lanes = shape == "i8x16"                       ? 16
              : shape == "i16x8"                     ? 8
              : shape == "i32x4" || shape == "f32x4" ? 4
                                                     : 2;
  }
  if (!s.fixed) return s;
  for (const char letter : row.params) s.param[s.params++] = type_of_letter(letter);
  if (!row.results.empty()) {
    s.results = 1;
    s.result = type_of_letter(row.results[0]);
  }
  return s;
}

constexpr std::array<Signature, kOpCount> make_signatures() {
  std::array<Signature, kOpCount> table{};
  for (std::size_t i = 0; i < kOpCount; ++i) table[i] = signature_of(kOps[i]);
  return table;
}

constexpr auto kSignatures = make_signatures();

}  // namespace

FunctionValidator::FunctionValidator(const ModuleView& module, Features* features)
    : module_(module), features_(features) {
  operands_.resize(256);
}

void FunctionValidator::begin(std::uint32_t function) {
  const Body& body = module_.body(function);
  code_ = ByteReader(module_.bytes.subspan(body.offset, body.bytes), body.offset);
  function_ = function;
  type_ = &module_.type_of_function(function);
  is_constant_ = false;
  size_ = 0;
  frames_.clear();
  locals_ = 0;
  local_groups_.clear();
  op_offset_ = body.offset;
  for (const ValType type : type_->params) add_locals(1, type);
  std::uint64_t declared = 0;
  for (std::uint32_t n = code_.count("groups of locals", kFunctionBytesMax); n > 0; --n) {
    const std::uint32_t count = code_.u32();
    declared += count;
    const ValType type = read_val_type(code_);
    if (declared > kLocalsMax) code_.fail("a function with more than 50,000 locals");
    use(type);
    add_locals(count, type);
  }
  frames_.push_back({type_, 0, Op::call, false});
}

void FunctionValidator::add_locals(std::uint64_t count, ValType type) {
  if (count == 0) return;
  const auto end = static_cast<std::uint32_t>(locals_ + count);
  for (std::uint32_t i = locals_; i < std::min(end, kLocalsHead); ++i) locals_head_[i] = type;
  locals_ = end;
  if (!local_groups_.empty() && local_groups_.back().type == type) {
    local_groups_.back().end = end;
  } else {
    local_groups_.push_back({end, type});
  }
}

ValType FunctionValidator::local_type_in_groups(std::uint32_t index) const {
  return std::upper_bound(local_groups_.begin(), local_groups_.end(), index,
                          [](std::uint32_t i, const LocalGroup& group) { return i < group.end; })
      ->type;
}

ConstExpr FunctionValidator::constant(ByteReader& in, ValType type, std::uint32_t globals,
                                      std::vector<bool>& referenced) {
  const FuncType whole{{}, {&type, 1}, 0};
  code_ = in;
  is_constant_ = true;
  known_globals_ = globals;
  referenced_ = &referenced;
  size_ = 0;
  frames_.clear();
  frames_.push_back({&whole, 0, Op::call, false});
  ConstExpr expr{in.offset(), 0};
  Instruction instruction;
  while (!frames_.empty()) {
    decode(code_, instruction);
    step(instruction);
  }
  expr.bytes = code_.offset() - expr.offset;
  in = code_;
  is_constant_ = false;
  return expr;
}

bool FunctionValidator::next(Instruction& in) {
  if (frames_.empty()) [[unlikely]] {
    if (!code_.at_end()) code_.fail("instructions behind the end of a function");
    if (code_.saw_long_type()) use(Feature::function_references, kLongType);
    return false;
  }
  if (code_.at_end()) [[unlikely]]
    code_.fail("a block without an end");
  decode(code_, in);
  step(in);
  return true;
}

// --- operands ---

void FunctionValidator::grow(std::size_t more) {
  if (size_ + more > kOperandsMax) fail("more than 1,000,000 operands on the stack");
  operands_.resize(
      std::min<std::size_t>(std::max(operands_.size() * 2, size_ + more), kOperandsMax));
}

void FunctionValidator::push_all(std::span<const ValType> types) {
  if (operands_.size() - size_ < types.size()) grow(types.size());
  std::copy(types.begin(), types.end(), operands_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += types.size();
}

ValType FunctionValidator::pop_from_nothing() {
  if (!frames_.back().unreachable) fail_type("an operand", "an empty stack");
  return ValType::bottom;
}

void FunctionValidator::pop_slowly(ValType expected) {
  if (size_ == frames_.back().height) {
    if (!frames_.back().unreachable) fail_type(name(expected), "an empty stack");
    return;
  }
  const ValType found = operands_[--size_];
  if (found != expected && found != ValType::bottom && expected != ValType::bottom) {
    fail_type(name(expected), name(found));
  }
}

void FunctionValidator::pop_all(std::span<const ValType> types) {
  const std::size_t n = types.size();
  if (size_ - frames_.back().height >= n &&
      std::equal(types.begin(), types.end(), operands_.data() + size_ - n)) {
    size_ -= n;
    return;
  }
  for (std::size_t i = n; i > 0; --i) pop(types[i - 1]);
}

void FunctionValidator::check_top(std::span<const ValType> types) {
  const std::size_t n = types.size();
  const std::size_t there = size_ - frames_.back().height;
  if (there >= n && std::equal(types.begin(), types.end(), operands_.data() + size_ - n)) return;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == there) {
      if (!frames_.back().unreachable) fail_type(name(types[n - 1 - i]), "an empty stack");
      return;
    }
    const ValType found = operands_[size_ - 1 - i];
    const ValType expected = types[n - 1 - i];
    if (found != expected && found != ValType::bottom) fail_type(name(expected), name(found));
  }
}

// --- instructions of fixed types ---

void FunctionValidator::step_fixed(Instruction& in) {
  const Signature& s = kSignatures[static_cast<std::size_t>(in.op)];
  check_immediates(in);
  const auto actual = [&](ValType type) {
    if (type != kAddress) [[likely]]
      return type;
    const bool of_table = info(in.op).immediates == Immediates::table;
    return of_table ? module_.tables[in.index].limits.address()
                    : module_.memories[in.index].limits.address();
  };
  for (std::size_t i = s.params; i > 0; --i) pop(actual(s.param[i - 1]));
  if (s.results != 0) push(actual(s.result));
}

void FunctionValidator::check_memarg(const Instruction& in) {
  const MemoryType& of = memory(in.index);
  const OpInfo& row = info(in.op);
  if (!of.limits.is_64 && in.value > UINT32_MAX) fail("an offset of more than 32 bits");
  const std::uint32_t bytes = std::uint32_t{1} << (in.align & 31U);
  if (bytes > row.width) fail("an alignment larger than what is accessed");
  if (row.prefix == 0xfe && bytes != row.width) fail("an atomic access that is not aligned");
}

void FunctionValidator::check_immediates(const Instruction& in) {
  const std::uint8_t lanes = kSignatures[static_cast<std::size_t>(in.op)].lanes;
  switch (info(in.op).immediates) {
    case Immediates::memarg:
      return check_memarg(in);
    case Immediates::memarg_lane:
      check_memarg(in);
      [[fallthrough]];
    case Immediates::lane:
      if (in.lane >= lanes) fail_index("lane", in.lane, lanes);
      return;
    case Immediates::shuffle:
      for (int i = 0; i < 16; ++i) {
        if (in.bytes[i] >= 32) fail_index("lane", in.bytes[i], 32);
      }
      return;
    case Immediates::memory:
      memory(in.index);
      return;
    case Immediates::table:
      table(in.index);
      return;
    case Immediates::data_memory:
      memory(in.index);
      if (!module_.data_count) fail("it needs a section that counts the data segments");
      if (in.index2 >= *module_.data_count)
        fail_index("data segment", in.index2, *module_.data_count);
      return;
    case Immediates::data:
      if (!module_.data_count) fail("it needs a section that counts the data segments");
      if (in.index >= *module_.data_count)
        fail_index("data segment", in.index, *module_.data_count);
      return;
    case Immediates::elem:
      if (in.index >= module_.elements.size()) {
        fail_index("element segment", in.index, module_.elements.size());
      }
      return;
    default:
      return;
  }
}

const MemoryType& FunctionValidator::memory(std::uint32_t index) {
  if (index >= module_.memories.size()) fail_index("memory", index, module_.memories.size());
  if (index != 0) use(Feature::multi_memory, info(op_).name);
  return module_.memories[index];
}

const TableType& FunctionValidator::table(std::uint32_t index) {
  if (index >= module_.tables.size()) fail_index("table", index, module_.tables.size());
  return module_.tables[index];
}

// --- features and failures ---

void FunctionValidator::use(Feature feature, std::string_view what) {
  if (features_ == nullptr || features_->has(feature)) return;
  features_->add(feature, op_offset_, what);
}

void FunctionValidator::use(ValType type) {
  if (type < ValType::v128) return;
  use(feature_of(type), name(type));
}

void FunctionValidator::fail(const std::string& what) const {
  std::string text = what;
  if (!is_constant_) text += " in function " + std::to_string(function_);
  ByteReader::fail_at(std::string(info(op_).name) + ": " + text, op_offset_);
}

void FunctionValidator::fail_index(std::string_view what, std::uint32_t index,
                                   std::size_t of) const {
  fail("there is no " + std::string(what) + " " + std::to_string(index) + ", only " +
       std::to_string(of));
}

void FunctionValidator::fail_type(std::string_view expected, std::string_view found) const {
  fail("type mismatch, expected " + std::string(expected) + " and found " + std::string(found));
}

}  // namespace weft::wasm
