// SPDX-License-Identifier: Apache-2.0
#include "tools/nats_client.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "base/printable.h"
#include "tools/messages.h"
#include "tools/noted_signals.h"

namespace weft::tools {
namespace {

constexpr std::int64_t kConnectMs = 5'000;
constexpr std::int64_t kRequestMs = 2'000;
constexpr std::int64_t kReconnectMs = 200;
constexpr std::int64_t kPingMs = 5'000;
constexpr std::chrono::milliseconds kAgain{100};

// For as long as this lives, new threads hold all signals back.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

 private:
  sigset_t before_{};
};

// "nats://me:secret@host:4222" without what is secret.
std::string without_password(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t at = url.rfind('@');
  if (at == std::string::npos || at < begin) return printable(url);
  return printable(url.substr(0, begin) + url.substr(at + 1));
}

// "host" of "tls://me@host:4222".
std::string host_of(const std::string& url) {
  std::string host = without_password(url);
  if (const std::size_t scheme = host.find("://"); scheme != std::string::npos) {
    host.erase(0, scheme + 3);
  }
  if (host.starts_with("[")) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find_first_of(":/"));
}

// Will the same request succeed when the server is back?
bool is_passing(natsStatus status, jsErrCode code) {
  switch (status) {
    case NATS_TIMEOUT:
    case NATS_NO_RESPONDERS:
    case NATS_NO_SERVER:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_STALE_CONNECTION:
    case NATS_IO_ERROR:
    case NATS_INSUFFICIENT_BUFFER:
      return true;
    default:
      return code == JSClusterNotAvailErr || code == JSClusterNotLeaderErr;
  }
}

std::string why_no_connection(natsStatus status) {
  switch (status) {
    case NATS_NO_SERVER:
      return "no NATS server answers there";
    case NATS_TIMEOUT:
      return "what is there does not answer as a NATS server";
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return "the server refuses these credentials";
    default:
      return nats_text(status);
  }
}

using OptionsHandle = NatsHandle<natsOptions, natsOptions_Destroy>;

}  // namespace

std::string nats_text(natsStatus status) {
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  if (last != status || text == nullptr || *text == '\0') text = natsStatus_GetText(status);
  return printable(text);
}

std::string nats_name() {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kLength = 22;
  std::random_device chance;
  std::uniform_int_distribution<std::size_t> digit(0, kDigits.size() - 1);
  std::string name;
  while (name.size() < kLength) name += kDigits[digit(chance)];
  return name;
}

bool is_nats_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

Result<std::unique_ptr<NatsClient>> NatsClient::connect(const NatsOptions& options) {
  std::unique_ptr<NatsClient> client(new NatsClient(without_password(options.url)));
  if (Status opened = client->open(options); !opened) return opened.error();
  if (Status there = client->check_jetstream(); !there) return there.error();
  return client;
}

NatsClient::~NatsClient() {
  jsCtx_Destroy(jetstream_);
  natsConnection_Destroy(connection_);
  constexpr std::int64_t kCloseMs = 1'000;
  nats_CloseAndWait(kCloseMs);
}

