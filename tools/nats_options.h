// SPDX-License-Identifier: Apache-2.0
// The options of `weft test` and `weft worker` that name a NATS server.
#pragma once

#include <string>

#include "base/result.h"

namespace CLI {
class App;
}

namespace weft::tools {

struct NatsOptions {
  std::string url;
  std::string creds;  // Files; empty: none.
  std::string ca;
  std::string cert;
  std::string key;
};

// --nats URL, and what the client shows the server. The group is where the help has them.
void add_nats_options(CLI::App& app, NatsOptions& options, const char* group);

// The error completes "weft: COMMAND: ".
Status check_nats_options(const NatsOptions& options);

}  // namespace weft::tools
