// SPDX-License-Identifier: Apache-2.0
// Exceptions on their way, and how long they live.
//
// raise() looks through the frames of the guest, from the one that throws, for a clause that takes
// the exception; what a frame has saved of its caller's homes is put back as it is passed. It never
// passes a frame of the host's: below the outermost function of the guest nobody catches. A module
// may have millions of clauses, and a stack thousands of frames: clauses cost fuel
// (guest/wabt/meter.h), and others run meanwhile.
//
// An exception lives as long as a reference to it may be somewhere: on the guest's stack, where
// every word that could be a reference is taken for one, in a global, a table, or another
// exception. What they take, weft's own lists of them included, is held of the guest's memory.
//
//   collect_exceptions()   a hash of all ─▶ mark what the stack, the context and tables
//                          refer to, then what those refer to ─▶ free what has no mark
//
// A collection gives others turns, and its guest may be killed in one of them, which leaves by a
// jump: so all that it works on belongs to the instance, and each exception is in its list once at
// any time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "guest/jit/jit_instance.h"
#include "guest/jit/program.h"
#include "os/wasip1/long_call.h"
#include "os/wasip1/process.h"

namespace weft::jit {
namespace {

constexpr std::size_t kCollectAtLeast = 256;

// How many words of stack are worth an exception that is kept for longer.
constexpr std::size_t kStackWordsEach = 64;

// What weft holds for an exception beside its words: malloc's own, its places in the list of all
// and of those that were found, and up to four in the index.
constexpr std::size_t kBytesBeside = 16 + 8 + 8 + 4 * 8;

// How many clauses a fuel of 1 stands for.
constexpr std::uint64_t kClausesPerFuel = 256;

// Frames, words or exceptions that are looked at between two turns of others.
constexpr std::uint32_t kStepsPerTurn = 4'096;

// The uppermost bit of a living exception's first word, while dead ones are looked for.
constexpr std::uint64_t kMark = std::uint64_t{1} << 63;

}  // namespace

std::uint64_t JitInstance::exception_bytes(std::uint32_t tag) const {
  return (1 + program_.exception_words(tag)) * 8 + kBytesBeside;
}

std::uint64_t* JitInstance::new_exception(std::uint32_t tag, const std::uint64_t* words) {
  if (exceptions_ != nullptr &&
      exceptions_->all.size() >= std::max(exceptions_->collect_at, kCollectAtLeast)) {
    collect_exceptions();
  }
  const std::size_t count = program_.exception_words(tag);
  const std::uint64_t bytes = exception_bytes(tag);
  Budget& budget = process_->budgets().memory_bytes;
  bool taken = budget.take(bytes);
  if (!taken && exceptions_ != nullptr) {
    collect_exceptions();
    taken = budget.take(bytes);
  }
  auto* made = taken ? static_cast<std::uint64_t*>(std::malloc((1 + count) * 8)) : nullptr;
  if (made == nullptr || !note_exception(made)) {
    std::free(made);
    trap(TrapKind::out_of_memory);
  }
  made[0] = tag;
  std::copy_n(words, count, made + 1);
  return made;
}

bool JitInstance::note_exception(std::uint64_t* made) noexcept {
  try {
    if (exceptions_ == nullptr) exceptions_ = std::make_unique<Exceptions>();
    exceptions_->all.push_back(made);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void JitInstance::raise(std::uint64_t* exception) {
  const auto tag = static_cast<std::uint32_t>(exception[0]);
  const auto* address = static_cast<const char*>(context_->exit_address) - 1;
  const auto* frame = static_cast<const char*>(context_->exit_frame);
  for (;;) {
    const Program::Code* code = program_.code_at(address);
    if (code == nullptr) uncaught(exception);
    const auto at =
        static_cast<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(address) - code->begin);
    std::uint64_t looked_at = 0;
    const Clause* const clause = code->facts.clause_for(at, tag, looked_at);
    pay_for_clauses(looked_at);
    if (clause != nullptr) {
      context_->exception = exception;
      context_->handler_frame = frame;
      context_->handler_stack = frame - code->facts.frame_bytes;
      context_->handler_code = code->begin + clause->landing;
      return;
    }
    const char* saved = frame;
    for (std::uint32_t reg = 0; reg < 16; ++reg) {
      if ((code->facts.int_homes >> reg & 1U) == 0) continue;
      saved -= 8;
      std::memcpy(&context_->int_homes[reg], saved, 8);
    }
    for (std::uint32_t reg = 0; reg < 16; ++reg) {
      if ((code->facts.float_homes >> reg & 1U) == 0) continue;
      saved -= 16;
      std::memcpy(context_->float_homes[reg], saved, 16);
    }
    std::uintptr_t words[2];
    std::memcpy(words, frame, sizeof words);
    frame = reinterpret_cast<const char*>(words[0]);
    address = reinterpret_cast<const char*>(words[1]) - 1;
    step();
  }
}

// One function may have three million clauses, and stand in each frame of a deep stack: so the
// guest may have to end, or to give way, before the exception is caught.
void JitInstance::pay_for_clauses(std::uint64_t looked_at) {
  std::uint64_t cost = looked_at / kClausesPerFuel;
  auto left = static_cast<std::int32_t>(context_->fuel_left);
  left -= static_cast<std::int32_t>(cost);
  if (cost != 0 && left <= 0) {
    left =
        static_cast<std::int32_t>(refill(static_cast<std::uint32_t>(left), context_->exit_address));
  }
  context_->fuel_left = static_cast<std::uint32_t>(left);
}

void JitInstance::step() {
  if (++steps_ % kStepsPerTurn == 0) turn();
}

const Clause* CodeFacts::clause_for(std::uint32_t code, std::uint32_t tag,
                                    std::uint64_t& looked_at) const {
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](std::uint32_t at, const TryRange& range) { return at < range.code; });
  std::uint32_t which = behind == ranges.begin() ? kNone : std::prev(behind)->which;
  for (; which != kNone; which = tries[which].parent) {
    ++looked_at;
    for (std::uint32_t i = tries[which].first; i != kNone; i = clauses[i].next) {
      ++looked_at;
      if (clauses[i].tag == kNone || clauses[i].tag == tag) return &clauses[i];
    }
  }
  return nullptr;
}

