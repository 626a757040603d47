// SPDX-License-Identifier: Apache-2.0
// GuestHook: what a simulation does at each WASI call of one guest: writes it into the EventLog,
// lets the Director preempt before calls that others can see, and makes calls fail on its schedule.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "os/wasip1/call_hook.h"
#include "sim/director.h"
#include "sim/leak_watch.h"

namespace weft::sim {

class GuestHook final : public wasip1::CallHook {
 public:
  // The Director must outlive the hook. output_matters: so does the order in which guests write to
  // stdout and stderr.
  GuestHook(Director& director, bool output_matters)
      : director_(director), output_matters_(output_matters) {}

  // What is asked at each call whether it is the end of main. It must outlive the hook.
  void watch(LeakWatch* leaks) { leaks_ = leaks; }

  std::optional<wasip1::Errno> before(const wasip1::Call& call) override;
  void after(const wasip1::Call& call, wasip1::Errno result) override;

 private:
  void log(Event::Kind kind, std::string_view what, std::uint64_t value, std::uint64_t detail);

  [[nodiscard]] Access access_of(const wasip1::Call& call) const;

  Director& director_;
  const bool output_matters_;
  LeakWatch* leaks_ = nullptr;
  // For calls that have to move fewer bytes the list of buffers in the guest's memory is shortened
  // during the call. By G: the lengths as they were.
  std::map<std::uint64_t, std::vector<wasip1::Size>> shortened_;
};

}  // namespace weft::sim
