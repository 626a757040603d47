// SPDX-License-Identifier: Apache-2.0
// LeakWatch: what is left of a Go guest when its main has ended. Goroutines that are blocked for
// ever then are a leak.
//
//   main ends: proc_exit(0) ─▶ it returns ─▶ the others go on (guest/go/outlive_main.h)
//        └─▶ all have come to rest ─▶ Go writes "fatal error: ", and none runs ─▶ leaks()
//        │      └─▶ it writes each goroutine's stack, in many calls ─▶ proc_exit(2)
//        └─▶ they do not come to rest within the bounds ─▶ the guest ends, nothing is decided
//
// What the guest does once its main has ended is no more than a question that is asked of it:
// of all that happens then only a leak is the program's failure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "guest/go/goroutine_list.h"
#include "os/wasip1/call_hook.h"

namespace weft::sim {

class LeakWatch {
 public:
  // How long the goroutines have to come to rest: virtual time, unless they made few calls of the
  // guest in it (they wait for a timer of a day), and calls. And how many calls Go has, from then
  // on, to write their stacks; a rest of them is not written.
  static constexpr Duration kTimeMax = seconds(3600);
  static constexpr std::uint64_t kFewCalls = 100;
  static constexpr std::uint64_t kCallsMax = 20'000;

  // main_ended is called when it has, before anything else runs.
  LeakWatch(std::shared_ptr<const guest::go::GoRuntime> go, std::function<void()> main_ended)
      : go_(std::move(go)), told_(std::move(main_ended)) {}

  // Before each call of the guest. True: it is main's end, and returns to the guest. Throws Exit
  // when the guest has taken too long.
  bool before(const wasip1::Call& call, Instant now);

  [[nodiscard]] bool main_ended() const { return main_ended_; }
  // Its goroutines have come to rest: it is known which are blocked for ever.
  [[nodiscard]] bool decided() const { return decided_; }
  // Those that are blocked for ever; decided when the guest has ended.
  [[nodiscard]] const std::vector<guest::go::Goroutine>& leaks() const { return leaks_; }
  // A line for their number, and one for each.
  [[nodiscard]] std::string text() const;

 private:
  bool is_end_of_main(const wasip1::Call& call) const;
  // Decides when nothing can go on; false: something can.
  bool decide(const wasip1::Call& call);

  std::shared_ptr<const guest::go::GoRuntime> go_;
  std::function<void()> told_;
  bool main_ended_ = false;
  bool decided_ = false;
  Instant ended_at_;
  std::uint64_t calls_ = 0;
  std::vector<guest::go::Goroutine> leaks_;
};

}  // namespace weft::sim
