// SPDX-License-Identifier: Apache-2.0
// Exceptions on their way, and how long they live.
//
// raise() looks through the frames of the guest, from the one that throws, for a clause that takes
// the exception; what a frame has saved of its caller's homes is put back as it is passed. It never
// passes a frame of the host's: below the outermost function of the guest nobody catches.
//
// An exception lives as long as a reference to it may be somewhere: on the guest's stack, where
// every word that could be a reference is taken for one, in a global, a table, or another
// exception. What they take is held of the guest's memory.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "guest/jit/jit_instance.h"
#include "guest/jit/program.h"
#include "os/wasip1/process.h"

namespace weft::jit {
namespace {

constexpr std::size_t kCollectAtLeast = 256;

// How many words of stack are worth an exception that is kept for longer.
constexpr std::size_t kStackWordsEach = 64;

}  // namespace

std::uint64_t* JitInstance::new_exception(std::uint32_t tag, const std::uint64_t* words) {
  if (exceptions_.size() >= std::max(collect_at_, kCollectAtLeast)) collect_exceptions();
  const std::size_t count = program_.exception_words(tag);
  const std::size_t bytes = (1 + count) * 8;
  Budget& budget = process_->budgets().memory_bytes;
  bool taken = budget.take(bytes);
  if (!taken) {
    collect_exceptions();
    taken = budget.take(bytes);
  }
  auto* made = taken ? static_cast<std::uint64_t*>(std::malloc(bytes)) : nullptr;
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
    exceptions_.push_back(made);
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
    if (const Clause* clause = code->facts.clause_for(at, tag); clause != nullptr) {
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
  }
}

const Clause* CodeFacts::clause_for(std::uint32_t code, std::uint32_t tag) const {
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](std::uint32_t at, const TryRange& range) { return at < range.code; });
  std::uint32_t which = behind == ranges.begin() ? kNone : std::prev(behind)->which;
  for (; which != kNone; which = tries[which].parent) {
    for (std::uint32_t i = tries[which].first; i != kNone; i = clauses[i].next) {
      if (clauses[i].tag == kNone || clauses[i].tag == tag) return &clauses[i];
    }
  }
  return nullptr;
}

void JitInstance::uncaught(const std::uint64_t* exception) {
  std::snprintf(uncaught_, sizeof uncaught_, "tag %u", static_cast<unsigned>(exception[0]));
  trap(TrapKind::uncaught_exception, 0, uncaught_);
}

void JitInstance::free_exceptions() {
  for (std::uint64_t* exception : exceptions_) std::free(exception);
  exceptions_.clear();
  collect_at_ = 0;
}

// Marks by the uppermost bit of an exception's first word. It reads the stack whole, so also what
// AddressSanitizer lays around variables.
[[gnu::no_sanitize_address]] void JitInstance::collect_exceptions() noexcept {
  constexpr std::uint64_t kMark = std::uint64_t{1} << 63;
  std::vector<std::uint64_t*>& all = exceptions_;
  std::vector<std::uint64_t*> found;  // Marked, and yet to be looked through.
  try {
    found.reserve(all.size());
  } catch (const std::bad_alloc&) {
    collect_at_ = 2 * all.size();
    return;
  }
  std::sort(all.begin(), all.end());
  const auto mark = [&](const std::uint64_t* words,
                        std::size_t count) __attribute__((no_sanitize_address)) {
    for (std::size_t i = 0; i < count; ++i) {
      auto* word = reinterpret_cast<std::uint64_t*>(words[i]);
      if (!std::binary_search(all.begin(), all.end(), word) || (*word & kMark) != 0) continue;
      *word |= kMark;
      found.push_back(word);
    }
  };
  const auto* stack = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  const auto stack_words =
      static_cast<std::size_t>(static_cast<const std::uint64_t*>(state_.entry_stack()) - stack);
  mark(stack, stack_words);
  mark(reinterpret_cast<const std::uint64_t*>(context_), program_.layout.bytes / 8);
  for (std::uint32_t i = 0; i < program_.view.tables.size(); ++i) {
    if (program_.view.tables[i].element != wasm::ValType::exnref) continue;
    mark(table(i).elements, table(i).size);
  }
  while (!found.empty()) {
    const std::uint64_t* exception = found.back();
    found.pop_back();
    mark(exception + 1, program_.exception_words(static_cast<std::uint32_t>(*exception)));
  }
  Budget& budget = process_->budgets().memory_bytes;
  std::erase_if(all, [&](std::uint64_t* exception) {
    const bool lives = (*exception & kMark) != 0;
    *exception &= ~kMark;
    if (lives) return false;
    budget.give_back((1 + program_.exception_words(static_cast<std::uint32_t>(*exception))) * 8);
    std::free(exception);
    return true;
  });
  collect_at_ = std::max({kCollectAtLeast, 2 * all.size(), stack_words / kStackWordsEach});
}

}  // namespace weft::jit
