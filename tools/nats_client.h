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

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/nats_options.h"

namespace weft::tools {

// How long the server keeps what a master has left there that was killed: a week.
inline constexpr std::int64_t kNatsKeptNs = std::int64_t{7} * 24 * 3600 * 1'000'000'000;

// For how long a request that fails is made again while the server is there.
inline constexpr std::chrono::seconds kNatsRetry{20};

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

  // Has the server refused something since the last call, since the user may not? A request that
  // is refused has no answer: it looks like one that took too long.
  bool take_forbidden() { return is_forbidden_.exchange(false); }

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
  std::atomic<bool> is_forbidden_ = false;  // Set by a thread of the library.
};

// What the library says of its last failure in this thread.
std::string nats_text(natsStatus status);

// 22 letters and digits by chance.
std::string nats_name();
// Letters and digits, 64 at most: it can be a part of a subject. A name from the network may not
// be one: ">" stands for all subjects.
bool is_nats_name(std::string_view name);

}  // namespace weft::tools
