// SPDX-License-Identifier: Apache-2.0
// What debuggers see of schedulers and Gs: scheduler/for_debuggers.h.
#include <pthread.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "scheduler/for_debuggers.h"
#include "scheduler/scheduler.h"

namespace weft {
namespace {

// What debuggers need of members that are private.
struct Private {
  std::uint64_t pools, queue;            // In a Scheduler.
  std::uint64_t ring, head, tail, mask;  // In a RunQueue.
  std::uint64_t slabs, made;             // In a GPool.
  std::uint64_t at_rest;                 // In a G.
  std::uint64_t gs_per_slab;             // A number of GPool's.
};
// By whose friend it is found.
struct Key {
  friend Private private_members(Key key);
};

// In the C++ ABI of Linux a pointer to a data member is its offset.
template <class Class, class Member>
std::uint64_t offset(Member Class::* member) {
  return static_cast<std::uint64_t>(std::bit_cast<std::ptrdiff_t>(member));
}
std::uint64_t offset(const std::size_t* number) {
  return *number;
}

// Only an explicit instantiation may name them. In the order of Private.
template <auto... Members>
struct Named {
  friend Private private_members(Key /*key*/) { return {offset(Members)...}; }
};
template struct Named<&Scheduler::pools_, &Scheduler::run_queue_, &RunQueue::ring_,
                      &RunQueue::head_, &RunQueue::tail_, &RunQueue::mask_, &GPool::slabs_,
                      &GPool::made_, &G::at_rest_, &GPool::kGsPerSlab>;

constexpr const char* kStates[kGStates] = {
    name(GState::idle),    name(GState::runnable), name(GState::running),
    name(GState::waiting), name(GState::dead),
};

// Offsets are bytes from the start of the object; a std::vector's first two words are where its
// elements begin and end.
struct DebugGs {
  char magic[8];
  std::uint64_t version;
  std::uint64_t words;  // Of this struct.
  const char* const* states;
  std::uint64_t state_count;
  const char* const* wait_reasons;
  std::uint64_t wait_reason_count;
  std::uint64_t schedulers_max;
  // Of a Scheduler: the vector of its pools; the run queue's ring, head, tail and mask.
  std::uint64_t pools, ring, head, tail, mask;
  // Of an entry of the ring.
  std::uint64_t entry_bytes, entry_g, entry_context;
  // Of a pool: the vector of its slabs; how many Gs it made; how many a slab has.
  std::uint64_t slabs, made, gs_per_slab;
  // Of a G, and what it has on its stack.
  std::uint64_t g_bytes, g_context, g_stack, g_at_rest, g_wait_reason, g_id, g_name, g_name_bytes;
  std::uint64_t stack_m, stack_current_m, m_current_g;
};

// A reference has no pointer to member. GStack is no standard-layout class: offsetof is for these
// only as far as a compiler has it. gcc and clang do.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
constexpr std::uint64_t kStackCurrentM = offsetof(GStack, current_m);
#pragma GCC diagnostic pop

DebugGs view() {
  const Private hidden = private_members(Key{});
  return {
      .magic = {'w', 'e', 'f', 't', '-', 'g', 's', '\0'},
      .version = kDebugGsVersion,
      .words = sizeof(DebugGs) / sizeof(std::uint64_t),
      .states = kStates,
      .state_count = kGStates,
      .wait_reasons = kWaitReasonNames,
      .wait_reason_count = std::size(kWaitReasonNames),
      .schedulers_max = kDebugSchedulersMax,
      .pools = hidden.pools,
      .ring = hidden.queue + hidden.ring,
      .head = hidden.queue + hidden.head,
      .tail = hidden.queue + hidden.tail,
      .mask = hidden.queue + hidden.mask,
      .entry_bytes = sizeof(RunQueue::Entry),
      .entry_g = offset(&RunQueue::Entry::g),
      .entry_context = offset(&RunQueue::Entry::context),
      .slabs = hidden.slabs,
      .made = hidden.made,
      .gs_per_slab = hidden.gs_per_slab,
      .g_bytes = sizeof(G),
      .g_context = offset(&G::context),
      .g_stack = offset(&G::stack),
      .g_at_rest = hidden.at_rest,
      .g_wait_reason = offset(&G::wait_reason),
      .g_id = offset(&G::id),
      .g_name = offset(&G::name),
      .g_name_bytes = kGNameMax,
      .stack_m = offset(&GStack::m),
      .stack_current_m = kStackCurrentM,
      .m_current_g = offset(&M::current_g),
  };
}

// What a debugger reads of one scheduler.
struct Seat {
  std::atomic<const Scheduler*> scheduler;
  std::atomic<std::uint64_t> thread;  // That made it: its pthread_t, which is its fs_base.
};

}  // namespace

extern "C" {
[[gnu::visibility("default"), gnu::used]] DebugGs weft_debug_gs = view();
[[gnu::visibility("default"), gnu::used]] Seat weft_debug_schedulers[kDebugSchedulersMax];
}

void show_to_debuggers(const Scheduler& scheduler) {
  for (Seat& seat : weft_debug_schedulers) {
    const Scheduler* nobody = nullptr;
    if (!seat.scheduler.compare_exchange_strong(nobody, &scheduler)) continue;
    seat.thread = static_cast<std::uint64_t>(::pthread_self());
    return;
  }
}

void hide_from_debuggers(const Scheduler& scheduler) {
  for (Seat& seat : weft_debug_schedulers) {
    if (seat.scheduler == &scheduler) seat.scheduler = nullptr;
  }
}

}  // namespace weft
