// SPDX-License-Identifier: Apache-2.0
#include "tools/nats_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/printable.h"
#include "base/sha256.h"
#include "control/json.h"
#include "tools/heard_searches.h"
#include "tools/json_text.h"
#include "tools/messages.h"
#include "tools/nats_client.h"
#include "tools/nats_objects.h"
#include "tools/nats_version.h"
#include "tools/noted_signals.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

using Clock = std::chrono::steady_clock;
using control::JsonFields;

constexpr std::int64_t kAckWaitNs = 5'000'000'000;  // Of a part of which nothing is heard.
constexpr std::int64_t kReportAckWaitNs = 60'000'000'000;
constexpr std::int64_t kFetchMs = 300;
constexpr std::chrono::seconds kSaysSo{1};      // How often master and workers say so.
constexpr std::chrono::seconds kAsksServer{1};  // Whether what is on its way is still there.
constexpr int kLostMax = 3;                     // So often it may be missing, in a row.
// After a worker's last word. One that stalls, or pauses after a failure, says nothing meanwhile.
constexpr std::chrono::seconds kWorkerIsThere{30};
constexpr const char* kSearches = "weft.searches";
constexpr const char* kSpecObject = "search";
constexpr const char* kWorkers = "workers";
constexpr const char* kMaster = "master";

void wait_a_moment() {
  constexpr std::int64_t kMomentMs = 100;
  NotedSignals::check();
  nats_Sleep(kMomentMs);
}

std::string stream_of(const std::string& id) {
  return "WEFT_" + id;
}

std::string bucket_of(const std::string& id) {
  return "weft-" + id;
}

std::string subject_of(const std::string& id, const char* kind) {
  return "weft." + id + "." + kind;
}

std::string_view data_of(const natsMsg* message) {
  const char* data = natsMsg_GetData(message);
  return data == nullptr
             ? std::string_view{}
             : std::string_view(data, static_cast<std::size_t>(natsMsg_GetDataLength(message)));
}

std::string verdict_object(std::uint64_t part) {
  return fmt::format("verdict-{}-{}", part, nats_name());
}

// The master removes what a report names: so it must be nothing else.
bool is_verdict(const std::string& object) {
  const std::size_t begin = object.starts_with("verdict-") ? 8 : object.size();
  const std::size_t dash = object.find('-', begin);
  return dash != std::string::npos && is_nats_name(object.substr(begin, dash - begin)) &&
         is_nats_name(object.substr(dash + 1));
}

// The number behind the last dot; 0: none.
std::uint64_t part_of(const natsMsg* message) {
  const std::string subject = natsMsg_GetSubject(message);
  const std::string digits = subject.substr(subject.find_last_of('.') + 1);
  const bool is_number = !digits.empty() && digits.size() < 19 &&
                         digits.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoull(digits) : 0;
}

// The next message of the consumer, or none after a moment.
NatsMessage fetch_one(natsSubscription* subscription, natsStatus& status) {
  natsMsgList list{};
  jsErrCode code{};
  status = natsSubscription_Fetch(&list, subscription, 1, kFetchMs, &code);
  NatsMessage message;
  if (status == NATS_OK && list.Count > 0) {
    message.reset(list.Msgs[0]);
    list.Msgs[0] = nullptr;
  }
  natsMsgList_Destroy(&list);
  return message;
}

Result<NatsSubscription> pull(NatsClient& client, const std::string& id, const char* kind,
                              const char* consumer, const std::function<bool()>& goes_on = {}) {
  const std::string stream = stream_of(id);
  const std::string subject = subject_of(id, kind) + ".>";
  NatsSubscription subscription;
  const auto request = [&](jsErrCode& code) {
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = stream.c_str();
    options.Consumer = consumer;
    natsSubscription* made = nullptr;
    const natsStatus status = js_PullSubscribe(&made, client.jetstream(), subject.c_str(), consumer,
                                               nullptr, &options, &code);
    subscription.reset(made);
    return status;
  };
  if (Status made = client.call("the stream " + stream, request, goes_on); !made)
    return made.error();
  return subscription;
}

// ---- master -------------------------------------------------------------------------------------

