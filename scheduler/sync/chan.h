// SPDX-License-Identifier: Apache-2.0
// Channels: chan<T> carries values of type T from G to G, with Go's semantics.
//
//   auto c = weft::make_chan<int>();            // Unbuffered; make_chan<int>(8) holds up to 8.
//   weft::go([c]() mutable { for (int i = 0; i < 3; ++i) c.send(i); c.close(); });
//   for (int i : c) use(i);                     // Until it is closed.
//
// A chan is a handle: copies mean the same channel, and the last one frees it. A
// default-constructed chan is nil: a send or a receive on it waits for ever, and in a select it is
// never ready.
//
// A send hands its value straight to the receiver that has waited longest, from frame to frame, and
// goes on. Without a receiver it leaves the value in the buffer; when the buffer is full it parks.
// A receive mirrors that. The G that completes an operation keeps the thread; the other side runs
// when its turn comes.
//
// Only make_chan allocates, and T's moves where they do. T must move without throwing (if it can't,
// wrap it in a std::unique_ptr) and need not copy. A G that is killed while it waits leaves the
// line; a value that had been handed to it already is destroyed with it.
//
// From: a G, unless it says otherwise.
#pragma once

#include <concepts>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "scheduler/sync/chan_core.h"

namespace weft {

// What a try_recv found.
template <class T>
struct TryRecv {
  bool ready;              // False: a recv would park.
  std::optional<T> value;  // Nothing although ready: the channel is closed and empty.
  // As ready.
  explicit operator bool() const { return ready; }
};

// A channel with its elements. For chan and select.
template <class T>
class ChanState : public ChanCore {
 public:
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "an element crosses from one G's frame to another's and must not throw there");

  // Empty; no receiver waits, and no sender.
  explicit ChanState(std::size_t capacity)
      : ChanCore(capacity), ring_(capacity > 0 ? new Slot[capacity] : nullptr) {}
  ~ChanState() override { clear(); }

  // Sends if that is possible at once, and then has moved from `value`.
  WEFT_INLINE bool send_now(T& value) {
    if (closed()) [[unlikely]]
      panic("send on closed channel");
    if (ChanWaiter* receiver = take_receiver()) {
      static_cast<std::optional<T>*>(receiver->slot)->emplace(std::move(value));
      complete(*receiver);
      return true;
    }
    if (size() == capacity()) return false;
    push(value);
    return true;
  }

  // Receives if that is possible at once; leaves `out` empty when the channel is closed and empty.
  WEFT_INLINE bool receive_now(std::optional<T>& out) {
    if (size() > 0) {
      pop(out);
      if (ChanWaiter* sender = take_sender()) {  // It waited because the ring was full.
        push(*static_cast<T*>(sender->slot));
        complete(*sender);
      }
      return true;
    }
    if (ChanWaiter* sender = take_sender()) {
      out.emplace(std::move(*static_cast<T*>(sender->slot)));
      complete(*sender);
      return true;
    }
    return closed();
  }

  // Destroys what the buffer holds.
  void clear() {
    for (std::optional<T> value; size() > 0;) pop(value);
  }

 private:
  struct Slot {
    alignas(T) std::byte bytes[sizeof(T)];
  };
  T* at(std::size_t place) { return std::launder(reinterpret_cast<T*>(ring_[place].bytes)); }

  void push(T& value) {
    WEFT_CHECK(size() < capacity(), "a channel's ring overflowed");  // I2
    new (ring_[tail()].bytes) T(std::move(value));
    pushed();
  }
  void pop(std::optional<T>& out) {
    T* oldest = at(head());
    out.emplace(std::move(*oldest));
    oldest->~T();
    popped();
  }

  std::unique_ptr<Slot[]> ring_;
};

// A channel of values of type T: a handle, to copy freely.
template <class T>
class chan {
 public:
  // What it carries.
  using value_type = T;

