// SPDX-License-Identifier: Apache-2.0
// The options that limit what one guest may use, and what all guests may together:
//
//   --deadline --output --fds --tables               one guest, beside --memory --stack --fuel
//   --total-memory --total-stack --total-fuel ...    all guests of the run
#pragma once

#include <string>

#include "guest/runtime.h"

namespace CLI {
class App;
}

namespace weft::tools {

// Words of the command line; "" where the option is not given.
struct RawLimits {
  std::string memory;  // MiB without a unit, as --memory.
  std::string stack;   // KiB without a unit, as --stack.
  std::string fuel;
  std::string tables;
  std::string fds;
  std::string output;
  std::string deadline;

  [[nodiscard]] bool operator==(const RawLimits&) const = default;
};

void add_limit_options(CLI::App& app, RawLimits& guest, RawLimits& all);

// `prefix`: "--" or "--total-", for messages. Without an option its limit is that of `defaults`.
Result<UseLimits> read_limits(const std::string& prefix, const RawLimits& raw, UseLimits defaults);

}  // namespace weft::tools
