// SPDX-License-Identifier: Apache-2.0
#include "guest/go/select_order.h"

#include "guest/go/entries.h"

namespace weft::guest::go {
namespace {

using wasip1::Memory;

// The arguments of selectgo(cas0, order0, pc0, nsends, nrecvs, block), and of
// sellock(scases, lockorder): slices are a pointer, a length and a capacity.
constexpr std::uint32_t kSends = kArguments + 24;
constexpr std::uint32_t kCases = kArguments;
constexpr std::uint32_t kCaseCount = kArguments + 8;
constexpr std::uint32_t kLockOrder = kArguments + 24;
constexpr std::uint32_t kOrdered = kArguments + 32;

constexpr std::uint32_t kCaseBytes = 16;     // scase: the channel, and what it sends or receives.
constexpr std::uint64_t kCasesMax = 65'536;  // As Go's compiler has it.

template <class T>
T load(Memory memory, std::uint64_t at) {
  T value{};
  (void)memory.load(static_cast<std::uint32_t>(at), value);
  return value;
}

// Where the order begins; 0 when that can't be.
std::uint32_t order_at(std::uint32_t sp, Memory memory) {
  const auto cases = load<std::uint64_t>(memory, sp + kCaseCount);
  const auto ordered = load<std::uint64_t>(memory, sp + kOrdered);
  const auto lock_order = load<std::uint64_t>(memory, sp + kLockOrder);
  if (cases > kCasesMax || ordered > cases || lock_order < 2 * cases) return 0;
  return static_cast<std::uint32_t>(lock_order - 2 * cases);
}

}  // namespace

void SelectOrder::begins(std::uint32_t g, std::uint32_t sp, Memory memory) {
  g_ = g;
  sends_ = load<std::uint64_t>(memory, sp + kSends);
}

std::vector<std::uint32_t> SelectOrder::ready(std::uint32_t g, std::uint32_t sp, Memory memory) {
  if (g_ != g) return {};
  g_ = 0;
  std::vector<std::uint32_t> places;
  const std::uint32_t order = order_at(sp, memory);
  if (order == 0) return places;
  const auto ordered = load<std::uint64_t>(memory, sp + kOrdered);
  const auto cases = load<std::uint64_t>(memory, sp + kCases);
  for (std::uint32_t place = 0; place < ordered; ++place) {
    const auto number = load<std::uint16_t>(memory, order + 2 * place);
    const auto channel = load<std::uint64_t>(memory, cases + std::uint64_t{number} * kCaseBytes);
    if (is_ready(static_cast<std::uint32_t>(channel), number < sends_, memory)) {
      places.push_back(place);
    }
  }
  return places;
}

// A waiting queue begins with its first; one there may have been served by another channel.
bool SelectOrder::is_ready(std::uint32_t channel, bool sends, Memory memory) const {
  if (at_.chan_recvq == 0) return true;
  if (at_.chan_closed != 0 && load<std::uint32_t>(memory, channel + at_.chan_closed) != 0) {
    return true;
  }
  const auto count = load<std::uint64_t>(memory, channel + at_.chan_qcount);
  if (!sends) return count > 0 || load<std::uint64_t>(memory, channel + at_.chan_sendq) != 0;
  return load<std::uint64_t>(memory, channel + at_.chan_recvq) != 0 ||
         count < load<std::uint64_t>(memory, channel + at_.chan_dataqsiz);
}

void SelectOrder::put_first(std::uint32_t place, std::uint32_t sp, Memory memory) {
  const std::uint32_t order = order_at(sp, memory);
  if (order == 0) return;
  const auto first = load<std::uint16_t>(memory, order + 2 * place);
  for (std::uint32_t i = place; i > 0; --i) {
    const auto before = load<std::uint16_t>(memory, order + 2 * (i - 1));
    (void)memory.store(order + 2 * i, before);
  }
  (void)memory.store(order, first);
}

}  // namespace weft::guest::go
