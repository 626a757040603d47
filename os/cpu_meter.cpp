// SPDX-License-Identifier: Apache-2.0
#include "os/cpu_meter.h"

#include <time.h>

#include "base/check.h"
#include "scheduler/api.h"

namespace weft {
namespace {

thread_local std::weak_ptr<CpuMeter> meter_of_thread;

}  // namespace

Duration cpu_time_of_thread() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return {now.tv_sec * 1'000'000'000 + now.tv_nsec};
}

std::shared_ptr<CpuMeter> CpuMeter::of_thread() {
  std::shared_ptr<CpuMeter> meter = meter_of_thread.lock();
  if (meter == nullptr || &meter->scheduler_ != &this_scheduler()) {
    meter.reset(new CpuMeter(this_scheduler()));
    meter_of_thread = meter;
  }
  return meter;
}

CpuMeter::CpuMeter(Scheduler& scheduler) : scheduler_(scheduler), behind_(scheduler.event_sink()) {
  scheduler_.set_event_sink(this);
}

CpuMeter::~CpuMeter() {
  // Somebody may have put another in its place.
  if (scheduler_.event_sink() == this) scheduler_.set_event_sink(behind_);
}

void CpuMeter::watch(const G& g, Duration begin) {
  const Duration now = cpu_time_of_thread();
  const bool was_alone = scheduler_.spawned() == 1;
  const Duration before = was_alone ? Duration{now.ns - begin.ns} : g.stack->sampled_cpu;
  rows_[&g] = {.used = before, .since = now};
}

Duration CpuMeter::used_by(const G& g) const {
  const auto row = rows_.find(&g);
  WEFT_CHECK(row != rows_.end(), "a G that is not watched was asked about");
  return {row->second.used.ns + cpu_time_of_thread().ns - row->second.since.ns};
}

void CpuMeter::on_event(const GEvent& event) noexcept {
  const auto row = rows_.find(&event.g);
  if (row != rows_.end()) {
    if (event.to == GState::running) row->second.since = cpu_time_of_thread();
    if (event.from == GState::running) {
      row->second.used.ns += cpu_time_of_thread().ns - row->second.since.ns;
    }
  }
  if (behind_ != nullptr) behind_->on_event(event);
}

void CpuMeter::on_m_event(const MEvent& event) noexcept {
  if (behind_ != nullptr) behind_->on_m_event(event);
}

}  // namespace weft