class NatsMaster final : public MasterQueue {
 public:
  NatsMaster(std::unique_ptr<NatsClient> client, const SearchSpec& spec)
      : client_(std::move(client)),
        id_(spec.id),
        weft_(spec.weft),
        objects_(*client_, bucket_of(id_)) {}

  // The streams go, also when a signal ends the search.
  ~NatsMaster() override {
    said_ = {};
    tell({0, true});
    Status removed = objects_.remove_all();
    jsErrCode code{};
    const std::string stream = stream_of(id_);
    const natsStatus status = js_DeleteStream(client_->jetstream(), stream.c_str(), nullptr, &code);
    if (status != NATS_OK && code != JSStreamNotFoundErr) {
      removed = client_->error("the stream " + stream + " is left there: " + nats_text(status));
    }
    if (!removed) say("test: " + removed.error().message);
    constexpr std::int64_t kFlushMs = 1'000;
    (void)natsConnection_FlushTimeout(client_->connection(), kFlushMs);
  }
  NatsMaster(const NatsMaster&) = delete;
  NatsMaster& operator=(const NatsMaster&) = delete;

  Status open(const PackedSearch& search) {
    if (Status made = make_stream(); !made) return made;
    if (Status made = make_consumer(kWorkers, "part", kAckWaitNs); !made) return made;
    if (Status made = make_consumer(kMaster, "result", kReportAckWaitNs); !made) return made;
    if (Status made = objects_.create(); !made) return made;
    for (std::size_t n = 0; n < search.paths.size(); ++n) {
      auto bytes = read_whole_file(search.paths[n]);
      if (!bytes) return bytes.error();
      if (Status put = objects_.put(search.spec.files[n].sha256, *bytes); !put) return put;
    }
    if (Status put = objects_.put(kSpecObject, to_json(search.spec)); !put) return put;
    auto reports = pull(*client_, id_, "result", kMaster);
    if (!reports) return reports.error();
    reports_ = std::move(*reports);
    auto workers = client_->subscribe(subject_of(id_, "worker"));
    if (!workers) return workers.error();
    workers_ = std::move(*workers);
    return Nothing{};
  }

  Status put(std::uint64_t part, std::uint64_t attempt) override {
    const std::string subject = subject_of(id_, "part") + "." + std::to_string(part);
    const std::string message_id = fmt::format("part-{}-{}", part, attempt);
    return client_->call("the stream " + stream_of(id_), [&](jsErrCode& code) {
      jsPubOptions options;
      jsPubOptions_Init(&options);
      options.MsgId = message_id.c_str();
      return js_Publish(nullptr, client_->jetstream(), subject.c_str(), "", 0, &options, &code);
    });
  }

  Result<std::optional<PartReport>> next_report() override {
    natsStatus status{};
    report_ = fetch_one(reports_.get(), status);
    if (client_->is_closed()) return client_->error("the server has ended the connection");
    (void)client_->is_connected();  // Says so when that has changed.
    if (!report_) {
      if (status != NATS_TIMEOUT) wait_a_moment();
      return std::optional<PartReport>{};
    }
    std::string wrong;
    PartReport report;
    report.part = part_of(report_.get());
    if (const auto object = control::read_object(data_of(report_.get()))) {
      const JsonFields fields(*object, wrong);
      report.worker = fields.text("worker");
      if (fields.has("error")) report.error = fields.text("error");
      if (fields.has("begun")) report.begun = fields.flag("begun");
      object_ = fields.has("object") ? fields.text("object") : "";
      if (!object_.empty() && !is_verdict(object_)) {
        wrong = "it names " + printable(object_) + ", which is no verdict";
        object_.clear();
      }
    } else {
      wrong = object.error().message;
    }
    if (!wrong.empty()) report.error = "a damaged report: " + wrong;
    if (!report.error.empty()) return std::optional(std::move(report));
    auto verdict = objects_.get(object_);
    if (verdict) {
      report.verdict = std::move(*verdict);
    } else {
      report.error = verdict.error().message;
    }
    return std::optional(std::move(report));
  }

