// SPDX-License-Identifier: Apache-2.0
#include "guest/go/prologues.h"

#include <algorithm>
#include <array>
#include <map>

#include "guest/go/go_pc.h"
#include "guest/wasm/byte_reader.h"
#include "guest/wasm/decoder.h"

namespace weft::guest::go {
namespace {

using wasm::Instruction;
using wasm::Op;

constexpr std::uint64_t kSpGlobal = 0;
constexpr std::uint64_t kGGlobal = 2;
constexpr std::uint64_t kPcLocal = 0;
constexpr std::uint64_t kSpLocal = 1;

struct Prologue {
  std::uint32_t guard = 0;  // The offset in g of what is compared.
  bool is_large = false;
};

// Reads one function's code from its beginning.
class Matcher {
 public:
  explicit Matcher(wasm::ByteReader code) : code_(code) {
    for (std::uint32_t groups = code_.u32(); groups > 0; --groups) {
      code_.u32();
      wasm::read_val_type(code_);
    }
    next();
  }

  // Goes on behind the instruction if it is this one, with this immediate.
  bool take(Op op) {
    if (in_.op != op) return false;
    next();
    return true;
  }
  bool take_index(Op op, std::uint64_t index) { return in_.index == index && take(op); }
  bool take_value(Op op, std::uint64_t value) { return in_.value == value && take(op); }
  [[nodiscard]] const Instruction& now() const { return in_; }

 private:
  void next() {
    if (code_.at_end()) {
      in_.op = Op::unreachable;
      return;
    }
    wasm::decode(code_, in_);
  }

  wasm::ByteReader code_;
  Instruction in_;
};

// To where the function goes on at PC_B 0.
bool skip_to_entry(Matcher& code) {
  if (!code.take_index(Op::global_get, kSpGlobal)) return false;
  if (!code.take_index(Op::local_set, kSpLocal)) return false;
  while (code.take(Op::block) || code.take(Op::loop)) {
  }
  return code.take_index(Op::local_get, kPcLocal) && code.take(Op::br_table) && code.take(Op::end);
}

std::optional<Prologue> match(Matcher& code, std::uint64_t pc,
                              std::span<const std::uint32_t> morestack) {
  if (!skip_to_entry(code)) return {};
  Prologue prologue;
  if (!code.take_index(Op::local_get, kSpLocal)) return {};
  if (!code.take_index(Op::global_get, kGGlobal)) return {};
  if (!code.take(Op::i32_wrap_i64)) return {};
  prologue.guard = static_cast<std::uint32_t>(code.now().value);
  if (!code.take(Op::i32_load)) return {};
  if (code.take(Op::i32_const)) {
    if (!code.take(Op::i32_add)) return {};
    prologue.is_large = true;
  }
  if (!code.take(Op::i32_le_u) || !code.take(Op::if_)) return {};
  // The call: 8 bytes of stack for the PC to come back to, which is the function's start.
  const bool is_call =
      code.take_index(Op::local_get, kSpLocal) && code.take_value(Op::i32_const, 8) &&
      code.take(Op::i32_sub) && code.take_index(Op::local_tee, kSpLocal) &&
      code.take_index(Op::global_set, kSpGlobal) && code.take_index(Op::local_get, kSpLocal) &&
      code.take_value(Op::i64_const, pc) && code.take_value(Op::i64_store, 0) &&
      code.take_value(Op::i32_const, 0);
  if (!is_call || code.now().op != Op::call) return {};
  const bool is_known =
      std::find(morestack.begin(), morestack.end(), code.now().index) != morestack.end();
  return is_known ? std::optional(prologue) : std::nullopt;
}

}  // namespace

Prologues find_prologues(const wasm::ModuleView& module, std::span<const std::uint32_t> morestack) {
  std::vector<std::optional<Prologue>> found(module.bodies.size());
  std::map<std::uint32_t, std::uint32_t> count_by_guard;
  for (std::uint32_t defined = 0; defined < module.bodies.size(); ++defined) {
    const wasm::Body& body = module.bodies[defined];
    try {
      Matcher code(wasm::ByteReader(module.bytes.subspan(body.offset, body.bytes), body.offset));
      found[defined] = match(code, pc_of(defined), morestack);
    } catch (const wasm::Refused&) {
      continue;
    }
    if (found[defined]) ++count_by_guard[found[defined]->guard];
  }
  // Some functions of the runtime compare g.stackguard1: those that run on the system's stack.
  Prologues prologues;
  const auto most =
      std::max_element(count_by_guard.begin(), count_by_guard.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != count_by_guard.end()) prologues.stackguard0 = most->first;
  prologues.small.resize(found.size());
  prologues.large.resize(found.size());
  for (std::size_t defined = 0; defined < found.size(); ++defined) {
    if (!found[defined] || found[defined]->guard != prologues.stackguard0) continue;
    (found[defined]->is_large ? prologues.large : prologues.small)[defined] = true;
  }
  return prologues;
}

}  // namespace weft::guest::go
