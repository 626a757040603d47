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

}  // namespace

std::string dump_gs(Scheduler& scheduler) {
  std::vector<const G*> gs;
  scheduler.for_each_g([&](const G& g) { gs.push_back(&g); });
  std::sort(gs.begin(), gs.end(), [](const G* a, const G* b) { return a->id < b->id; });
  std::string text;
  for (const G* g : gs) text += line_for(*g, scheduler.coarse_now());
  return text;
}

std::string deadlock_report(Scheduler& scheduler) {
  return "fatal error: all goroutines are asleep - deadlock!\n\n" + dump_gs(scheduler);
}

}  // namespace weft
