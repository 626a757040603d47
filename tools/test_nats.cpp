// SPDX-License-Identifier: Apache-2.0
#include "tools/test_nats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <random>
#include <utility>

#include "base/printable.h"
#include "signals/fault.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/nats_queue.h"
#include "tools/noted_signals.h"
#include "tools/pack_search.h"
#include "tools/program_search.h"
#include "tools/search_books.h"
#include "tools/search_folder.h"
#include "tools/search_master.h"
#include "tools/test_reports.h"

namespace weft::tools {
namespace {

// A part takes long enough that its process costs little, and no longer: the last parts end at
// about the same time, and a worker that is killed loses one.
constexpr double kPartSeconds = 2;
constexpr double kPartSecondsMin = 0.25;
constexpr double kPartsWanted = 16;  // Enough for a few workers.

// The identity of the search, and its number of parts.
Result<SearchIdentity> measure(ProgramSearch& search, const TestOptions& options,
                               std::uint64_t& parts) {
  auto folder = SearchFolder::make();
  if (!folder) return folder.error();
  if (Status tried = search.try_out(); !tried) return tried.error();
  search.complete_policy();
  parts = options.parts != 0 ? options.parts
                             : parts_of_search(options.whole.count, search.seconds_a_seed());
  return search.identity();
}

// A name for streams and subjects.
std::string new_id() {
  return fmt::format("{:x}{:x}", static_cast<std::uint64_t>(std::time(nullptr)),
                     std::random_device()());
}

}  // namespace

std::uint64_t parts_of_search(std::uint64_t seeds, double seconds_a_seed) {
  const double seconds = static_cast<double>(seeds) * seconds_a_seed;
  const double parts = std::max(std::ceil(seconds / kPartSeconds),
                                std::min(kPartsWanted, std::floor(seconds / kPartSecondsMin)));
  return static_cast<std::uint64_t>(
      std::clamp(parts, 1.0, static_cast<double>(std::min(seeds, kPartsMax))));
}

int test_on_nats(const std::vector<std::string>& words, const TestOptions& options) {
  auto packed = pack_search(words, options);
  if (!packed) return complain("test", packed.error(), kExitUsage);
  signals::FaultHandler faults;
  ProgramSearch search(options);
  if (Status ready = search.prepare(); !ready) {
    return complain("test", ready.error(), kExitNoModule);
  }
  std::optional<NotedSignals> signals(std::in_place);
  auto identity = measure(search, options, packed->spec.parts);
  if (!identity) return complain("test", identity.error(), kExitNoModule);
  packed->spec.id = new_id();
  auto queue = nats_master(options.nats, *packed);
  if (!queue) return complain("test", queue.error(), kExitNoModule);
  SearchBooks books(std::move(*identity), packed->spec.parts);
  auto verdict = run_master(**queue, books, options.whole.count, options.search_limit);
  queue->reset();
  NotedSignals::check();
  signals.reset();
  if (!verdict) return complain("test", verdict.error(), kExitFatal);
  if (books.twice() > 0) {
    say(fmt::format("test: {} of {} parts came twice, and are counted once", books.twice(),
                    books.parts()));
  }
  const Status replayed = search.adopt(*verdict);
  std::fputs(printable_lines(verdict->text()).c_str(), stdout);
  return report_verdict(*verdict, replayed, {options.json_file, options.junit_file});
}

}  // namespace weft::tools
