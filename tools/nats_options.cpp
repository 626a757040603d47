// SPDX-License-Identifier: Apache-2.0
#include "tools/nats_options.h"

#include <CLI/CLI.hpp>

#include "base/printable.h"

namespace weft::tools {

void add_nats_options(CLI::App& app, NatsOptions& options, const char* group) {
  const auto add = [&](const char* option, std::string& to, const char* what, const char* type) {
    app.add_option(option, to, what)->type_name(type)->group(group);
  };
  const bool is_worker = app.get_name() == "weft worker";
  add("--nats", options.url,
      is_worker ? "The NATS server whose searches to work for: nats://HOST:4222, tls://HOST:4222"
                : "Have the seeds run by weft worker, on any machine, over a NATS server with "
                  "JetStream:\nnats://HOST:4222, tls://HOST:4222",
      "URL");
  add("--nats-creds", options.creds, "The user's credentials, as nsc writes them", "FILE");
  add("--nats-ca", options.ca, "The certificates that the server's must be signed by", "FILE");
  add("--nats-cert", options.cert, "The client's own certificate; needs --nats-key", "FILE");
  add("--nats-key", options.key, "Its key", "FILE");
}

Status check_nats_options(const NatsOptions& options) {
  if (options.cert.empty() != options.key.empty()) {
    return Error{"--nats-cert and --nats-key go together"};
  }
  if (!options.url.empty()) {
    const bool known = options.url.starts_with("nats://") || options.url.starts_with("tls://");
    if (known || options.url.find("://") == std::string::npos) return Nothing{};
    return Error{"--nats wants nats://HOST:PORT or tls://HOST:PORT, not '" +
                 printable(options.url) + "'"};
  }
  for (const auto& [name, value] :
       {std::pair("--nats-creds", &options.creds), std::pair("--nats-ca", &options.ca),
        std::pair("--nats-cert", &options.cert)}) {
    if (!value->empty()) return Error{std::string(name) + " needs --nats"};
  }
  return Nothing{};
}

}  // namespace weft::tools
