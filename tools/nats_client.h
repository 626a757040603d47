// SPDX-License-Identifier: Apache-2.0
// NatsClient: a connection to a NATS server with JetStream. With tools/nats_objects.h and
// tools/nats_queue.cpp the door to libnats.
//
//   connect ─▶ [ call: a request of JetStream, made again while the server is away ]... ─▶ close
//
// The library's threads hold all signals back: they come to the main thread. A connection that
// breaks is made again by the library, for as long as it takes.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "tools/nats_options.h"

namespace weft::tools {

// How long the server keeps what a master has left there that was killed: a week.
inline constexpr std::int64_t kNatsKeptNs = std::int64_t{7} * 24 * 3600 * 1'000'000'000;

// Handles of libnats.
template <class T, void (*destroy)(T*)>
struct NatsDeleter {
  void operator()(T* handle) const { destroy(handle); }
};
template <class T, void (*destroy)(T*)>
using NatsHandle = std::unique_ptr<T, NatsDeleter<T, destroy>>;

using NatsMessage = NatsHandle<natsMsg, natsMsg_Destroy>;
using NatsSubscription = NatsHandle<natsSubscription, natsSubscription_Destroy>;

class NatsClient {
 public:
  // The error names the server, and says why there is no connection, or no JetStream.
  static Result<std::unique_ptr<NatsClient>> connect(const NatsOptions& options);
  ~NatsClient();
  NatsClient(const NatsClient&) = delete;
  NatsClient& operator=(const NatsClient&) = delete;

  [[nodiscard]] natsConnection* connection() const { return connection_; }
  [[nodiscard]] jsCtx* jetstream() const { return jetstream_; }

  // Makes a request; again while the server is away or starts, as long as goes_on. Throws
  // Interrupted when a signal was noted. `what` is for the error: "no stream WEFT_1".
  using Request = std::function<natsStatus(jsErrCode& code)>;
  Status call(const std::string& what, const Request& request,
              const std::function<bool()>& goes_on = {});

  // False while the connection is broken. Says so on stderr when that changes.
  bool is_connected();
  // Closed for ever: the server refuses it.
  [[nodiscard]] bool is_closed() const { return natsConnection_IsClosed(connection_); }
  // "nats://host:4222: TEXT"
  [[nodiscard]] Error error(const std::string& text) const { return Error{server_ + ": " + text}; }

  // Without an answer.
  void publish(const std::string& subject, const std::string& text);
  Result<NatsSubscription> subscribe(const std::string& subject);

 private:
  explicit NatsClient(std::string server) : server_(std::move(server)) {}
  Status open(const NatsOptions& options);
  Status check_jetstream();

  const std::string server_;  // Without a password.
  natsConnection* connection_ = nullptr;
  jsCtx* jetstream_ = nullptr;
  bool was_connected_ = true;
};

// What the library says of its last failure in this thread.
std::string nats_text(natsStatus status);

// 22 characters by chance.
std::string nats_name();

}  // namespace weft::tools
