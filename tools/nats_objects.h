// SPDX-License-Identifier: Apache-2.0
// NatsObjects: a bucket of JetStream's object store, in the layout that all its clients share
// (ADR-20 of NATS), since libnats 3.4 has no calls for it. `nats object get` reads it.
//
//   stream OBJ_<bucket>   $O.<bucket>.C.<nuid>          the bytes, in chunks
//                         $O.<bucket>.M.<base64 name>   one message: size, chunks, SHA-256
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/nats_client.h"

namespace weft::tools {

class NatsObjects {
 public:
  // The client must outlive it.
  NatsObjects(NatsClient& client, std::string bucket)
      : client_(client), bucket_(std::move(bucket)), stream_("OBJ_" + bucket_) {}

  // goes_on: see NatsClient::call.
  using GoesOn = std::function<bool()>;

  Status create();
  Status remove_all();
  Status put(const std::string& name, std::string_view bytes, const GoesOn& goes_on = {});
  // The error: there is none, or its bytes are not those that were put.
  Result<std::string> get(const std::string& name, const GoesOn& goes_on = {});
  // It need not be there.
  void remove(const std::string& name);

 private:
  struct Info;
  Result<Info> info(const std::string& name, const GoesOn& goes_on);
  Status publish(const std::string& subject, std::string_view bytes, const std::string& message_id,
                 bool alone, const GoesOn& goes_on);
  [[nodiscard]] std::string chunks_of(const std::string& nuid) const;
  [[nodiscard]] std::string meta_of(const std::string& name) const;
  void purge(const std::string& subject);

  NatsClient& client_;
  const std::string bucket_;
  const std::string stream_;
};

}  // namespace weft::tools
