// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/goroutine_trace.h"

#include <algorithm>
#include <optional>
#include <span>

#include "guest/go/guest_memory.h"

namespace weft::sim {
namespace {

using guest::go::Entry;
using guest::go::GStatus;
using guest::go::read;

// Of what a guest calls things.
constexpr std::size_t kNameBytesMax = 200;

GState state_of(GStatus status) {
  switch (status) {
    case GStatus::running:
    case GStatus::syscall:
      return GState::running;
    case GStatus::waiting:
    case GStatus::preempted:
    case GStatus::leaked:
      return GState::waiting;
    case GStatus::idle:
    case GStatus::dead:
      return GState::dead;
    default:
      return GState::runnable;
  }
}

}  // namespace

void GoroutineTrace::entered(Entry entry, std::uint32_t sp, std::uint32_t g,
                             wasip1::Memory memory) noexcept {
  behind_->entered(entry, sp, g, memory);
  const std::uint32_t next = guest::go::gets_thread(entry, sp, memory, runtime_.offsets);
  if (next != 0) look_at_switch(next);
}

void GoroutineTrace::see(const std::span<std::byte>* memory) {
  if (memory == nullptr) look_at_all(0);
  Steering::see(memory);
  behind_->see(memory);
  if (memory != nullptr) look_at_all(0);
}

void GoroutineTrace::look_at_switch(std::uint64_t gets_thread) noexcept {
  const auto count =
      read<std::uint64_t>(memory(), runtime_.offsets.allgs + std::uint64_t{8}).value_or(0);
  const std::uint64_t all = std::min(count, kLanesMax);
  looks_left_ += kLooksPerSwitch;
  if (looks_left_ >= all) {
    looks_left_ = 0;
    look_at_all(gets_thread);
  } else {
    if (had_thread_ != 0 && had_thread_ != gets_thread) (void)look_at(had_thread_, gets_thread);
    if (gets_thread != 0) (void)look_at(gets_thread, gets_thread);
  }
  if (gets_thread != 0) had_thread_ = gets_thread;
}

void GoroutineTrace::look_at_all(std::uint64_t gets_thread) {
  const std::span<const std::byte> bytes = memory();
  const auto gs = read<std::uint64_t>(bytes, runtime_.offsets.allgs);
  const auto count = read<std::uint64_t>(bytes, runtime_.offsets.allgs + std::uint64_t{8});
  if (!gs || !count) return;
  for (std::uint64_t n = 0; n < std::min(*count, kLanesMax); ++n) {
    const auto g = read<std::uint64_t>(bytes, *gs + (8 * n));
    if (!g || !look_at(*g, gets_thread)) return;
  }
  if (*count > kLanesMax) leave_out();
}

// The one that gets the thread is still runnable in its guest's memory. False: it can't be read.
bool GoroutineTrace::look_at(std::uint64_t g, std::uint64_t gets_thread) {
  const std::span<const std::byte> bytes = memory();
  const guest::go::Offsets& o = runtime_.offsets;
  if (g > bytes.size()) return false;
  const auto id = read<std::uint64_t>(bytes, g + o.g_goid);
  const auto status = read<std::uint32_t>(bytes, g + o.g_status);
  const auto reason = read<std::uint8_t>(bytes, g + o.g_waitreason);
  if (!id || !status || !reason) return false;
  Seen now{*id, state_of(static_cast<GStatus>(*status & ~guest::go::kScan)), 0};
  if (g == gets_thread) now.state = GState::running;
  if (now.state == GState::running) had_thread_ = g;
  if (now.state == GState::waiting) now.reason = *reason;
  const auto known = seen_.find(g);
  if (known != seen_.end()) {
    const Seen before = known->second;
    if (before.id == now.id && before.state == now.state && before.reason == now.reason) {
      return true;
    }
    if (before.id != now.id) {  // Its g is another goroutine's by now.
      tell(g, {before.id, GState::dead, 0});
      if (now.state == GState::dead) {
        seen_.erase(known);
        return true;
      }
    }
  } else if (now.state == GState::dead) {
    return true;
  }
  if (known == seen_.end() && seen_.size() >= kLanesMax) {
    leave_out();
    return true;
  }
  tell(g, now);
  if (now.state == GState::dead) {
    seen_.erase(known);
  } else {
    seen_.insert_or_assign(g, now);
  }
  return true;
}

void GoroutineTrace::leave_out() {
  if (left_out_) return;
  left_out_ = true;
  listener_.on_goroutines_left_out(guest_, guest_name_);
}

void GoroutineTrace::tell(std::uint64_t g, const Seen& seen) {
  GoroutineEvent event;
  event.at = clock_.now();
  event.guest = guest_;
  event.guest_name = guest_name_;
  event.goroutine = seen.id;
  event.state = seen.state;
  const auto start = read<std::uint64_t>(memory(), g + runtime_.offsets.g_startpc);
  if (start) event.function = runtime_.name_at(*start).substr(0, kNameBytesMax);
  if (seen.state == GState::waiting) {
    event.wait_reason = seen.reason < runtime_.wait_reasons.size()
                            ? std::string_view(runtime_.wait_reasons[seen.reason])
                            : "waiting";
    event.wait_reason = event.wait_reason.substr(0, kNameBytesMax);
  }
  listener_.on_goroutine(event);
}

}  // namespace weft::sim
