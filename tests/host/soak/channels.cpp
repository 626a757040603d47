// SPDX-License-Identifier: Apache-2.0
// Tokens through four channels, by sends, receives, selects, tries, with timeouts, while others
// that do the same are killed. Every token that was made must have been received, or have died with
// a killed G, at most one with each, or in a send that gave up.
#include <array>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/select.h"
#include "tests/host/soak/soak.h"

namespace weft::soak {
namespace {

struct Ledger {
  std::uint64_t made = 0;
  std::uint64_t made_sum = 0;
  std::uint64_t received = 0;
  std::uint64_t received_sum = 0;
  std::uint64_t died = 0;
  std::uint64_t died_sum = 0;
};

// Moves; says in the ledger when it goes without having been received.
class Token {
 public:
  explicit Token(Ledger& ledger) : ledger_(&ledger), number_(++ledger.made) {
    ledger.made_sum += number_;
  }
  Token(Token&& other) noexcept
      : ledger_(std::exchange(other.ledger_, nullptr)), number_(other.number_) {}
  Token& operator=(Token&& other) = delete;
  ~Token() {
    if (ledger_ == nullptr) return;
    ++ledger_->died;
    ledger_->died_sum += number_;
  }
  void receive() {
    ++ledger_->received;
    ledger_->received_sum += number_;
    ledger_ = nullptr;
  }

 private:
  Ledger* ledger_;
  std::uint64_t number_;
};

struct Exchange {
  Soak& soak;
  Ledger ledger{};
  std::array<chan<Token>, 4> channels{make_chan<Token>(), make_chan<Token>(), make_chan<Token>(1),
                                      make_chan<Token>(16)};
  std::uint64_t gave_up = 0;  // Sends by select that did not take place.

  chan<Token> any() { return channels[soak.below(4)]; }

  void send_one() {
    auto one = any();
    auto other = any();
    switch (soak.below(4)) {
      case 0:
        one.send(Token(ledger));
        break;
      case 1: {
        Token token(ledger);
        // Untouched unless it was sent.
        while (!one.try_send(std::move(token))) soak.pause();  // NOLINT(bugprone-use-after-move)
        break;
      }
      case 2:
        select(on_send(one, Token(ledger)), on_send(other, Token(ledger)));
        ++gave_up;  // One of the two.
        break;
      default: {
        const Duration wait = soak.at_most_us(200);
        if (select(on_send(one, Token(ledger)), on_timeout(wait)) == 1) ++gave_up;
      }
    }
  }

  static void take(std::optional<Token> token) {
    if (token) token->receive();
  }

  void receive_one() {
    auto one = any();
    auto other = any();
    switch (soak.below(4)) {
      case 0:
        select(on_recv(one, take), on_timeout(soak.at_most_us(500)));
        break;
      case 1:
        if (auto got = one.try_recv()) take(std::move(got.value));
        yield();
        break;
      case 2:
        select(on_recv(one, take), on_recv(other, take), on_timeout(soak.at_most_us(200)));
        break;
      default:
        select(on_recv(channels[0], take), on_recv(channels[1], take), on_recv(channels[2], take),
               on_recv(channels[3], take), on_timeout(soak.at_most_us(500)));
    }
  }
};

// Returns how many tokens were received.
std::uint64_t run_exchange(Soak& soak, int victims) {
  Exchange exchange{soak};
  Ledger& ledger = exchange.ledger;
  wait_group senders;
  wait_group receivers;
  std::uint64_t killed = 0;
  bool all_sent = false;
  for (int i = 0; i < 8; ++i) {
    senders.go([&] {
      while (!soak.over()) exchange.send_one();
    });
    receivers.go([&] {
      while (!all_sent) exchange.receive_one();
    });
  }
  for (int i = 0; i < victims; ++i) {
    senders.go([&, i] {
      killed += soak.start_and_kill([&exchange, &soak, i] {
        while (!soak.over()) i % 2 == 0 ? exchange.send_one() : exchange.receive_one();
      });
    });
  }
  senders.wait();
  all_sent = true;
  receivers.wait();
  for (auto& channel : exchange.channels) {
    channel.close();
    while (auto token = channel.recv()) token->receive();
  }
  soak.check(ledger.received + ledger.died == ledger.made, "every token was received or died");
  soak.check(ledger.received_sum + ledger.died_sum == ledger.made_sum, "no token came twice");
  soak.check(ledger.died >= exchange.gave_up, "a token that was given up was not sent");
  // A killed select holds up to two.
  soak.check(ledger.died <= exchange.gave_up + 2 * killed, "tokens die only with killed Gs");
  return ledger.received;
}

}  // namespace

std::uint64_t channels(Soak& soak) {
  // Where no G is killed the books are exact.
  auto exact = spawn([&soak] { return run_exchange(soak, 0); });
  const std::uint64_t received = run_exchange(soak, 4);
  return received + exact.join();
}

}  // namespace weft::soak
