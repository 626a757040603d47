// SPDX-License-Identifier: Apache-2.0
// select: waits for several channel operations and does the first one that is possible.
//
//   weft::select(
//       weft::on_recv(jobs, [&](std::optional<Job> job) { ... }),     // Nothing: jobs is closed.
//       weft::on_send(results, std::move(r), [&] { ... }),
//       weft::on_timeout(weft::seconds(1), [&] { ... }));             // Or otherwise([&] { ... }).
//
// Returns the index of the case that was done, after its function (which may be left out) has run.
// As in Go:
//   - when several cases are ready, each is equally likely to be chosen;
//   - a case on a nil channel is never ready;
//   - `otherwise` (Go's default) is chosen when no other case is ready at once;
//   - a send case on a closed channel is ready, and panics when it is chosen;
//   - no cases at all: the G parks for ever;
//   - the values of all send cases are computed before a case is chosen.
// on_timeout(d) is Go's `case <-time.After(d)` without the channel: it loses against any other case
// that is ready.
//
// How: one pass counts the ready cases. If there is one, it is done; of several,
// Scheduler::random() draws one (Go shuffles all cases and takes the first that is ready: the same
// odds, with a draw for each case). If there is none, a waiter goes on each channel, in the order
// of the cases, and the G parks; the G that completes one of them takes the others off
// (scheduler/sync/chan_core.h).
//
// Nothing is allocated, and a clock is read only for a timeout. On a G only; a killed G takes all
// its waiters off.
//
// From: a G.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "scheduler/sync/chan.h"

namespace weft {

// One case, without its type. Derived: RecvCase<T, F> and SendCase<T, F>; for a number of cases
// that is known only at run time make those and hand their addresses to select_from.
struct SelectCase : ChanWaiter {
  ChanCore* chan = nullptr;            // nullptr: never ready.
  bool (*now)(SelectCase&) = nullptr;  // Does the operation if that is possible at once.
  bool is_send = false;                // Else it receives.

  // Could it be done at once?
  [[nodiscard]] bool is_ready() const {
    return chan != nullptr && (is_send ? chan->can_send() : chan->can_receive());
  }
};

// What a select does when no case is ready.
struct SelectWaitPolicy {
  // For ever, not at all, or for a time.
  enum class Kind : std::uint8_t { wait, do_not_wait, wait_for } kind = Kind::wait;
  Duration at_most{};  // For wait_for; > 0.
};

// What select_from returns when no case was done.
inline constexpr std::size_t kNoCase = SIZE_MAX;

// The index of a case that is ready, drawn when there are several; kNoCase when there is none.
std::size_t choose_ready(std::span<SelectCase* const> cases);

// Why a G is parked in a select. One with a single case is that operation, as Go compiles it.
inline WaitReason select_wait_reason(std::span<SelectCase* const> cases,
                                     const SelectWaitPolicy& policy) {
  if (cases.empty()) return WaitReason::select_no_cases;
  if (cases.size() > 1 || policy.kind == SelectWaitPolicy::Kind::wait_for)
    return WaitReason::select;
  const bool is_nil = cases[0]->chan == nullptr;
  if (cases[0]->is_send) return is_nil ? WaitReason::chan_send_nil : WaitReason::chan_send;
  return is_nil ? WaitReason::chan_receive_nil : WaitReason::chan_receive;
}

// Waits until one of the cases has been done; returns its index, or kNoCase when the time was up
// first. None of them is ready.
WEFT_INLINE std::size_t wait_for_case(std::span<SelectCase* const> cases,
                                      const SelectWaitPolicy& policy) {
  struct Wait : SelectWait {
    ~Wait() {
      if (winner == nullptr) unlink_all();  // Killed, or at the deadline; else that is done.
    }
  } wait{{cases.data(), cases.size()}};
  G& self = this_g();
  for (SelectCase* c : cases) {
    if (c->chan == nullptr) continue;
    c->set_g(self);
    c->select = &wait;
    c->completed = false;
    c->is_send ? c->chan->wait_to_send(*c) : c->chan->wait_to_receive(*c);
  }
  const WaitReason reason = select_wait_reason(cases, policy);
  if (policy.kind == SelectWaitPolicy::Kind::wait_for) {
    this_scheduler().park_until(reason, weft::now() + policy.at_most);
  } else {
    park(reason);
  }
  if (wait.winner == nullptr) return kNoCase;
  const auto& winner = static_cast<const SelectCase&>(*wait.winner);
  if (winner.is_send && !winner.completed) [[unlikely]]
    panic("send on closed channel");
  for (std::size_t i = 0;; ++i) {
    if (cases[i] == &winner) return i;
  }
}

// Does one of the cases and returns its index, or kNoCase. The body of every select.
WEFT_INLINE std::size_t select_from(std::span<SelectCase* const> cases,
                                    const SelectWaitPolicy& policy = {}) {
  const std::size_t ready_now = choose_ready(cases);
  if (ready_now != kNoCase) {
    const bool done = cases[ready_now]->now(*cases[ready_now]);
    WEFT_CHECK(done, "a case of a select was ready and could not be done");
    return ready_now;
  }
  if (policy.kind == SelectWaitPolicy::Kind::do_not_wait) return kNoCase;
  return wait_for_case(cases, policy);
}

// What a case without a function calls.
struct DoNothing {
  template <class... A>
  void operator()(A&&...) const {}
};

// A receive: on_recv makes it.
template <class T, class F = DoNothing>
struct RecvCase : SelectCase {
  // From this channel; f as in on_recv.
  RecvCase(weft::chan<T> from, F f) : channel(std::move(from)), function(std::move(f)) {
    chan = channel.state();
    now = [](SelectCase& self) {
      return static_cast<ChanState<T>*>(self.chan)->receive_now(static_cast<RecvCase&>(self).value);
    };
    slot = &value;
  }
  RecvCase(RecvCase&&) = delete;
  // Calls the function, after the case was done.
  void finish() { function(std::exchange(value, std::nullopt)); }

