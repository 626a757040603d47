// SPDX-License-Identifier: Apache-2.0
#include "guest/go/select_order.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <initializer_list>

#include "guest/go/entries.h"

namespace weft::guest::go {
namespace {

constexpr std::uint32_t kSelecting = 8;
constexpr std::uint32_t kSomebodyElse = 16;
constexpr std::uint32_t kSelectSp = 64;
constexpr std::uint32_t kScases = 256;
constexpr std::uint32_t kOrder = 512;
constexpr std::uint32_t kHchans = 1'024;  // 64 bytes each.
constexpr std::uint32_t kRoomOfEach = 2;

Offsets channels_at() {
  Offsets at;
  at.chan_dataqsiz = 8;
  at.chan_closed = 28;
  at.chan_recvq = 32;
  at.chan_sendq = 48;
  return at;
}

// A select of four cases: two send, two receive, each on a channel of its own. By chance it looks
// at them in the order 2, 0, 3, 1.
class Select {
 public:
  explicit Select(const Offsets& at = channels_at()) : at_(at) {
    for (std::uint32_t n = 0; n < 4; ++n) {
      put(kScases + 16 * n, std::uint64_t{channel(n)});
      put(channel(n) + 8, std::uint64_t{kRoomOfEach});
    }
    set_order({2, 0, 3, 1});
  }
  static std::uint32_t channel(std::uint32_t n) { return kHchans + 64 * n; }
  void set_order(std::initializer_list<std::uint16_t> numbers) {
    std::uint32_t at = kOrder;
    for (const std::uint16_t number : numbers) {
      put(at, number);
      at += 2;
    }
  }
  [[nodiscard]] std::vector<std::uint16_t> order() const {
    std::vector<std::uint16_t> numbers(4);
    std::memcpy(numbers.data(), bytes_.data() + kOrder, 8);
    return numbers;
  }
  void begins(std::uint32_t g) {
    put(kSelectSp + kArguments + 24, std::uint64_t{2});  // nsends
    order_.begins(g, kSelectSp, memory());
  }
  void puts_arguments(std::uint64_t cases = 4, std::uint64_t ordered = 4,
                      std::uint64_t lock_order = kOrder + 8) {
    put(kSelectSp + kArguments, std::uint64_t{kScases});
    put(kSelectSp + kArguments + 8, cases);
    put(kSelectSp + kArguments + 24, lock_order);
    put(kSelectSp + kArguments + 32, ordered);
  }
  std::vector<std::uint32_t> ready(std::uint32_t g) { return order_.ready(g, kSelectSp, memory()); }
  void put_first(std::uint32_t place) { SelectOrder::put_first(place, kSelectSp, memory()); }
  template <class T>
  void put(std::uint32_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

 private:
  wasip1::Memory memory() { return wasip1::Memory(bytes_); }

  const Offsets at_;
  std::array<std::byte, 2'048> bytes_{};
  SelectOrder order_{at_};
};

using Places = std::vector<std::uint32_t>;

TEST_CASE("a send is ready where there is room, a receive where something is or it is closed") {
  Select select;
  select.put(Select::channel(0), std::uint64_t{kRoomOfEach});              // Full.
  select.put(Select::channel(2), std::uint64_t{1});                        // It holds one.
  select.put(Select::channel(3) + 48, std::uint64_t{Select::channel(0)});  // One waits to send.
  select.begins(kSelecting);
  select.puts_arguments();
  CHECK(select.ready(kSelecting) == Places{0, 2, 3});  // Cases 2, 3 and 1.

  Select closed;
  for (std::uint32_t n = 0; n < 2; ++n) {
    closed.put(Select::channel(n), std::uint64_t{kRoomOfEach});
  }
  closed.put(Select::channel(3) + 28, std::uint32_t{1});
  closed.put(Select::channel(0) + 32, std::uint64_t{Select::channel(1)});  // One waits to receive.
  closed.begins(kSelecting);
  closed.puts_arguments();
  CHECK(closed.ready(kSelecting) == Places{1, 2});  // Cases 0 and 3.
}

TEST_CASE("a select locks twice when it waits: only the first time is asked for") {
  Select select;
  select.begins(kSelecting);
  select.puts_arguments();
  CHECK(select.ready(kSomebodyElse).empty());
  CHECK_FALSE(select.ready(kSelecting).empty());
  CHECK(select.ready(kSelecting).empty());
}

TEST_CASE("the chosen case of a select comes first, the others keep their order") {
  Select select;
  select.puts_arguments();
  select.put_first(2);
  CHECK(select.order() == std::vector<std::uint16_t>{3, 2, 0, 1});
  select.put_first(0);
  CHECK(select.order() == std::vector<std::uint16_t>{3, 2, 0, 1});
}

TEST_CASE("where it is not known how a channel looks every case counts as ready") {
  Select select{Offsets{}};
  select.begins(kSelecting);
  select.puts_arguments();
  CHECK(select.ready(kSelecting) == Places{0, 1, 2, 3});
}

TEST_CASE("arguments of a select that can't be are nobody's order") {
  for (const std::uint64_t wrong : {std::uint64_t{5}, std::uint64_t{70'000}, UINT64_MAX}) {
    Select select;
    select.begins(kSelecting);
    select.puts_arguments(4, wrong);
    CHECK(select.ready(kSelecting).empty());
    select.begins(kSelecting);
    select.puts_arguments(wrong == 5 ? 4 : wrong, 4, wrong);
    CHECK(select.ready(kSelecting).empty());
    select.put_first(3);
    CHECK(select.order() == std::vector<std::uint16_t>{2, 0, 3, 1});
  }
}

}  // namespace
}  // namespace weft::guest::go