  void done_with_report() override {
    if (report_) (void)natsMsg_Ack(report_.get(), nullptr);
    report_.reset();
    if (!object_.empty()) objects_.remove(object_);
    object_.clear();
  }

  void tell(const SearchNews& news) override {
    const Clock::time_point now = Clock::now();
    if (!news.over && now - said_ < kSaysSo) return;
    said_ = now;
    client_->publish(
        kSearches,
        fmt::format("{{\"format\": \"weft-search\", \"format_version\": {}, \"weft\": {}, "
                    "\"id\": {}, \"last_needed\": {}, \"over\": {}}}",
                    kSpecVersion, json_text(weft_), json_text(id_), news.last_needed, news.over));
  }

  Result<bool> is_empty() override {
    const Clock::time_point now = Clock::now();
    if (!client_->is_connected() || now - asked_ < kAsksServer) return false;
    asked_ = now;
    for (const std::string& stream : {"OBJ_" + bucket_of(id_), stream_of(id_)}) {
      jsStreamInfo* info = nullptr;
      jsErrCode code{};
      const natsStatus status =
          js_GetStreamInfo(&info, client_->jetstream(), stream.c_str(), nullptr, &code);
      const bool is_empty = status == NATS_OK && info->State.Msgs == 0;
      jsStreamInfo_Destroy(info);
      if (code == JSStreamNotFoundErr) {
        if (++lost_ < kLostMax) return false;
        return client_->error("the server has lost the stream " + stream +
                              ", and the search with it: start it again");
      }
      if (status != NATS_OK) return false;
      if (stream == stream_of(id_)) {
        lost_ = 0;
        return is_empty;
      }
    }
    return false;
  }

  std::uint64_t workers() override {
    const Clock::time_point now = Clock::now();
    for (;;) {
      natsMsg* made = nullptr;
      if (natsSubscription_NextMsg(&made, workers_.get(), 0) != NATS_OK) break;
      const NatsMessage message(made);
      heard_[std::string(data_of(made))] = now;
    }
    std::erase_if(heard_, [now](const auto& one) { return now - one.second > kWorkerIsThere; });
    return heard_.size();
  }

 private:
  Status make_stream() {
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    const std::string name = stream_of(id_);
    const std::string parts = subject_of(id_, "part") + ".>";
    const std::string results = subject_of(id_, "result") + ".>";
    const char* subjects[] = {parts.c_str(), results.c_str()};
    config.Name = name.c_str();
    config.Subjects = subjects;
    config.SubjectsLen = 2;
    config.Retention = js_WorkQueuePolicy;
    config.MaxAge = kNatsKeptNs;
    return client_->call("no stream " + name, [&](jsErrCode& code) {
      return js_AddStream(nullptr, client_->jetstream(), &config, nullptr, &code);
    });
  }

  Status make_consumer(const char* name, const char* kind, std::int64_t ack_wait_ns) {
    const std::string subject = subject_of(id_, kind) + ".>";
    const std::string stream = stream_of(id_);
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = name;
    config.AckPolicy = js_AckExplicit;
    config.AckWait = ack_wait_ns;
    config.FilterSubject = subject.c_str();
    config.MaxAckPending = -1;
    return client_->call("no consumer of the stream " + stream, [&](jsErrCode& code) {
      return js_AddConsumer(nullptr, client_->jetstream(), stream.c_str(), &config, nullptr, &code);
    });
  }

  std::unique_ptr<NatsClient> client_;
  const std::string id_;
  const std::string weft_;
  NatsObjects objects_;
  NatsSubscription reports_;
  NatsSubscription workers_;
  NatsMessage report_;  // Not yet in the books.
  std::string object_;  // Its verdict.
  Clock::time_point said_;
  Clock::time_point asked_;                         // The server, whether the streams are there.
  int lost_ = 0;                                    // How often they were not, in a row.
  std::map<std::string, Clock::time_point> heard_;  // Workers.
};

// ---- worker -------------------------------------------------------------------------------------

class NatsWorker final : public WorkerQueue {
 public:
  NatsWorker(std::unique_ptr<NatsClient> client, std::string name, Duration master_timeout)
      : client_(std::move(client)),
        name_(std::move(name)),
        heard_(std::chrono::nanoseconds(master_timeout.ns)) {}

