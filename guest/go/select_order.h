// SPDX-License-Identifier: Apache-2.0
// SelectOrder: in which order a select of a Go guest looks at its cases.
//
//   selectgo ─▶ makes an order by chance ─▶ sellock(scases, lockorder) ─▶ takes the first case in
//                                              │                          that order that is ready
//                                              └─ here weft may change it: any order is Go's
//
// The order lies right in front of lockorder: two halves of one array. The order makes a difference
// only where two or more cases are ready.
#pragma once

#include <cstdint>
#include <vector>

#include "guest/go/offsets.h"
#include "os/wasip1/memory.h"

namespace weft::guest::go {

class SelectOrder {
 public:
  explicit SelectOrder(const Offsets& offsets) : at_(offsets) {}

  // At the entry of selectgo.
  void begins(std::uint32_t g, std::uint32_t sp, wasip1::Memory memory);
  // At the entry of sellock: the places in the order that hold cases which are ready, ascending.
  // Where it is not known how a channel looks, all of them. Empty when it is not the first lock of
  // the select that began last, by this goroutine.
  std::vector<std::uint32_t> ready(std::uint32_t g, std::uint32_t sp, wasip1::Memory memory);
  // The case at this place comes first; the others keep their order.
  static void put_first(std::uint32_t place, std::uint32_t sp, wasip1::Memory memory);

 private:
  [[nodiscard]] bool is_ready(std::uint32_t channel, bool sends, wasip1::Memory memory) const;

  const Offsets& at_;
  std::uint32_t g_ = 0;      // Whose select has begun and has locked nothing yet; 0: nobody's.
  std::uint64_t sends_ = 0;  // How many of its cases send: the first ones.
};

}  // namespace weft::guest::go
