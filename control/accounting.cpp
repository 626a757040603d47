// SPDX-License-Identifier: Apache-2.0
#include "control/accounting.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "os/cpu_meter.h"

namespace weft::control {

void WaitHistogram::add(Duration wait) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(wait.ns, 1));
  const auto octave = static_cast<std::size_t>(std::bit_width(ns) - 1);
  // The two bits behind the highest one.
  const std::size_t quarter = octave >= 2 ? (ns >> (octave - 2)) & 3U : 0;
  ++steps_[std::min(octave * 4 + quarter, kSteps - 1)];
  ++count_;
  if (__builtin_add_overflow(sum_ns_, wait.ns, &sum_ns_)) {
    sum_ns_ = std::numeric_limits<std::int64_t>::max();
  }
}

Duration WaitHistogram::quantile(double part) const {
  std::uint64_t left = static_cast<std::uint64_t>(part * static_cast<double>(count_));
  for (std::size_t i = 0; i < kSteps; ++i) {
    if (left < steps_[i]) {
      const std::int64_t low = std::int64_t{1} << (i / 4);
      const auto quarters = static_cast<std::int64_t>(i % 4 + 1);
      // A quarter of a large number first, so that it does not overflow.
      const std::int64_t more = low >= 4 ? low / 4 * quarters : low * quarters / 4;
      return nanoseconds(low > std::numeric_limits<std::int64_t>::max() - more
                             ? std::numeric_limits<std::int64_t>::max()
                             : low + more);
    }
    left -= steps_[i];
  }
  return {};
}

void Accounting::install() {
  if (installed_) return;
  behind_ = scheduler_.event_sink();
  if (dynamic_cast<CpuMeter*>(behind_) != nullptr) meter_ = CpuMeter::of_thread();
  for (auto& [number, row] : rows_) row.is_seen = false;
  scheduler_.set_event_sink(this);
  installed_ = true;
}

bool Accounting::remove() {
  if (!installed_) return true;
  if (scheduler_.event_sink() != this) return false;
  scheduler_.set_event_sink(behind_);
  meter_.reset();
  installed_ = false;
  return true;
}

void Accounting::on_event(const GEvent& event) noexcept {
  if (behind_ != nullptr) behind_->on_event(event);
  if (trace_ != nullptr) trace_->on_event(event);
  if (event.g.owner == nullptr) return;
  Row& row = rows_[static_cast<const Guest*>(event.g.owner)->number()];
  const Instant now = clock_.now();
  const Duration spent = now - row.since;
  if (event.to == GState::running) {
    ++row.switches;
    if (row.is_seen) row.waits.add(spent);
  }
  if (event.from == GState::running && row.is_seen) row.on_cpu.ns += spent.ns;
  row.since = now;
  row.is_seen = true;
}

void Accounting::on_m_event(const MEvent& event) noexcept {
  if (behind_ != nullptr) behind_->on_m_event(event);
  if (trace_ != nullptr) trace_->on_m_event(event);
}

}  // namespace weft::control