  Status open() {
    auto news = client_->subscribe(kSearches);
    if (!news) return news.error();
    news_ = std::move(*news);
    return Nothing{};
  }

  Result<std::optional<TakenPart>> take() override {
    if (client_->is_closed()) return client_->error("the server has ended the connection");
    hear();
    // The one that comes after the last one that was asked, so that each has its turn.
    asked_ = heard_.after(asked_);
    if (asked_.empty()) {
      wait_a_moment();
      return std::optional<TakenPart>{};
    }
    auto part = take_of(asked_);
    if (!part) {
      // It may have ended between two words of its master; it is there again when that is heard.
      heard_.forget(asked_);
      if (++refusals_[asked_] == 2) say("worker: search " + asked_ + ": " + part.error().message);
      wait_a_moment();
      return std::optional<TakenPart>{};
    }
    return *part;
  }

  Result<SearchSpec> spec() override {
    auto text = objects().get(kSpecObject, [this] { return goes_on(); });
    if (!text) return text.error();
    auto spec = read_spec(*text);
    if (spec && spec->id != taken_.search) return Error{"a search under the name of another one"};
    return spec;
  }

  Status fetch(const SearchSpec::File& file, const std::string& path) override {
    auto bytes = objects().get(file.sha256, [this] { return goes_on(); });
    if (!bytes) return bytes.error();
    Sha256 hash;
    hash.add(*bytes);
    if (hash.hex() != file.sha256) return Error{file.name + ": its bytes are others than its name"};
    return write_file(path, *bytes);
  }

  bool goes_on() override {
    hear();
    const Clock::time_point now = Clock::now();
    if (now - said_ >= kSaysSo) {
      said_ = now;
      (void)natsMsg_InProgress(part_.get(), nullptr);
      client_->publish(subject_of(taken_.search, "worker"), name_);
    }
    return heard_.need_of(taken_) == HeardSearches::Need::yes;
  }

  Status send(const PartReport& report) override {
    const auto needed = [this] { return goes_on(); };
    std::string object;
    if (report.error.empty()) {
      object = verdict_object(report.part);
      if (Status put = objects().put(object, report.verdict, needed); !put) return put;
    }
    const std::string text = fmt::format(
        "{{\"worker\": {}, \"error\": {}, \"begun\": {}, \"object\": {}}}", json_text(name_),
        report.error.empty() ? "null" : json_text(report.error), report.begun, json_text(object));
    const std::string subject =
        subject_of(taken_.search, "result") + "." + std::to_string(report.part);
    const std::string message_id = "result-" + nats_name();
    Status sent = client_->call(
        "the stream " + stream_of(taken_.search),
        [&](jsErrCode& code) {
          jsPubOptions options;
          jsPubOptions_Init(&options);
          options.MsgId = message_id.c_str();
          return js_Publish(nullptr, client_->jetstream(), subject.c_str(), text.data(),
                            static_cast<int>(text.size()), &options, &code);
        },
        needed);
    if (!sent) return sent;
    take_out();
    return Nothing{};
  }

  void give_back() override {
    if (part_) (void)natsMsg_Nak(part_.get(), nullptr);
    flush();
    part_.reset();
  }

  void leave() override {
    const HeardSearches::Need need = heard_.need_of(taken_);
    if (need == HeardSearches::Need::none) return take_out();
    if (need == HeardSearches::Need::unknown) {
      say(fmt::format("worker: search {}: nothing is heard of it; part {} is given back",
                      taken_.search, taken_.part));
    }
    give_back();
  }

  bool is_over(const std::string& search) override {
    hear();
    return !heard_.knows(search);
  }

 private:
  // A message needs the subscription that it has come from.
  using SharedSubscription = std::shared_ptr<natsSubscription>;

  void take_out() {
    if (part_) (void)natsMsg_Ack(part_.get(), nullptr);
    flush();
    part_.reset();
  }

  void flush() {
    constexpr std::int64_t kFlushMs = 500;
    if (client_->is_connected()) {
      (void)natsConnection_FlushTimeout(client_->connection(), kFlushMs);
    }
  }
  NatsObjects objects() { return {*client_, bucket_of(taken_.search)}; }

