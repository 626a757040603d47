// StopOnSignal: ends a run in virtual time at the first SIGINT or SIGTERM, so that its trace and
// its recording can be written. The second one has the default action, which ends the process.
//
//   handler: notes it; asks the running guest to give way; stdin is at its end
//      └─▶ on_event: the next time a guest gives way or goes on, the run stops
//      └─▶ on_interrupt: nothing is there to go on with, so it stops at once
//
// The handler runs in the middle of anything, hence the detour. Reading stdin blocks the thread in
// virtual time: from the signal on, descriptor 0 is /dev/null.
#pragma once

#include <csignal>
#include <optional>

#include "base/unique_fd.h"
#include "sim/event_log.h"

namespace weft::tools {

// One at a time.
class StopOnSignal final : public sim::EventListener {
 public:
  // behind: who else listens; it must outlive this. nullptr: nobody.
  explicit StopOnSignal(sim::EventListener* behind);
  ~StopOnSignal() override;
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  // The signal that stopped the run, or 0.
  [[nodiscard]] int stopped_by() const { return stopped_ ? noted_ : 0; }

  void on_g(std::uint64_t g, std::string_view name) noexcept override;
  void on_event(const sim::Event& event) noexcept override;

 private:
  static void on_signal(int sig);
  static void on_interrupt(void* self);
  void stop() noexcept;

  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGALRM};
  static inline volatile std::sig_atomic_t noted_ = 0;
  static inline volatile std::sig_atomic_t null_ = -1;
  sim::EventListener* const behind_;
  UniqueFd null_file_;
  struct sigaction before_[std::size(kSignals)]{};
  bool attached_ = false;
  bool stopped_ = false;
};

}  // namespace weft::tools
