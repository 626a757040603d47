// SPDX-License-Identifier: Apache-2.0
#include "sim/goroutines.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "guest/go/goroutine_list.h"
#include "guest/go/stack_scan.h"

namespace weft::sim {
namespace {

using guest::go::Entry;
using wasip1::Memory;

// Safe points between two decisions are drawn from 1 to this.
constexpr std::uint32_t kSafePointsMax = 64;

template <class T>
T load(Memory memory, std::uint32_t at) {
  T value{};
  (void)memory.load(at, value);
  return value;
}

// Pointers of the guest's are 64 bits wide, of which the upper half is zero.
std::uint32_t load_pointer(Memory memory, std::uint32_t at) {
  return static_cast<std::uint32_t>(load<std::uint64_t>(memory, at));
}

// "net/http" of "net/http.(*conn).serve": all up to the first dot behind the last slash.
std::string_view package_of(std::string_view function) {
  const std::string_view plain = function.substr(0, function.find_first_of("[("));
  const std::size_t slash = plain.find_last_of('/');
  return plain.substr(0, plain.find('.', slash == std::string_view::npos ? 0 : slash));
}

// A test that has failed ends in dozens of operations of these, and of those below them: net/http.
// Package testing looks for the names of tests by regexp, which has pools of its own.
bool is_of_go_itself(std::string_view function) {
  constexpr std::string_view kPackages[] = {"bufio",    "bytes",   "compress", "context", "crypto",
                                            "encoding", "fmt",     "internal", "io",      "log",
                                            "net",      "os",      "reflect",  "regexp",  "runtime",
                                            "strings",  "testing", "text",     "unique"};
  const std::string_view package = package_of(function);
  const std::string_view top = package.substr(0, package.find('/'));
  return std::find(std::begin(kPackages), std::end(kPackages), top) != std::end(kPackages);
}

template <class T>
void store(Memory memory, std::uint32_t at, T value) {
  (void)memory.store(at, value);
}

}  // namespace

GoroutineSteering::GoroutineSteering(const guest::go::GoModule& module, Director& director,
                                     const PolicySpec& policy, const Settings& settings)
    : runtime_(module.runtime),
      at_(module.runtime.offsets),
      director_(director),
      policy_(make_policy(policy, settings.seed ^ 0x676f726f757469)),
      random_(settings.seed ^ 0x73616665706f),
      decides_at_safe_points_(policy.name != PolicySpec{}.name),
      keeps_operations_(settings.keeps_operations),
      lure_(module.runtime),
      select_order_(module.runtime.offsets) {}

void GoroutineSteering::entered(Entry entry, std::uint32_t sp, std::uint32_t g,
                                Memory memory) noexcept {
  if (entry >= Entry::visible) return at_visible(entry, sp, g, memory);
  switch (entry) {
    case Entry::execute:
      lure_.execute(gets_thread(entry, sp, memory, at_), memory);
      sprung_at_ = 0;
      // Before Go 1.23 one that another has readied goes on in that one's slice of time.
      if (load<std::uint8_t>(memory, sp + guest::go::kArguments + 8) == 0) since_ = director_.now();
      break;
    case Entry::coroswitch:
      lure_.coroswitch(gets_thread(entry, sp, memory, at_), memory);
      sprung_at_ = 0;
      break;
    case Entry::morestack:
      if (lure_.springs(g, memory)) sprung_at_ = sp + guest::go::kArguments;
      break;
    case Entry::gosched:
      break;
    case Entry::find_runnable:
      if (in_main_) collect(memory, g);
      break;
    case Entry::runqget:
      if (in_main_) choose(memory, load_pointer(memory, sp + guest::go::kArguments));
      break;
    case Entry::sellock:
      if (in_main_) at_sellock(sp, g, memory);
      break;
    case Entry::main:
      in_main_ = true;
      until_decision_ = 1 + random_.below(kSafePointsMax);
      break;
    default:
      break;
  }
}

void GoroutineSteering::at_visible(Entry entry, std::uint32_t sp, std::uint32_t g, Memory memory) {
  if (!in_main_ || g != lure_.running()) return;
  if (guest::go::is_select(entry)) select_order_.begins(g, sp, memory);
  const bool is_kept = keeps_operations_ && keep_operation(entry, sp, memory);
  // Begun again, and none ran in between: the runtime can't be interrupted, and goes on.
  if (sp == std::exchange(sprung_at_, 0)) return;
  const bool gives_way = may_give_way(memory);
  if (is_kept) operations_.back().asked = gives_way;
}

// Policies with chance leave it to Go's own: their random numbers are the same with selects and
// without.
void GoroutineSteering::at_sellock(std::uint32_t sp, std::uint32_t g, Memory memory) {
  if (decides_at_safe_points_) return;
  const std::vector<std::uint32_t> ready = select_order_.ready(g, sp, memory);
  const auto options = static_cast<std::uint32_t>(ready.size());
  const std::uint32_t taken =
      director_.of_goroutines(Choice::select, options, [] { return std::uint32_t{0}; });
  if (taken != 0) guest::go::SelectOrder::put_first(ready[taken], sp, memory);
}

void GoroutineSteering::ran(Duration, Memory memory) noexcept {
  if (!in_main_ || lure_.running() == 0 || director_.finished()) return;
  if (director_.cost() > Duration{} && director_.now() - since_ >= kForcePreempt) {
    (void)lure_.set(memory);
    return;
  }
  if (!decides_at_safe_points_ || --until_decision_ > 0) return;
  until_decision_ = 1 + random_.below(kSafePointsMax);
  (void)may_give_way(memory);
}

std::uint32_t GoroutineSteering::p_of(Memory memory, std::uint32_t g) const {
  return load_pointer(memory, load_pointer(memory, g + at_.g_m) + at_.m_p);
}

// Moves what waits in sched.runq behind what is in the ring, as far as there is room.
void GoroutineSteering::collect(Memory memory, std::uint32_t g) {
  const std::uint32_t p = p_of(memory, g);
  const auto head = load<std::uint32_t>(memory, p + at_.p_runqhead);
  auto tail = load<std::uint32_t>(memory, p + at_.p_runqtail);
  auto left = load<std::int32_t>(memory, at_.sched_runq_size);
  std::uint32_t gp = load_pointer(memory, at_.sched_runq_head);
  if (gp == 0 || p == 0) return;
  while (gp != 0 && tail - head < at_.runq_mask) {
    store(memory, p + at_.p_runq + 8 * (tail & at_.runq_mask), std::uint64_t{gp});
    ++tail;
    --left;
    gp = load_pointer(memory, gp + at_.g_schedlink);
  }
  store(memory, p + at_.p_runqtail, tail);
  store(memory, at_.sched_runq_head, std::uint64_t{gp});
  store(memory, at_.sched_runq_size, left);
  if (gp == 0) store(memory, at_.sched_runq_tail, std::uint64_t{0});
}

// The chosen one becomes the first of the ring; the others keep their order.
void GoroutineSteering::choose(Memory memory, std::uint32_t p) {
  const auto head = load<std::uint32_t>(memory, p + at_.p_runqhead);
  const auto count = load<std::uint32_t>(memory, p + at_.p_runqtail) - head;
  if (count < 2 || count > at_.runq_mask + 1) return;
  // Before Go 1.23: what was readied last comes first, and is no option.
  if (load<std::uint64_t>(memory, p + at_.p_runnext) != 0) return;
  const std::uint32_t taken = director_.of_goroutines(Choice::goroutine, count, [&] {
    return static_cast<std::uint32_t>(policy_->next_g(queue_of(memory, p)));
  });
  const auto place = [&](std::uint32_t i) {
    return p + at_.p_runq + 8 * ((head + i) & at_.runq_mask);
  };
  const auto first = load<std::uint64_t>(memory, place(taken));
  for (std::uint32_t i = taken; i > 0; --i) {
    store(memory, place(i), load<std::uint64_t>(memory, place(i - 1)));
  }
  store(memory, place(0), first);
}

bool GoroutineSteering::others_are_runnable(Memory memory, std::uint32_t p) const {
  return load<std::uint32_t>(memory, p + at_.p_runqhead) !=
             load<std::uint32_t>(memory, p + at_.p_runqtail) ||
         load<std::uint64_t>(memory, p + at_.p_runnext) != 0 ||
         load<std::uint64_t>(memory, at_.sched_runq_head) != 0;
}

bool GoroutineSteering::may_give_way(Memory memory) {
  const std::uint32_t p = p_of(memory, lure_.running());
  if (p == 0 || !others_are_runnable(memory, p)) return false;
  const std::uint32_t taken = director_.of_goroutines(Choice::give_way, 2, [&] {
    const RunQueue& queue = queue_of(memory, p);
    return !queue.empty() && policy_->preempt(as_g(memory, lure_.running()), queue) ? 1U : 0U;
  });
  return taken != 0 && lure_.set(memory);
}

// --- what a report shows ---

// The address that the function returns to lies at its stack pointer.
// False: it is one of those that would fill the report with what is not the program's own.
bool GoroutineSteering::keep_operation(Entry entry, std::uint32_t sp, Memory memory) {
  const auto caller = load<std::uint64_t>(memory, sp);
  const std::uint64_t pc =
      own_pc(runtime_, this->memory(), {caller, std::uint64_t{sp} + guest::go::kArguments});
  if (is_of_go_itself(runtime_.name_at(pc))) return false;
  const auto goroutine = load<std::uint64_t>(memory, lure_.running() + at_.g_goid);
  const auto before =
      std::find_if(operations_.rbegin(), operations_.rend(),
                   [&](const Operation& operation) { return operation.goroutine == goroutine; });
  const bool again =
      before != operations_.rend() && before->asked && before->sp == sp && before->entry == entry;
  if (again) operations_.erase(std::next(before).base());
  Operation operation{goroutine, entry, sp, pc};
  operation.gave_way = again;
  operations_.push_back(operation);
  if (operations_.size() > kOperationsKept) operations_.pop_front();
  return true;
}

std::vector<std::string> GoroutineSteering::last_operations() const {
  std::vector<std::string> lines;
  for (const Operation& operation : operations_) {
    std::string line = "goroutine " + std::to_string(operation.goroutine) + ": " +
                       std::string(guest::go::operation_of(operation.entry));
    if (operation.pc != 0) {
      line += " in " + printable(runtime_.name_at(operation.pc));
      const guest::go::SourcePlace place = runtime_.place_before(operation.pc);
      const std::string_view file = place.file;
      if (!file.empty()) {
        line += " at " + guest::go::shown_file(file.substr(file.find_last_of('/') + 1)) + ":" +
                std::to_string(place.line);
      }
    }
    if (operation.asked) {
      line += ", gives way";
    } else if (operation.gave_way) {
      line += ", after it gave way";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

GoMemory GoroutineSteering::go_memory() const {
  if (memory().empty()) return {};
  return {&runtime_, memory()};
}

// --- what a policy sees ---

G& GoroutineSteering::as_g(Memory memory, std::uint32_t g) {
  G*& known = g_of_[g];
  if (known == nullptr) {
    known = &gs_.emplace_back();
    queue_.reserve(gs_.size());
  }
  const auto id = load<std::uint64_t>(memory, g + at_.g_goid);
  if (known->id != id) {  // The runtime uses it for another goroutine.
    policy_->on_event({*known, GState::running, GState::dead});
    known->id = id;
    const std::string name = "goroutine " + std::to_string(id);
    name.copy(known->name, kGNameMax - 1);
  }
  return *known;
}

// The ring, in its order.
const RunQueue& GoroutineSteering::queue_of(Memory memory, std::uint32_t p) {
  while (!queue_.empty()) (void)queue_.pop();
  const auto head = load<std::uint32_t>(memory, p + at_.p_runqhead);
  const auto tail = load<std::uint32_t>(memory, p + at_.p_runqtail);
  const std::uint32_t count = std::min(tail - head, at_.runq_mask + 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t place = p + at_.p_runq + 8 * ((head + i) & at_.runq_mask);
    G& g = as_g(memory, load_pointer(memory, place));
    queue_.push(g) = nullptr;
  }
  return queue_;
}

}  // namespace weft::sim
