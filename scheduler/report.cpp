// SPDX-License-Identifier: Apache-2.0
#include "scheduler/report.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "scheduler/scheduler.h"

namespace weft {
namespace {

std::string line_for(const G& g, Instant now) {
  char buffer[160];
  const char* tail = g.name[0] != '\0' ? ": " : ":";
  if (g.state == GState::waiting) {
    const double age_s = static_cast<double>((now - g.waiting_since).ns) / 1e9;
    std::snprintf(buffer, sizeof buffer, "goroutine %llu [%s, %.3fs]%s%s\n",
                  static_cast<unsigned long long>(g.id), name(g.wait_reason), age_s, tail, g.name);
  } else {
    std::snprintf(buffer, sizeof buffer, "goroutine %llu [%s]%s%s\n",
                  static_cast<unsigned long long>(g.id), name(g.state), tail, g.name);
  }
  return buffer;
}

std::string line_for(const M& m) {
  const G* g = m.current_g.load(std::memory_order_relaxed);
  std::string text = "M" + std::to_string(m.id) + ": " + name(m.state);
  if (m.state == MState::sleeping) text += std::string(" (") + m.sleep_reason + ")";
  if (g != nullptr) text += " curg=" + std::to_string(g->id);
  if (m.locked_g != nullptr) text += " lockedg=" + std::to_string(m.locked_g->id);
  return text + "\n";
}

}  // namespace

std::string dump_gs(Scheduler& scheduler) {
  std::vector<const G*> gs;
  scheduler.for_each_g([&](const G& g) { gs.push_back(&g); });
  std::sort(gs.begin(), gs.end(), [](const G* a, const G* b) { return a->id < b->id; });
  std::string text;
  for (const G* g : gs) text += line_for(*g, scheduler.coarse_now());
  return text;
}

std::string dump_ms(Scheduler& scheduler) {
  std::vector<const M*> ms;
  scheduler.for_each_m([&](const M& m) { ms.push_back(&m); });
  if (ms.size() == 1) return {};
  std::sort(ms.begin(), ms.end(), [](const M* a, const M* b) { return a->id < b->id; });
  std::string text;
  for (const M* m : ms) text += line_for(*m);
  return text;
}

std::string fatal_report(Scheduler& scheduler, std::string_view text) {
  std::string report = std::string(text) + "\n\n" + dump_gs(scheduler);
  const std::string ms = dump_ms(scheduler);
  return ms.empty() ? report : report + "\n" + ms;
}

std::string schedtrace(Scheduler& scheduler) {
  std::size_t idle = 0;
  scheduler.for_each_m([&](const M& m) { idle += m.state == MState::idle ? 1 : 0; });
  const auto since_start_ms = (scheduler.coarse_now() - scheduler.started_at()).ns / 1'000'000;
  char buffer[200];
  std::snprintf(buffer, sizeof buffer,
                "SCHED %lldms: gomaxprocs=1 idleprocs=%d threads=%zu spinningthreads=0 "
                "needspinning=0 idlethreads=%zu runqueue=%zu [0] schedticks=[ %llu ]",
                static_cast<long long>(since_start_ms), scheduler.runnable() == 0 ? 1 : 0,
                scheduler.mcount(), idle, scheduler.runnable(),
                static_cast<unsigned long long>(scheduler.switches()));
  return buffer;
}

// As Go's scheddetail, with what there is here: one P, every M, every G.
std::string scheddetail(Scheduler& scheduler) {
  constexpr int kStatus[kGStates] = {0, 1, 2, 4, 6};  // Go's numbers of the states.
  char line[200];
  std::snprintf(
      line, sizeof line, "  P0: status=%d schedtick=%llu syscalltick=0 m=%lld runqsize=%zu\n",
      scheduler.runnable() == 0 ? 0 : 1, static_cast<unsigned long long>(scheduler.switches()),
      static_cast<long long>(scheduler.current_m().id), scheduler.runnable());
  std::string text = line;
  scheduler.for_each_m([&](const M& m) {
    const G* g = m.current_g.load(std::memory_order_relaxed);
    const std::string running = g != nullptr ? std::to_string(g->id) : "nil";
    const std::string locked = m.locked_g != nullptr ? std::to_string(m.locked_g->id) : "nil";
    std::snprintf(line, sizeof line, "  M%lld: p=%s curg=%s locks=%d blocked=%s lockedg=%s\n",
                  static_cast<long long>(m.id), &m == &scheduler.current_m() ? "0" : "nil",
                  running.c_str(), 0, m.state == MState::sleeping ? "true" : "false",
                  locked.c_str());
    text += line;
  });
  std::vector<const G*> gs;
  scheduler.for_each_g([&](const G& g) { gs.push_back(&g); });
  std::sort(gs.begin(), gs.end(), [](const G* a, const G* b) { return a->id < b->id; });
  for (const G* g : gs) {
    const bool waits = g->state == GState::waiting;
    const bool on_m = g->state == GState::running && g->m != nullptr;
    std::snprintf(line, sizeof line, "  G%llu: status=%d(%s) m=%s lockedm=%s\n",
                  static_cast<unsigned long long>(g->id),
                  kStatus[static_cast<std::size_t>(g->state)], waits ? name(g->wait_reason) : "",
                  on_m ? std::to_string(g->m->id).c_str() : "nil",
                  g->locked_m != nullptr ? std::to_string(g->locked_m->id).c_str() : "nil");
    text += line;
  }
  return text;
}

}  // namespace weft