  Result<std::optional<TakenPart>> take_of(const std::string& id) {
    SharedSubscription& subscription = subscriptions_[id];
    if (!subscription) {
      const auto goes_on = [this, &id] {
        hear();
        return heard_.knows(id);
      };
      auto made = pull(*client_, id, "part", kWorkers, goes_on);
      if (!made) return made.error();
      subscription = std::move(*made);
    }
    natsStatus status{};
    parts_ = subscription;
    part_ = fetch_one(parts_.get(), status);
    if (!part_ && client_->take_forbidden()) {
      return client_->error("this user of the server may not take its parts");
    }
    if (!part_ && status != NATS_TIMEOUT) {
      subscription.reset();  // It is made again.
      wait_a_moment();
    }
    if (!part_) return std::optional<TakenPart>{};
    taken_ = {id, part_of(part_.get())};
    said_ = {};
    if (!goes_on()) {
      leave();
      return std::optional<TakenPart>{};
    }
    return std::optional(taken_);
  }

  // What the masters have said since. While the server is away nobody can be heard.
  void hear() {
    const Clock::time_point now = Clock::now();
    const bool connected = client_->is_connected();
    for (;;) {
      natsMsg* made = nullptr;
      if (natsSubscription_NextMsg(&made, news_.get(), 0) != NATS_OK) break;
      const NatsMessage message(made);
      hear_one(data_of(made), now);
    }
    if (!connected) heard_.wait(now);
    heard_.forget_silent(now);
    std::erase_if(subscriptions_, [&](const auto& one) { return !heard_.knows(one.first); });
  }

  void hear_one(std::string_view text, Clock::time_point now) {
    const auto object = control::read_object(text);
    if (!object) return;
    std::string wrong;
    const JsonFields fields(*object, wrong);
    const std::string id = fields.text("id");
    if (fields.text("format") != "weft-search" || !is_nats_name(id)) return;
    const std::string weft = fields.text("weft");
    const std::uint64_t version = fields.number("format_version");
    if (version != kSpecVersion || weft != WEFT_VERSION) {
      if (refused_.insert(id).second) {
        say(fmt::format(
            "worker: search {} is of weft {} (version {}); this is weft {} (version {})", id,
            printable(weft), version, WEFT_VERSION, kSpecVersion));
      }
      return;
    }
    const std::uint64_t last_needed = fields.number("last_needed");
    const bool over = fields.flag("over");
    if (!wrong.empty()) return;
    heard_.hear(id, {last_needed, over}, now);
  }

  std::unique_ptr<NatsClient> client_;
  const std::string name_;
  NatsSubscription news_;
  HeardSearches heard_;
  std::map<std::string, SharedSubscription> subscriptions_;  // To the parts of known searches.
  std::map<std::string, int> refusals_;  // How often the server gave no parts of it.
  std::set<std::string> refused_;        // Of another version.
  std::string asked_;                    // The last that was asked for a part.
  SharedSubscription parts_;             // Of part_.
  NatsMessage part_;
  TakenPart taken_;
  Clock::time_point said_;
};

}  // namespace

std::string nats_in_words() {
  return std::string("with NATS (libnats ") + nats_GetVersion() + ")";
}

Result<std::unique_ptr<MasterQueue>> nats_master(const NatsOptions& options,
                                                 const PackedSearch& search) {
  auto client = NatsClient::connect(options);
  if (!client) return client.error();
  auto master = std::make_unique<NatsMaster>(std::move(*client), search.spec);
  if (Status opened = master->open(search); !opened) return opened.error();
  return std::unique_ptr<MasterQueue>(std::move(master));
}

Result<std::unique_ptr<WorkerQueue>> nats_worker(const NatsOptions& options,
                                                 const std::string& name, Duration master_timeout) {
  auto client = NatsClient::connect(options);
  if (!client) return client.error();
  auto worker = std::make_unique<NatsWorker>(std::move(*client), name, master_timeout);
  if (Status opened = worker->open(); !opened) return opened.error();
  return std::unique_ptr<WorkerQueue>(std::move(worker));
}

}  // namespace weft::tools