  weft::chan<T> channel;   // Kept while it waits.
  std::optional<T> value;  // What was received.
  F function;              // Is called with that.
};

// A send: on_send makes it.
template <class T, class F = DoNothing>
struct SendCase : SelectCase {
  // To this channel; f as in on_send.
  SendCase(weft::chan<T> to, T v, F f)
      : channel(std::move(to)), value(std::move(v)), function(std::move(f)) {
    chan = channel.state();
    is_send = true;
    now = [](SelectCase& self) {
      return static_cast<ChanState<T>*>(self.chan)->send_now(static_cast<SendCase&>(self).value);
    };
    slot = &value;
  }
  SendCase(SendCase&&) = delete;
  // Calls the function, after the case was done.
  void finish() { function(); }

  weft::chan<T> channel;  // Kept while it waits.
  T value;                // What is sent.
  F function;             // Is called then.
};

// otherwise() makes it.
template <class F = DoNothing>
struct OtherwiseCase {
  F function;
  [[nodiscard]] SelectWaitPolicy policy() const {
    return {SelectWaitPolicy::Kind::do_not_wait, {}};
  }
  void finish() { function(); }
};

// on_timeout() makes it.
template <class F = DoNothing>
struct TimeoutCase {
  Duration after;
  F function;
  [[nodiscard]] SelectWaitPolicy policy() const {
    if (after <= Duration{}) return {SelectWaitPolicy::Kind::do_not_wait, {}};
    return {SelectWaitPolicy::Kind::wait_for, after};
  }
  void finish() { function(); }
};

// Receives: calls f(std::optional<T>), with nothing when the channel is closed and empty.
template <class T, class F = DoNothing>
RecvCase<T, F> on_recv(chan<T> from, F f = {}) {
  return RecvCase<T, F>(std::move(from), std::move(f));
}

// Sends the value, then calls f().
template <class T, class F = DoNothing>
SendCase<T, F> on_send(chan<T> to, std::type_identity_t<T> value, F f = {}) {
  return SendCase<T, F>(std::move(to), std::move(value), std::move(f));
}

// When no other case is ready at once: calls f(). At most one of these two in a select, as its last
// case.
template <class F = DoNothing>
OtherwiseCase<F> otherwise(F f = {}) {
  return {std::move(f)};
}

// When no other case became ready within d: calls f().
template <class F = DoNothing>
TimeoutCase<F> on_timeout(Duration d, F f = {}) {
  return {d, std::move(f)};
}

namespace detail {

template <class C>
concept Fallback = !std::is_void_v<decltype(std::declval<const C&>().policy())>;

template <std::size_t... I, class Cases>
void finish_case(std::size_t index, std::index_sequence<I...>, Cases& cases) {
  (void)((I == index ? (std::get<I>(cases).finish(), true) : false) || ...);
}

}  // namespace detail

// Does one of the cases; returns its index. On a G only. Panics "send on closed channel".
template <class... C>
WEFT_INLINE std::size_t select(C&&... cases) {
  constexpr std::size_t kCases = sizeof...(C);
  constexpr std::size_t kFallbacks = (std::size_t{detail::Fallback<C>} + ... + 0);
  constexpr std::size_t kChannels = kCases - kFallbacks;
  static_assert(kFallbacks <= 1, "a select has one otherwise() or one on_timeout()");
  auto all = std::tie(cases...);
  std::array<SelectCase*, kChannels> channels;
  SelectWaitPolicy policy;
  const auto fill = [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((channels[I] = &std::get<I>(all)), ...);
  };
  fill(std::make_index_sequence<kChannels>{});
  if constexpr (kFallbacks == 1) policy = std::get<kChannels>(all).policy();
  std::size_t index = select_from(channels, policy);
  if (index == kNoCase) index = kChannels;
  detail::finish_case(index, std::make_index_sequence<kCases>{}, all);
  return index;
}

}  // namespace weft
