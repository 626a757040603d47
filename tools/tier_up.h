// SPDX-License-Identifier: Apache-2.0
// TierUp: --tier-up=on. While guests run on jit, it has the modules of those that compute for long
// compiled for aot, by `weft compile` in the background, so that their next run is one of aot.
//
//   events of the scheduler ─▶ a guest's time on the CPU ─ kComputes ─▶ nice weft compile
//
// One compiler at a time. It goes on when this process ends or is interrupted: what it makes is for
// later runs. An event sink, so it costs something only while it is installed: two clock reads a
// switch.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "guest/runtime.h"
#include "tools/run_options.h"

namespace weft::tools {

class TierUp final : public EventSink {
 public:
  // How long a guest computes until its module is worth a compilation.
  static constexpr Duration kComputes = seconds(3);

  // Both must outlive it.
  TierUp(const RunOptions& options, Clock& clock);
  ~TierUp() override;
  TierUp(const TierUp&) = delete;
  TierUp& operator=(const TierUp&) = delete;

  void on_event(const GEvent& event) noexcept override;

 private:
  struct Spent {
    Duration on_cpu;
    Instant since;
    bool done = false;  // Nothing more is to be found out about this guest.
  };

  void worth_it(const Guest& guest);
  void start_next();
  [[nodiscard]] const std::string* path_of(const Guest& guest) const;

  const RunOptions& options_;
  Clock& clock_;
  std::string weft_;                // The path of this program; empty: it is not known.
  std::vector<std::string> known_;  // Modules that were asked for.
  std::deque<std::string> waiting_;
  pid_t compiler_ = -1;
  std::unordered_map<const Guest*, Spent> spent_;
};

}  // namespace weft::tools
