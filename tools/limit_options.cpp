// SPDX-License-Identifier: Apache-2.0
#include "tools/limit_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "tools/sim_options.h"

namespace weft::tools {
namespace {

// A number from 1, with K, M or G for 2^10, 2^20 or 2^30 of it.
Status read_amount(const std::string& option, const std::string& word, std::uint64_t unit,
                   std::uint64_t& to) {
  if (word.empty()) return Nothing{};
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const std::string_view suffix(end, static_cast<std::size_t>(word.data() + word.size() - end));
  constexpr std::string_view kSuffixes = "KMG";
  if (suffix.size() == 1 && kSuffixes.find(suffix) != std::string_view::npos) {
    unit <<= 10 * (kSuffixes.find(suffix) + 1);
  } else if (!suffix.empty()) {
    value = 0;
  }
  if (error != std::errc() || value == 0 || value > INT64_MAX / unit) {
    return Error{option + " wants a number from 1, as 64, 10K, 20M or 1G, not '" + word + "'"};
  }
  to = value * unit;
  return Nothing{};
}

}  // namespace

void add_limit_options(CLI::App& app, RawLimits& guest, RawLimits& all) {
  const auto add = [&app](const char* option, std::string& to, const char* what, const char* type) {
    app.add_option(option, to, what)->type_name(type);
  };
  add("--deadline", guest.deadline, "End this guest after so long: 20s, 500ms, 2m", "TIME");
  add("--output", guest.output,
      "End this guest when it has written so many bytes to files, pipes and sockets", "BYTES");
  add("--fds", guest.fds, "How many descriptors this guest may have open (4096)", "COUNT");
  add("--tables", guest.tables, "How many elements this guest's tables may have (1000000)",
      "COUNT");
  add("--total-memory", all.memory_mib, "As --memory, for all guests together", "MIB");
  add("--total-stack", all.stack_kib, "As --stack, for all guests together", "KIB");
  add("--total-fuel", all.fuel, "As --fuel, for all guests together", "CHECKS");
  add("--total-tables", all.tables, "As --tables, for all guests together", "COUNT");
  add("--total-fds", all.fds, "As --fds, for all guests together", "COUNT");
  add("--total-output", all.output, "As --output, for all guests together", "BYTES");
  add("--total-deadline", all.deadline, "As --deadline, for all guests together", "TIME");
}

Result<UseLimits> read_limits(const std::string& prefix, const RawLimits& raw, UseLimits defaults) {
  constexpr std::uint64_t kMib = 1 << 20;
  constexpr std::uint64_t kKib = 1 << 10;
  UseLimits limits = defaults;
  BudgetSizes& sizes = limits.sizes;
  const struct {
    const char* name;
    const std::string& word;
    std::uint64_t unit;
    std::uint64_t& to;
  } amounts[] = {
      {"memory", raw.memory_mib, kMib, sizes.memory_bytes},
      {"stack", raw.stack_kib, kKib, sizes.stack_bytes},
      {"fuel", raw.fuel, 1, sizes.checks},
      {"tables", raw.tables, 1, sizes.table_elements},
      {"fds", raw.fds, 1, sizes.descriptors},
      {"output", raw.output, 1, sizes.output_bytes},
  };
  for (const auto& [name, word, unit, to] : amounts) {
    if (Status ok = read_amount(prefix + name, word, unit, to); !ok) return ok.error();
  }
  if (raw.deadline.empty()) return limits;
  auto time = read_duration(prefix + "deadline", raw.deadline);
  if (!time) return time.error();
  if (*time == Duration{}) return Error{prefix + "deadline wants more than no time"};
  limits.time = *time;
  return limits;
}

}  // namespace weft::tools
