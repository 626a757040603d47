// SPDX-License-Identifier: Apache-2.0
// EventLog: everything that happens in a run, as one stream: changes of state, WASI calls, output,
// decisions. Each event goes into a hash as it comes; a listener can read the events, too.
//
//   Director::on_event ─┐
//   GuestHook           ├─▶ EventLog::add ─▶ hash ─▶ kept in memory (if asked) ─▶ listener (if any)
//   Capture             ┘
//
// Two runs are the same exactly when their streams are: the hash is over all fields of all events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "scheduler/g_state.h"
#include "sim/schedule.h"

namespace weft::sim {

struct Event {
  enum class Kind : std::uint8_t {
    state,
    call,
    returned,
    output,
    decision,
    world,
    // For those who look on (sim/trace/live_trace.h), and in no hash:
    timer,
    fuel,
    loop,
    m,
  };

  Instant at;           // On the run's clock.
  std::uint64_t g = 0;  // The G's id; m: the M's.
  Kind kind = Kind::state;
  GState from = GState::idle;  // state.
  GState to = GState::idle;    // state.
  // state: the wait reason; call: the function; decision and world: the kind; timer: armed, due or
  // stopped; loop: wait or work; m: why it sleeps.
  std::string_view what = {};
  // returned: the errno; output: a hash of the bytes; decision: options; world: the guest; timer:
  // the deadline; fuel: what the guest has been given; m: its state before (MState).
  std::uint64_t value = 0;
  // output: descriptor; decision: what was taken; world: the other; timer: how late, in ns; m: its
  // state now.
  std::uint64_t detail = 0;

  bool operator==(const Event&) const = default;
};

// One line, for messages: "1.500 ms  G3  running -> waiting (sleep)".
std::string describe(const Event& event);

class EventListener {
 public:
  virtual ~EventListener() = default;
  // A G with this id was made.
  virtual void on_g(std::uint64_t g, std::string_view name) noexcept = 0;
  virtual void on_event(const Event& event) noexcept = 0;
};

// FNV-1a, 64 bits: small, and the same on every machine.
class Hash {
 public:
  void add(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) add_byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<std::uint8_t>(c));
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
  std::uint64_t value_ = 0xcbf29ce484222325;
};

class EventLog {
 public:
  void keep_events() { keep_ = true; }
  void listen(EventListener* listener) { listener_ = listener; }  // nullptr: none.

  void add(const Event& event) {
    fold(event);
    ++count_;
    if (keep_) events_.push_back(event);
    if (listener_ != nullptr) listener_->on_event(event);
  }
  void add_g(std::uint64_t g, std::string_view name) {
    if (listener_ != nullptr) listener_->on_g(g, name);
  }

  [[nodiscard]] std::uint64_t hash() const { return hash_.value(); }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] std::vector<Event> take_events() { return std::move(events_); }

 private:
  void fold(const Event& event);

  Hash hash_;
  std::uint64_t count_ = 0;
  bool keep_ = false;
  std::vector<Event> events_;
  EventListener* listener_ = nullptr;
};

// The place of the first event in which two streams differ, or the length when they do not.
std::size_t first_difference(const std::vector<Event>& a, const std::vector<Event>& b);

}  // namespace weft::sim