Status NatsClient::open(const NatsOptions& given) {
  const SignalsHeldBack held_back;
  natsOptions* made = nullptr;
  if (natsOptions_Create(&made) != NATS_OK) return refused_by_host("libnats: out of memory");
  const OptionsHandle options(made);
  const bool tls = !given.ca.empty() || !given.cert.empty() || given.url.starts_with("tls://");
  const auto set = [this](const char* about, natsStatus status) -> Status {
    if (status == NATS_OK) return Nothing{};
    return error(std::string(about) + ": " + nats_text(status));
  };
  const auto note = [](natsConnection*, natsSubscription*, natsStatus status, void* client) {
    if (status == NATS_NOT_PERMITTED) static_cast<NatsClient*>(client)->is_forbidden_ = true;
  };
  const auto file = [](const std::string& path) -> Status {
    if (path.empty() || ::access(path.c_str(), R_OK) == 0) return Nothing{};
    return errno_error(path, errno);
  };
  for (const std::string* path : {&given.creds, &given.ca, &given.cert, &given.key}) {
    if (Status there = file(*path); !there) return there;
  }
  const auto first_wrong = [](std::initializer_list<Status> all) -> Status {
    for (const Status& status : all) {
      if (!status) return status;
    }
    return Nothing{};
  };
  natsOptions* o = options.get();
  if (Status ok = first_wrong({
          set("the URL", natsOptions_SetURL(o, given.url.c_str())),
          set("name", natsOptions_SetName(o, "weft")),
          set("time-out", natsOptions_SetTimeout(o, kConnectMs)),
          set("reconnect", natsOptions_SetMaxReconnect(o, -1)),
          set("reconnect", natsOptions_SetReconnectWait(o, kReconnectMs)),
          set("ping", natsOptions_SetPingInterval(o, kPingMs)),
          set("errors", natsOptions_SetErrorHandler(o, note, this)),
      });
      !ok) {
    return ok;
  }
  if (!given.creds.empty()) {
    const auto status = natsOptions_SetUserCredentialsFromFiles(o, given.creds.c_str(), nullptr);
    if (Status ok = set("--nats-creds", status); !ok) return ok;
  }
  if (tls) {
    if (Status ok = set("TLS", natsOptions_SetSecure(o, true)); !ok) return ok;
    const std::string host = host_of(given.url);
    if (Status ok = set("TLS", natsOptions_SetExpectedHostname(o, host.c_str())); !ok) return ok;
  }
  if (!given.ca.empty()) {
    const auto status = natsOptions_LoadCATrustedCertificates(o, given.ca.c_str());
    if (Status ok = set("--nats-ca", status); !ok) return ok;
  }
  if (!given.cert.empty()) {
    const auto status = natsOptions_LoadCertificatesChain(o, given.cert.c_str(), given.key.c_str());
    if (Status ok = set("--nats-cert", status); !ok) return ok;
  }
  const natsStatus connected = natsConnection_Connect(&connection_, o);
  if (connected != NATS_OK) return error(why_no_connection(connected));
  jsOptions js;
  jsOptions_Init(&js);
  js.Wait = kRequestMs;
  return set("JetStream", natsConnection_JetStream(&jetstream_, connection_, &js));
}

Status NatsClient::check_jetstream() {
  jsAccountInfo* info = nullptr;
  jsErrCode code{};
  const natsStatus status = js_GetAccountInfo(&info, jetstream_, nullptr, &code);
  jsAccountInfo_Destroy(info);
  if (status == NATS_OK) return Nothing{};
  if (status == NATS_NO_RESPONDERS || code == JSNotEnabledErr) {
    return error("the server there has no JetStream: start it as nats-server -js");
  }
  if (code == JSNotEnabledForAccountErr) return error("JetStream is not enabled for this account");
  return error("no JetStream: " + nats_text(status));
}

bool NatsClient::is_connected() {
  const bool now = natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED;
  if (now != was_connected_) {
    say(server_ +
        (now ? ": the server is back" : ": the server is away; waiting until it is back"));
  }
  was_connected_ = now;
  return now;
}

Status NatsClient::call(const std::string& what, const Request& request,
                        const std::function<bool()>& goes_on) {
  // The server says "no responders" while it starts, and when there is no such stream.
  using Clock = std::chrono::steady_clock;
  Clock::time_point give_up = Clock::now() + kNatsRetry;
  for (;;) {
    jsErrCode code{};
    is_forbidden_ = false;
    const natsStatus status = request(code);
    if (status == NATS_OK) return Nothing{};
    if (is_forbidden_) return error(what + ": this user of the server may not ask for it");
    const std::string text = nats_text(status);
    const std::string failed = fmt::format("{}: {}", what, text);
    NotedSignals::check();
    if (is_closed()) return error("the server has ended the connection: " + text);
    const bool connected = is_connected();
    if (connected && !is_passing(status, code)) return error(failed);
    if (!connected) give_up = Clock::now() + kNatsRetry;
    if (Clock::now() > give_up || (goes_on && !goes_on())) return error(failed);
    std::this_thread::sleep_for(kAgain);
  }
}

void NatsClient::publish(const std::string& subject, const std::string& text) {
  (void)natsConnection_PublishString(connection_, subject.c_str(), text.c_str());
}

Result<NatsSubscription> NatsClient::subscribe(const std::string& subject) {
  natsSubscription* made = nullptr;
  const natsStatus status = natsConnection_SubscribeSync(&made, connection_, subject.c_str());
  if (status != NATS_OK) return error("no subscription to " + subject + ": " + nats_text(status));
  return NatsSubscription(made);
}

}  // namespace weft::tools
