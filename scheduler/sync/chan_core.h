// SPDX-License-Identifier: Apache-2.0
// The part of a channel that does not depend on its element type: which Gs wait for it, how many
// elements it holds, whether it is closed.
//
//   the ring is full                       the ring is empty
//
//   ring        [ T T T T T ]              ring        [ . . . . . ]
//   senders_    ─▶ W ─▶ W ─▶ W             senders_    (empty)
//   receivers_  (empty)                    receivers_  ─▶ W ─▶ W
//
// W is a ChanWaiter. Its slot points at a T when its G sends, at a std::optional<T> when its G
// receives. The G that completes the wait wins the waiter, moves the element from or to the slot,
// and readies the waiter's G.
//
// Only chan.h (which moves elements) and select.h (which waits on several channels) use this.
//
// A select puts one ChanWaiter on each of its channels. The first one to be taken off by another G
// wins: `win` takes the others off at once, so that a G is on no list any more when it is readied.
//
// Invariants:
//   I1. At least one of senders_ and receivers_ holds no waiting G (except for a select that does
//       both on one channel).
//   I2. A G waits to receive only while the ring is empty, and to send only while it is full.
//   I3. No G waits for a closed channel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scheduler/sync/panic.h"
#include "scheduler/sync/wait_list.h"

namespace weft {

struct SelectCase;
struct SelectWait;

// One G that waits for one channel.
struct ChanWaiter : Waiter {
  void* slot = nullptr;          // Where the element goes or comes from.
  SelectWait* select = nullptr;  // The select that this is one case of, or nullptr.
  bool completed = false;        // An element went over; false when the channel was closed.
};

// What the cases of one select share while its G is parked.
struct SelectWait {
  SelectCase* const* cases;
  std::size_t count;
  const ChanWaiter* winner = nullptr;

  // Takes every case off its channel.
  void unlink_all();
};

class ChanCore {
 public:
  explicit ChanCore(std::size_t capacity) : capacity_(capacity) {}
  ChanCore(const ChanCore&) = delete;
  ChanCore& operator=(const ChanCore&) = delete;
  virtual ~ChanCore() = default;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool closed() const { return closed_; }

  // Would an operation complete at once (or panic, for a send on a closed channel)?
  bool can_send() { return closed_ || size_ < capacity_ || front_waiting(receivers_) != nullptr; }
  bool can_receive() { return size_ > 0 || closed_ || front_waiting(senders_) != nullptr; }

  // Readies all Gs that wait, in Go's order. Panics when it is closed already.
  void close();

  void wait_to_send(ChanWaiter& waiter) { senders_.push_back(waiter); }
  void wait_to_receive(ChanWaiter& waiter) { receivers_.push_back(waiter); }

  // Handles to a channel count; the last one deletes it.
  void add_handle() { ++handles_; }
  void drop_handle() {
    if (--handles_ == 0) delete this;
  }

 protected:
  // The oldest waiter, which has won: on no list any more. nullptr when nobody waits.
  ChanWaiter* take_sender() { return take(senders_); }
  ChanWaiter* take_receiver() { return take(receivers_); }

  // The element of a waiter that was taken has gone over: its G goes on.
  static void complete(ChanWaiter& waiter) {
    waiter.completed = true;
    ready(waiter.g());
  }

  // The ring: places of the oldest element and of the first free slot.
  [[nodiscard]] std::size_t head() const { return head_; }
  [[nodiscard]] std::size_t tail() const {
    const std::size_t place = head_ + size_;
    return place < capacity_ ? place : place - capacity_;
  }
  void pushed() { ++size_; }
  void popped() {
    head_ = head_ + 1 < capacity_ ? head_ + 1 : 0;
    --size_;
  }

 private:
  static void win(ChanWaiter& waiter) {
    if (waiter.select == nullptr) return;
    waiter.select->winner = &waiter;
    waiter.select->unlink_all();
  }

  static ChanWaiter* take(WaitList<ChanWaiter>& list) {
    ChanWaiter* waiter = pop_waiting(list);
    if (waiter != nullptr) win(*waiter);
    return waiter;
  }

  WaitList<ChanWaiter> receivers_;
  WaitList<ChanWaiter> senders_;
  std::size_t size_ = 0;
  std::size_t head_ = 0;
  const std::size_t capacity_;
  std::size_t handles_ = 0;
  bool closed_ = false;
};

// Moves a bad size out of the callers' way: panics with Go's text.
void check_chan_capacity(std::size_t capacity, std::size_t element_bytes);

}  // namespace weft
