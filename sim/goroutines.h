// SPDX-License-Identifier: Apache-2.0
// GoroutineSteering: makes a runnable goroutine of a Go guest an option of the Director, as a G is.
//
//   findRunnable   the runtime looks for what is next: sched.runq goes into the ring of its one P
//   runqget        several are in the ring: which comes first is a decision (Choice::goroutine)
//   visible        a channel, a lock, an atomic, a go statement: whether the running goroutine
//                  gives way first is a decision (Choice::give_way)
//   sellock        under fifo, which has no chance of its own: several cases of a select are ready,
//                  and which is looked at first is a decision (Choice::select). Under the others
//                  it is by Go's own chance, which follows from the seed
//   safe points    at some of them, drawn from the seed, that is a decision, too
//
// All of it from where main.main begins: what the runtime does before is the same in each run. A
// decision has several options only when several goroutines are runnable. The policy for goroutines
// is of the run's kind, and sees goroutines as if they were Gs; each guest has its own.
//
// The runtime can't always be interrupted: not while the world is stopped for the collector. Then
// the function that was to give way begins again, and is not asked a second time; a policy that
// gives the same answer each time would hold it there for ever.
//
// Where computing takes time (--cost), a goroutine that has had the thread for 10 ms gives way, as
// in real time, and so do those that keep a timer of their guest waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "guest/go/lure.h"
#include "guest/go/select_order.h"
#include "guest/go/steering.h"
#include "guest/goroutine_dump.h"
#include "scheduler/run_queue.h"
#include "sim/director.h"
#include "sim/policy.h"

namespace weft::sim {

class GoroutineSteering final : public guest::go::Steering {
 public:
  struct Settings {
    std::uint64_t seed = 1;
    bool keeps_operations = false;  // For last_operations().
  };
  // Module and Director must outlive it.
  GoroutineSteering(const guest::go::GoModule& module, Director& director, const PolicySpec& policy,
                    const Settings& settings);

  void entered(guest::go::Entry entry, std::uint32_t sp, std::uint32_t g,
               wasip1::Memory memory) noexcept override;
  void ran(Duration time, wasip1::Memory memory) noexcept override;

  // What its goroutines did last that others can see, the oldest first; none unless it keeps them.
  // "goroutine 7: chan send in main.worker at pool.go:31".
  [[nodiscard]] std::vector<std::string> last_operations() const;
  // Where its goroutines are read; nowhere before and after its run.
  [[nodiscard]] GoMemory go_memory() const;

 private:
  // An operation that begins; a function that begins again, when its goroutine gave way, counts
  // once.
  struct Operation {
    std::uint64_t goroutine = 0;
    guest::go::Entry entry = guest::go::Entry::visible;
    std::uint32_t sp = 0;
    std::uint64_t pc = 0;   // In the function of the program's that does it; 0: not known.
    bool asked = false;     // It is to give way first, and then begins again.
    bool gave_way = false;  // It did.
  };
  static constexpr std::size_t kOperationsKept = 24;

  bool keep_operation(guest::go::Entry entry, std::uint32_t sp, wasip1::Memory memory);
  void at_visible(guest::go::Entry entry, std::uint32_t sp, std::uint32_t g, wasip1::Memory memory);
  void at_sellock(std::uint32_t sp, std::uint32_t g, wasip1::Memory memory);
  void collect(wasip1::Memory memory, std::uint32_t g0_or_g);
  void choose(wasip1::Memory memory, std::uint32_t p);
  // Whether it does.
  bool may_give_way(wasip1::Memory memory);
  const RunQueue& queue_of(wasip1::Memory memory, std::uint32_t p);
  [[nodiscard]] bool others_are_runnable(wasip1::Memory memory, std::uint32_t p) const;
  [[nodiscard]] std::uint32_t p_of(wasip1::Memory memory, std::uint32_t g) const;
  G& as_g(wasip1::Memory memory, std::uint32_t g);

  const guest::go::GoRuntime& runtime_;
  const guest::go::Offsets& at_;
  Director& director_;
  const std::unique_ptr<Policy> policy_;
  Random random_;
  const bool decides_at_safe_points_;
  const bool keeps_operations_;
  guest::go::Lure lure_;
  guest::go::SelectOrder select_order_;
  // The stack pointer of the function whose prologue sprang the lure; 0 when others ran since.
  std::uint32_t sprung_at_ = 0;
  bool in_main_ = false;
  std::uint32_t until_decision_ = 0;  // Safe points.
  Instant since_;                     // When the running goroutine's slice of time began.
  // What the policy sees: a G for each g of the guest, with the goroutine's id.
  std::deque<G> gs_;
  std::unordered_map<std::uint32_t, G*> g_of_;
  RunQueue queue_;
  std::deque<Operation> operations_;
};

}  // namespace weft::sim
