// SPDX-License-Identifier: Apache-2.0
#include "scheduler/report.h"

#include <algorithm>
#include <cstdio>

#include "base/printable.h"
#include "scheduler/g.h"
#include "scheduler/m.h"

namespace weft {
namespace {

std::string line_for(const G& g, Instant now) {
  std::string state(g.is_waiting() ? name(g.wait_reason) : name(g.state()));
  if (g.is_waiting()) {
    char waits[32];
    std::snprintf(waits, sizeof waits, ", %.3fs",
                  static_cast<double>((now - g.waiting_since).ns) / 1e9);
    state += waits;
  }
  std::string line = "goroutine " + std::to_string(g.id) + " [" + state + "]:";
  if (g.name[0] != '\0') line += " " + printable(g.name);  // It may be that of a file.
  return line + "\n";
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

std::string dump_gs(const Census& census) {
  std::string text;
  for (const G* g : census.gs) text += line_for(*g, census.now);
  return text;
}

std::string dump_ms(const Census& census) {
  std::vector<const M*> ms = census.ms;
  if (ms.size() == 1) return {};
  std::sort(ms.begin(), ms.end(), [](const M* a, const M* b) { return a->id < b->id; });
  std::string text;
  for (const M* m : ms) text += line_for(*m);
  return text;
}

std::string fatal_report(const Census& census, std::string_view text) {
  std::string report = std::string(text) + "\n\n" + dump_gs(census);
  const std::string ms = dump_ms(census);
  return ms.empty() ? report : report + "\n" + ms;
}

std::string schedtrace(const Census& census) {
  const auto idle = std::count_if(census.ms.begin(), census.ms.end(),
                                  [](const M* m) { return m->state == MState::idle; });
  char buffer[200];
  std::snprintf(buffer, sizeof buffer,
                "SCHED %lldms: gomaxprocs=1 idleprocs=%d threads=%zu spinningthreads=0 "
                "needspinning=0 idlethreads=%zu runqueue=%zu [0] schedticks=[ %llu ]",
                static_cast<long long>(census.since_start.ns / 1'000'000),
                census.runnable == 0 ? 1 : 0, census.ms.size(), static_cast<std::size_t>(idle),
                census.runnable, static_cast<unsigned long long>(census.switches));
  return buffer;
}

// As Go's scheddetail, with what there is here: one P, every M, every G.
std::string scheddetail(const Census& census) {
  constexpr int kStatus[kGStates] = {0, 1, 2, 4, 6};  // Go's numbers of the states.
  char line[200];
  std::snprintf(line, sizeof line,
                "  P0: status=%d schedtick=%llu syscalltick=0 m=%lld runqsize=%zu\n",
                census.runnable == 0 ? 0 : 1, static_cast<unsigned long long>(census.switches),
                static_cast<long long>(census.current_m->id), census.runnable);
  std::string text = line;
  for (const M* m : census.ms) {
    const G* g = m->current_g.load(std::memory_order_relaxed);
    const std::string running = g != nullptr ? std::to_string(g->id) : "nil";
    const std::string locked = m->locked_g != nullptr ? std::to_string(m->locked_g->id) : "nil";
    std::snprintf(line, sizeof line, "  M%lld: p=%s curg=%s locks=%d blocked=%s lockedg=%s\n",
                  static_cast<long long>(m->id), m == census.current_m ? "0" : "nil",
                  running.c_str(), 0, m->state == MState::sleeping ? "true" : "false",
                  locked.c_str());
    text += line;
  }
  for (const G* g : census.gs) {
    const GState state = g->state();
    const bool waits = state == GState::waiting;
    const M* m = state == GState::running ? g->stack->m : nullptr;
    if (state == GState::running && m == nullptr) m = g->stack->current_m;
    const M* locked_m = g->stack != nullptr ? g->stack->locked_m : nullptr;
    std::snprintf(line, sizeof line, "  G%llu: status=%d(%s) m=%s lockedm=%s\n",
                  static_cast<unsigned long long>(g->id), kStatus[static_cast<std::size_t>(state)],
                  waits ? name(g->wait_reason) : "",
                  m != nullptr ? std::to_string(m->id).c_str() : "nil",
                  locked_m != nullptr ? std::to_string(locked_m->id).c_str() : "nil");
    text += line;
  }
  return text;
}

}  // namespace weft
