// SPDX-License-Identifier: Apache-2.0
// Dependence: what of a run depends on what, so that depth first search can leave out schedules
// that only reorder what is independent. The Director tells it each access to something that Gs
// may share, and each wake-up; it answers two questions.
//
// Is what this G does now covered by another run? A G that is preempted before an access sleeps
// until another G makes an access that conflicts with it (the same object, one of them writes).
// Suppose it resumes before that. Then no other G has done anything that it could notice, and no
// other G can notice the delay. When it reaches its next access, with no yield or wait in between,
// the preemption could have been there with the same result. So what follows is covered, unless it
// is preempted again. An access that wakes Gs does not sleep: it changes the order of the run
// queue.
//
// Is this state known? Each G has a hash of its past: its accesses, each with those of others that
// it depends on, its own choices, who started and woke it. Where all these hashes are the same,
// the runs so far are equivalent, whatever their order was, and every G is where it was
// (Mazurkiewicz; Musuvathi and Qadeer use it in CHESS). With the order of the run queue and of
// those that wait, what can follow is the same too.
//
// Both hold within a bound on deviations, which sleep sets do not: docs/rationale.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace weft::sim {

// What guests touch, as coarsely as the search needs it. Each link is one object: kLinks and up to
// 63, which stands for all links that have no number left.
enum Object : unsigned { kFiles = 1, kStdin, kStdout, kStderr, kLinks };

// What a call or a step is about to touch.
struct Access {
  unsigned object = 0;  // An Object of guests, else a number from 1 to 63; 0: not known.
  bool writes = true;
  bool wakes = false;  // It may make other Gs runnable.
};

class Dependence {
 public:
  // --- what happens; Gs by their ids, 0 for the loop ---

  void preempted_before(std::uint64_t g, const Access& access) {
    if (access.object != 0 && !access.wakes) asleep_[g] = access;
  }
  void accesses(std::uint64_t g, const Access& access) {
    std::erase_if(asleep_, [&](const auto& sleeper) {
      return sleeper.first == g || conflict(sleeper.second, access);
    });
    if (access.object == 0) unknown_ = true;
    std::uint64_t& past = pasts_[g];
    touch(past, objects_.at(access.object), access.writes);
    if (access.wakes) touch(past, waking_, true);
  }
  void chose(std::uint64_t g, std::uint64_t what) { pasts_[g] = mix(pasts_[g], what); }
  // Or started.
  void woken(std::uint64_t by, std::uint64_t g) {
    std::erase(waiting_, g);
    pasts_[g] = mix(mix(pasts_[g], 2), by == 0 ? 0 : pasts_[by]);
  }
  void waits(std::uint64_t g) {
    waiting_.push_back(g);
    gives_way(g);
  }
  // By itself, other than preempted_before.
  void gives_way(std::uint64_t g) {
    pasts_[g] = mix(pasts_[g], 4);
    covered_ = 0;
  }
  // It runs on after preempted_before.
  void resumes(std::uint64_t g) {
    if (asleep_.erase(g) > 0) covered_ = g;
  }

  // --- what follows from it ---

  // At the next access of the G that resumed; once.
  bool take_covered() { return std::exchange(covered_, 0) != 0; }

  // A hash of everything that decides how the run can go on, with what the caller knows: the time,
  // the run queue. 0: can't be told.
  [[nodiscard]] std::uint64_t state(std::uint64_t callers) const {
    if (unknown_) return 0;
    std::uint64_t sum = 0;
    for (const auto& [g, past] : pasts_) sum += mix(mix(3, g), past);
    std::uint64_t state = mix(mix(callers, sum), covered_);
    for (const std::uint64_t g : waiting_) state = mix(state, g);
    for (const auto& [g, access] : asleep_) {
      state = mix(mix(state, g), access.object * 2 + (access.writes ? 1 : 0));
    }
    return state == 0 ? 1 : state;
  }

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t z = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  struct Touched {
    std::uint64_t written = 0;  // The past of the G that wrote it last.
    std::uint64_t read = 0;     // The sum of the pasts of the Gs that have read it since.
  };
  static void touch(std::uint64_t& past, Touched& object, bool writes) {
    past = mix(past, object.written);
    if (writes) {
      object.written = past = mix(past, object.read);
      object.read = 0;
    } else {
      object.read += past = mix(past, 1);  // Reads commute.
    }
  }
  static bool conflict(const Access& a, const Access& b) {
    return b.object == 0 || (a.object == b.object && (a.writes || b.writes));
  }

  std::map<std::uint64_t, Access> asleep_;
  std::map<std::uint64_t, std::uint64_t> pasts_;
  std::array<Touched, 64> objects_{};
  Touched waking_;  // Accesses that wake Gs keep their order, whatever they touch.
  std::vector<std::uint64_t> waiting_;  // In the order in which they parked.
  std::uint64_t covered_ = 0;           // The running G, from its sleep to its next access.
  bool unknown_ = false;
};

}  // namespace weft::sim