  // The nil channel.
  chan() = default;
  // The same channel.
  chan(const chan& other) : state_(other.state_) {
    if (state_ != nullptr) state_->add_handle();
  }
  chan(chan&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  chan& operator=(chan other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~chan() {
    if (state_ != nullptr) state_->drop_handle();
  }

  // Whether it is a channel, and not nil.
  explicit operator bool() const { return state_ != nullptr; }
  // Whether both are the same channel.
  friend bool operator==(const chan& a, const chan& b) { return a.state_ == b.state_; }

  // Sends; parks while nobody receives and the buffer is full. Panics "send on closed channel",
  // also when it is closed while this waits. On a G only.
  WEFT_INLINE void send(T value) {
    if (state_ == nullptr) [[unlikely]]
      park_forever(WaitReason::chan_send_nil);
    if (state_->send_now(value)) return;
    const chan kept(*this);  // The caller's handle may go while this waits.
    ChanWaiter waiter;
    waiter.set_g(this_g());
    waiter.slot = &value;
    state_->wait_to_send(waiter);
    park(WaitReason::chan_send);
    if (!waiter.completed) [[unlikely]]
      panic("send on closed channel");
  }

  // Receives; parks while there is nothing to receive. Nothing means that the channel is closed and
  // empty (Go's second result is false then). On a G only.
  WEFT_INLINE std::optional<T> recv() {
    if (state_ == nullptr) [[unlikely]]
      park_forever(WaitReason::chan_receive_nil);
    std::optional<T> value;
    if (state_->receive_now(value)) return value;
    const chan kept(*this);
    ChanWaiter waiter;
    waiter.set_g(this_g());
    waiter.slot = &value;
    state_->wait_to_receive(waiter);
    park(WaitReason::chan_receive);
    return value;
  }

  // Sends without waiting. Returns false, with `value` untouched, when a send would park. Panics as
  // send. Also callable on g0 (from timers and event handlers).
  bool try_send(T&& value) { return state_ != nullptr && state_->send_now(value); }
  // clang-format off
  bool try_send(const T& value) requires std::copy_constructible<T> { return try_send(T(value)); }
  // clang-format on

  // Receives without waiting. Also callable on g0.
  TryRecv<T> try_recv() {
    TryRecv<T> result{false, {}};
    result.ready = state_ != nullptr && state_->receive_now(result.value);
    return result;
  }

  // No more sends: receivers get what the buffer holds and then nothing. All Gs that wait are
  // readied, senders before receivers, the last to come first. Panics "close of nil channel",
  // "close of closed channel". Also on g0.
  void close() {
    if (state_ == nullptr) panic("close of nil channel");
    state_->close();
  }

  // Elements in the buffer, and how many it can hold. 0 for nil.
  [[nodiscard]] std::size_t len() const { return state_ != nullptr ? state_->size() : 0; }
  [[nodiscard]] std::size_t cap() const { return state_ != nullptr ? state_->capacity() : 0; }

  // For `for (T& value : c)`: receives until the channel is closed and empty.
  class Iterator {
   public:
    Iterator() = default;
    // Receives the first one. Parks.
    explicit Iterator(chan& source) : source_(&source), value_(source.recv()) {}
    // The value that was received last.
    T& operator*() { return *value_; }
    // Receives the next one. Parks.
    Iterator& operator++() {
      value_.reset();  // Before the wait: the last element is not kept alive by it.
      value_ = source_->recv();
      return *this;
    }
    // Whether the channel is closed and empty.
    bool operator==(std::default_sentinel_t) const { return !value_.has_value(); }

   private:
    chan* source_ = nullptr;
    std::optional<T> value_;
  };
  // Both ends of the loop.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() { return {}; }

  // For select, and for timers that own a channel.
  explicit chan(ChanState<T>* state) : state_(state) { state_->add_handle(); }
  [[nodiscard]] ChanState<T>* state() const { return state_; }

 private:
  ChanState<T>* state_ = nullptr;
};

// A new channel that buffers up to `capacity` elements. Allocates it, and its buffer. Panics
// "makechan: size out of range".
template <class T>
chan<T> make_chan(std::size_t capacity = 0) {
  check_chan_capacity(capacity, sizeof(T));
  return chan<T>(new ChanState<T>(capacity));
}

}  // namespace weft
