// SPDX-License-Identifier: Apache-2.0
#include "tools/limit_options.h"

#include <CLI/CLI.hpp>

#include "sim/quantities.h"
#include "tools/help.h"

namespace weft::tools {
void add_limit_options(CLI::App& app, RawLimits& guest, RawLimits& all) {
  const auto add = [&app](const char* option, std::string& to, const char* what, const char* type) {
    app.add_option(option, to, what)->type_name(type)->group(kLimitsGroup);
  };
  add("--deadline", guest.deadline, "End this guest after so long: 500ms, 1.5s, 2h", "TIME");
  add("--output", guest.output,
      "End this guest when it has written so much to files, pipes and sockets: 10K, 1M", "SIZE");
  add("--fds", guest.fds, "How many descriptors this guest may have open (4096)", "COUNT");
  add("--tables", guest.tables, "How many elements this guest's tables may have (1000000)",
      "COUNT");
  add("--total-memory", all.memory, "As --memory, for all guests together", "SIZE");
  add("--total-stack", all.stack, "As --stack, for all guests together", "SIZE");
  add("--total-fuel", all.fuel, "As --fuel, for all guests together", "COUNT");
  add("--total-tables", all.tables, "As --tables, for all guests together", "COUNT");
  add("--total-fds", all.fds, "As --fds, for all guests together", "COUNT");
  add("--total-output", all.output, "As --output, for all guests together", "SIZE");
  add("--total-deadline", all.deadline, "As --deadline, for all guests together", "TIME");
}

Result<UseLimits> read_limits(const std::string& prefix, const RawLimits& raw, UseLimits defaults) {
  UseLimits limits = defaults;
  BudgetSizes& sizes = limits.sizes;
  const struct {
    const char* name;
    const std::string& word;
    std::uint64_t unit;  // Of a size; 0: it is a count.
    std::uint64_t& to;
  } amounts[] = {
      {"memory", raw.memory, kMib, sizes.memory_bytes},
      {"stack", raw.stack, kKib, sizes.stack_bytes},
      {"fuel", raw.fuel, 0, sizes.fuel},
      {"tables", raw.tables, 0, sizes.table_elements},
      {"fds", raw.fds, 0, sizes.descriptors},
      {"output", raw.output, 1, sizes.output_bytes},
  };
  for (const auto& [name, word, unit, to] : amounts) {
    if (word.empty()) continue;
    auto amount = unit > 0 ? read_size(prefix + name, word, unit)
                           : read_count(prefix + name, word, 1, INT64_MAX);
    if (!amount) return amount.error();
    to = *amount;
  }
  if (raw.deadline.empty()) return limits;
  auto time = read_time(prefix + "deadline", raw.deadline);
  if (!time) return time.error();
  if (*time == Duration{}) return Error{prefix + "deadline wants more than no time"};
  limits.time = *time;
  return limits;
}

}  // namespace weft::tools
