// SPDX-License-Identifier: Apache-2.0
#include "tools/nats_objects.h"

#include <fmt/format.h>

#include <utility>

#include "base/sha256.h"
#include "control/json.h"
#include "tools/json_text.h"

namespace weft::tools {
namespace {

constexpr std::size_t kChunkBytes = 128 * 1024;  // As other clients have it.
constexpr std::size_t kObjectBytesMax = std::size_t{1} << 30;

// RFC 4648, for names, with its padding.
std::string base64_url(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const bool is_there = i + k < bytes.size();
      three = three << 8 | (is_there ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool is_there = k == 0 || i + k - 1 < bytes.size();
      text += is_there ? kDigits[three >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::string digest_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  const std::string hex = hash.hex();
  std::string raw;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    raw += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return "SHA-256=" + base64_url(raw);
}

}  // namespace

struct NatsObjects::Info {
  std::string nuid;
  std::uint64_t size = 0;
  std::uint64_t chunks = 0;
  std::string digest;
};

std::string NatsObjects::chunks_of(const std::string& nuid) const {
  return "$O." + bucket_ + ".C." + nuid;
}

std::string NatsObjects::meta_of(const std::string& name) const {
  return "$O." + bucket_ + ".M." + base64_url(name);
}

Status NatsObjects::create() {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const std::string chunks = "$O." + bucket_ + ".C.>";
  const std::string metas = "$O." + bucket_ + ".M.>";
  const char* subjects[] = {chunks.c_str(), metas.c_str()};
  config.Name = stream_.c_str();
  config.Subjects = subjects;
  config.SubjectsLen = 2;
  config.Discard = js_DiscardNew;
  config.AllowRollup = true;
  config.AllowDirect = true;
  config.MaxAge = kNatsKeptNs;
  return client_.call("no object store " + bucket_, [&](jsErrCode& code) {
    return js_AddStream(nullptr, client_.jetstream(), &config, nullptr, &code);
  });
}

Status NatsObjects::remove_all() {
  jsErrCode code{};
  const natsStatus status = js_DeleteStream(client_.jetstream(), stream_.c_str(), nullptr, &code);
  if (status == NATS_OK || code == JSStreamNotFoundErr) return Nothing{};
  return client_.error("the stream " + stream_ + " is left there: " + nats_text(status));
}

// `alone`: older messages of the subject go. The id keeps a message that is sent again from being
// there twice.
Status NatsObjects::publish(const std::string& subject, std::string_view bytes,
                            const std::string& message_id, bool alone, const GoesOn& goes_on) {
  return client_.call(
      "the object store " + bucket_,
      [&](jsErrCode& code) {
        natsMsg* made = nullptr;
        natsStatus status = natsMsg_Create(&made, subject.c_str(), nullptr, bytes.data(),
                                           static_cast<int>(bytes.size()));
        const NatsMessage message(made);
        if (status == NATS_OK && alone) {
          status = natsMsgHeader_Set(made, "Nats-Rollup", "sub");
        }
        jsPubOptions options;
        jsPubOptions_Init(&options);
        options.MsgId = message_id.c_str();
        if (status != NATS_OK) return status;
        return js_PublishMsg(nullptr, client_.jetstream(), made, &options, &code);
      },
      goes_on);
}

Status NatsObjects::put(const std::string& name, std::string_view bytes, const GoesOn& goes_on) {
  if (bytes.size() > kObjectBytesMax) {
    return Error{fmt::format("{}: {} bytes are more than an object may have, {}", name,
                             bytes.size(), kObjectBytesMax)};
  }
  const std::string nuid = nats_name();
  std::size_t chunks = 0;
  for (std::size_t at = 0; at < bytes.size(); at += kChunkBytes, ++chunks) {
    const std::string id = nuid + "-" + std::to_string(chunks);
    Status sent = publish(chunks_of(nuid), bytes.substr(at, kChunkBytes), id, false, goes_on);
    if (!sent) return sent;
  }
  const std::string meta = fmt::format(
      "{{\"name\": {}, \"bucket\": {}, \"nuid\": \"{}\", \"size\": {}, \"chunks\": {}, "
      "\"digest\": \"{}\", \"options\": {{\"max_chunk_size\": {}}}}}",
      json_text(name), json_text(bucket_), nuid, bytes.size(), chunks, digest_of(bytes),
      kChunkBytes);
  return publish(meta_of(name), meta, nuid, true, goes_on);
}

Result<NatsObjects::Info> NatsObjects::info(const std::string& name, const GoesOn& goes_on) {
  NatsMessage message;
  const std::string subject = meta_of(name);
  Status got = client_.call(
      "no object " + name + " in the store " + bucket_,
      [&](jsErrCode& code) {
        natsMsg* made = nullptr;
        const natsStatus status = js_GetLastMsg(&made, client_.jetstream(), stream_.c_str(),
                                                subject.c_str(), nullptr, &code);
        message.reset(made);
        return status;
      },
      goes_on);
  if (!got) return got.error();
  const Error damaged =
      client_.error("what the store " + bucket_ + " says of " + name + " is damaged");
  auto object =
      control::read_object({natsMsg_GetData(message.get()),
                            static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))});
  if (!object) return damaged;
  std::string wrong;
  const control::JsonFields fields(*object, wrong);
  Info info{fields.text("nuid"), fields.number("size"), fields.number("chunks"),
            fields.text("digest")};
  if (!wrong.empty() || !is_nats_name(info.nuid) || info.size > kObjectBytesMax) return damaged;
  return info;
}

Result<std::string> NatsObjects::get(const std::string& name, const GoesOn& goes_on) {
  auto found = info(name, goes_on);
  if (!found) return found.error();
  const std::string subject = chunks_of(found->nuid);
  std::string bytes;
  std::uint64_t sequence = 1;
  for (std::uint64_t n = 0; n < found->chunks && bytes.size() <= found->size; ++n) {
    NatsMessage chunk;
    Status got = client_.call(
        "a piece of " + name + " is missing in the store " + bucket_,
        [&](jsErrCode& /*code*/) {
          jsDirectGetMsgOptions next;
          jsDirectGetMsgOptions_Init(&next);
          next.Sequence = sequence;
          next.NextBySubject = subject.c_str();
          natsMsg* made = nullptr;
          const natsStatus status =
              js_DirectGetMsg(&made, client_.jetstream(), stream_.c_str(), nullptr, &next);
          chunk.reset(made);
          return status;
        },
        goes_on);
    if (!got) return got.error();
    bytes.append(natsMsg_GetData(chunk.get()),
                 static_cast<std::size_t>(natsMsg_GetDataLength(chunk.get())));
    sequence = natsMsg_GetSequence(chunk.get()) + 1;
  }
  if (bytes.size() != found->size || digest_of(bytes) != found->digest) {
    return client_.error("the bytes of " + name + " in the store " + bucket_ + " are damaged");
  }
  return bytes;
}

void NatsObjects::purge(const std::string& subject) {
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Purge.Subject = subject.c_str();
  jsErrCode code{};
  (void)js_PurgeStream(client_.jetstream(), stream_.c_str(), &options, &code);
}

void NatsObjects::remove(const std::string& name) {
  if (auto found = info(name, [] { return false; })) purge(chunks_of(found->nuid));
  purge(meta_of(name));
}

}  // namespace weft::tools
