// SPDX-License-Identifier: Apache-2.0
// The part of a channel that knows no element type and is not on the path of a send.
#include "scheduler/sync/chan_core.h"

namespace weft {

// Go collects the receivers and then the senders on a stack and readies from its top: the last
// sender runs first, the first receiver last.
void ChanCore::close() {
  if (closed_) panic("close of closed channel");
  closed_ = true;
  WaitList<ChanWaiter> woken;
  while (ChanWaiter* waiter = take_receiver()) woken.push_front(*waiter);
  while (ChanWaiter* waiter = take_sender()) woken.push_front(*waiter);
  while (ChanWaiter* waiter = woken.pop_front()) ready(waiter->g());
}

void check_chan_capacity(std::size_t capacity, std::size_t element_bytes) {
  // What an x86-64 or arm64 can address, or half of what a machine of 32 bits can.
  constexpr std::size_t kBytesMax = std::size_t{1} << (sizeof(std::size_t) == 8 ? 48 : 31);
  if (capacity > kBytesMax / element_bytes) panic("makechan: size out of range");
}

}  // namespace weft