void JitInstance::uncaught(const std::uint64_t* exception) {
  std::snprintf(uncaught_, sizeof uncaught_, "tag %u", static_cast<unsigned>(exception[0]));
  trap(TrapKind::uncaught_exception, 0, uncaught_);
}

void JitInstance::free_exceptions() noexcept {
  if (exceptions_ == nullptr) return;
  for (std::uint64_t* exception : exceptions_->all) std::free(exception);
  exceptions_.reset();
}

// Of a guest that has ended, on its G. Where safe points are counted there is none here.
void JitInstance::release_exceptions() noexcept {
  if (exceptions_ == nullptr) return;
  wasip1::WorkToFinish turns;
  std::uint32_t freed = 0;
  for (auto& all = exceptions_->all; !all.empty(); all.pop_back()) {
    std::free(all.back());
    if (program_.limits.quantum == 0 && ++freed % kStepsPerTurn == 0) turns.give_way();
  }
  exceptions_.reset();
}

// --- which of them are dead ---

void JitInstance::collect_exceptions() {
  Exceptions& of = *exceptions_;
  of.found.clear();
  if (!of.index.make(of.all.size())) {  // There is no memory to look for dead ones.
    of.collect_at = 2 * of.all.size();
    return;
  }
  for (std::uint64_t* exception : of.all) {
    of.index.place(exception) = exception;
    step();
  }
  const auto* stack = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  const auto stack_words =
      static_cast<std::size_t>(static_cast<const std::uint64_t*>(state_.entry_stack()) - stack);
  mark(stack, stack_words);
  mark(reinterpret_cast<const std::uint64_t*>(context_), program_.layout.bytes / 8);
  for (std::uint32_t i = 0; i < program_.view.tables.size(); ++i) {
    if (program_.view.tables[i].element != wasm::ValType::exnref) continue;
    mark(table(i).elements, table(i).size);
  }
  while (!of.found.empty()) {
    const std::uint64_t* exception = of.found.back();
    of.found.pop_back();
    const auto tag = static_cast<std::uint32_t>(*exception & ~kMark);
    mark(exception + 1, program_.exception_words(tag));
  }
  free_unmarked();
  of.index.release([this] { turn(); });
  of.collect_at = std::max({kCollectAtLeast, 2 * of.all.size(), stack_words / kStackWordsEach});
}

bool JitInstance::note_found(const std::uint64_t* exception) noexcept {
  try {
    exceptions_->found.push_back(exception);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// Words that may be references. It reads the stack whole, so also what AddressSanitizer lays around
// variables.
[[gnu::no_sanitize_address]] void JitInstance::mark(const std::uint64_t* words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    step();
    auto* const word = reinterpret_cast<std::uint64_t*>(words[i]);
    if (word == nullptr) continue;
    if (exceptions_->index.place(word) == nullptr || (*word & kMark) != 0) continue;
    *word |= kMark;
    if (!note_found(word)) trap(TrapKind::out_of_memory);
  }
}

// Their order does not matter.
void JitInstance::free_unmarked() {
  Budget& budget = process_->budgets().memory_bytes;
  std::deque<std::uint64_t*>& all = exceptions_->all;
  for (std::size_t i = all.size(); i-- > 0; step()) {
    std::uint64_t* const exception = all[i];
    if ((*exception & kMark) != 0) {
      *exception &= ~kMark;
      continue;
    }
    all[i] = all.back();
    all.pop_back();
    budget.give_back(exception_bytes(static_cast<std::uint32_t>(*exception)));
    std::free(exception);
  }
}

}  // namespace weft::jit
