// SPDX-License-Identifier: Apache-2.0
#include "control/requests.h"

#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/printable.h"
#include "control/guest_metrics.h"
#include "control/json.h"
#include "control/metrics.h"
#include "guest/computing_dump.h"
#include "guest/goroutine_dump.h"
#include "scheduler/report.h"

namespace weft::control {
namespace {

namespace json = boost::json;

// What is counted is counted for so long after the last question for it.
constexpr Duration kIdle = seconds(60);
// A dump must not hold up the guests.
constexpr std::size_t kGsDumped = 10'000;

// "runnable", "sleep" (what it waits for), "exited 3", "trapped", "killed".
std::string state_of(const Guest& guest) {
  if (guest.g() != nullptr) {
    const G& g = *guest.g();
    return g.is_waiting() ? name(g.wait_reason) : name(g.state());
  }
  if (!guest.end()) return "ended";
  switch (guest.end()->kind) {
    case GuestEnd::Kind::exited:
      return "exited " + std::to_string(guest.end()->exit_code);
    case GuestEnd::Kind::trapped:
      return "trapped";
    case GuestEnd::Kind::killed:
      return "killed";
  }
  return "ended";
}

json::object failed(const std::string& message) {
  return {{"ok", false}, {"error", as_utf8(message)}};
}

json::object done(const Status& status) {
  if (!status) return failed(status.error().message);
  return {{"ok", true}};
}

double in_seconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

}  // namespace

Requests::Requests(Runtime& runtime, Program program)
    : runtime_(runtime),
      program_(std::move(program)),
      accounting_(runtime.scheduler(), runtime.clock()) {}

Requests::~Requests() {
  if (trace_ != nullptr) (void)stop_trace();
}

std::string Requests::greeting() const {
  const json::object said = {{"weft", program_.version},
                             {"control", kProtocolVersion},
                             {"pid", ::getpid()},
                             {"program", as_utf8(program_.name)}};
  return json::serialize(said) + "\n";
}

std::string Requests::answer(std::string_view line) {
  ++requests_;
  json::object reply;
  json::value id;
  const auto request = read_object(line);
  if (!request) {
    reply = failed("a request is a JSON object in one line: " + request.error().message);
    return json::serialize(reply) + "\n";
  }
  std::string wrong;
  const JsonFields fields(*request, wrong);
  if (fields.has("id")) id = request->at("id");
  const std::string what = fields.text("request");
  if (what == "guests" || what == "ps") {
    return guests();
  }
  if (what == "stats") {
    reply = {{"ok", true}, {"text", stats()}};
  } else if (what == "dump") {
    reply = {{"ok", true}, {"text", as_utf8(dump())}};
  } else if (what == "kill" && fields.has("all")) {
    kill_all();
    reply = {{"ok", true}};
  } else if (what == "kill") {
    const std::uint64_t number = fields.number("guest");
    reply = wrong.empty() ? done(kill(number)) : failed(wrong);
  } else if (what == "trace-start") {
    const std::string file = fields.text("file");
    reply = wrong.empty() ? done(start_trace(file)) : failed(wrong);
  } else if (what == "trace-stop") {
    reply = done(stop_trace());
  } else if (!wrong.empty()) {
    reply = failed(wrong);
  } else {
    reply = failed("unknown request '" + printable(what) +
                   "': it is guests, kill, dump, stats, trace-start or trace-stop");
  }
  if (!id.is_null()) reply["id"] = id;
  return json::serialize(reply) + "\n";
}

void Requests::count() {
  accounting_.install();
  asked_ = runtime_.clock().now();
}

void Requests::look_at_the_time() {
  if (trace_ != nullptr || !accounting_.is_installed()) return;
  if (runtime_.clock().now() - asked_ >= kIdle) accounting_.remove();
}

std::string Requests::guests() {
  count();
  const Census census = runtime_.scheduler().census();
  const Instant now = runtime_.clock().now();
  json::array rows;
  GoroutineBudget goroutine_budget;
  for (const auto& guest : runtime_.guests()) {
    const Accounting::Row& row = accounting_.of(*guest);
    const Budgets* budgets = guest->budgets();
    json::object said = {{"guest", guest->number()},
                         {"name", as_utf8(guest->name())},
                         {"engine", guest->engine()},
                         {"state", state_of(*guest)},
                         {"alive", guest->g() != nullptr},
                         {"on_cpu_ns", row.on_cpu.ns},
                         {"switches", row.switches},
                         {"wait_p50_ns", row.waits.quantile(0.5).ns},
                         {"wait_p99_ns", row.waits.quantile(0.99).ns},
                         {"memory_bytes", budgets != nullptr ? budgets->memory_bytes.used() : 0},
                         {"descriptors", budgets != nullptr ? budgets->descriptors.used() : 0},
                         {"fuel", guest->fuel_given()}};
    if (guest->g() != nullptr && guest->g()->is_waiting()) {
      said["waiting_ns"] = (now - guest->g()->waiting_since).ns;
    }
    const auto goroutines = goroutine_counts_of(*guest, goroutine_budget);
    if (goroutines.all() > 0 || !goroutines.is_whole) {
      said["goroutines"] = {{"running", goroutines.running},
                            {"runnable", goroutines.runnable},
                            {"waiting", goroutines.waiting}};
      if (!goroutines.is_whole) said["goroutines"].get_object()["whole"] = false;
    }
    rows.push_back(std::move(said));
  }
  const json::object reply = {{"ok", true},
                              {"now_ns", now.ns},
                              {"since_start_ns", census.since_start.ns},
                              {"switches", census.switches},
                              {"runnable", census.runnable},
                              {"gs", census.gs.size()},
                              {"guests", std::move(rows)}};
  return json::serialize(reply) + "\n";
}

std::string Requests::stats() {
  count();
  const Census census = runtime_.scheduler().census();
  MetricsText text;
  text.family("weft", "info", "", "The weft that answers.");
  text.sample("_info", label("version", program_.version) + "," + label("program", program_.name),
              std::uint64_t{1});
  text.family("weft_switches", "counter", "", "Switches of green threads.");
  text.sample("_total", "", census.switches);
  text.family("weft_runnable", "gauge", "", "Green threads that wait for their turn.");
  text.sample("", "", std::uint64_t{census.runnable});
  text.family("weft_green_threads", "gauge", "", "Green threads that have not ended.");
  text.sample("", "", std::uint64_t{census.gs.size()});
  text.family("weft_control_requests", "counter", "", "Requests to the control socket.");
  text.sample("_total", "", requests_);
  add_guests(text);
  return text.take();
}

void Requests::add_guests(MetricsText& text) {
  const auto& guests = runtime_.guests();
  const auto each = [&](std::string_view suffix, const auto& value) {
    for (const auto& guest : guests) text.sample(suffix, labels_of(*guest), value(*guest));
  };
  text.family("weft_guest_alive", "gauge", "", "1: the guest has not ended.");
  each("", [](const Guest& guest) { return std::uint64_t{guest.g() != nullptr ? 1U : 0U}; });
  text.family("weft_guest_cpu_seconds", "counter", "seconds",
              "How long the guest has had the thread, while somebody asked.");
  each("_total", [&](const Guest& guest) { return in_seconds(accounting_.of(guest).on_cpu.ns); });
  text.family("weft_guest_switches", "counter", "",
              "How often the guest was given the thread, while somebody asked.");
  each("_total", [&](const Guest& guest) { return accounting_.of(guest).switches; });
  text.family("weft_guest_run_queue_wait_seconds", "summary", "seconds",
              "How long the guest waited for its turn, while somebody asked.");
  for (const auto& guest : guests) {
    const WaitHistogram& waits = accounting_.of(*guest).waits;
    const std::string labels = labels_of(*guest);
    for (const auto& [name, part] : {std::pair{"0.5", 0.5}, std::pair{"0.99", 0.99}}) {
      text.sample("", labels + "," + label("quantile", name), in_seconds(waits.quantile(part).ns));
    }
    text.sample("_count", labels, waits.count());
    text.sample("_sum", labels, in_seconds(waits.sum_ns()));
  }
  const auto held = [](const Guest& guest, const auto& of) {
    return guest.budgets() != nullptr ? of(*guest.budgets()).used() : std::uint64_t{0};
  };
  add_goroutines(text, runtime_);
  text.family("weft_guest_memory_bytes", "gauge", "bytes", "The guest's linear memory.");
  each("", [&](const Guest& guest) {
    return held(guest, [](const Budgets& b) -> const Budget& { return b.memory_bytes; });
  });
  text.family("weft_guest_descriptors", "gauge", "", "Descriptors that the guest has open.");
  each("", [&](const Guest& guest) {
    return held(guest, [](const Budgets& b) -> const Budget& { return b.descriptors; });
  });
}

std::string Requests::dump() {
  Census census = runtime_.scheduler().census();
  const std::size_t all = census.gs.size();
  if (all > kGsDumped) census.gs.resize(kGsDumped);
  std::string text = dump_gs(census);
  if (all > kGsDumped) text += "... and " + std::to_string(all - kGsDumped) + " more\n";
  if (const std::string ms = dump_ms(census); !ms.empty()) text += "\n" + ms;
  if (const std::string go = dump_goroutines(runtime_); !go.empty()) text += "\n" + go;
  if (const std::string busy = dump_computing(runtime_); !busy.empty()) text += "\n" + busy;
  return text + "\n" + schedtrace(census) + "\n";
}

Status Requests::kill(std::uint64_t number) {
  for (const auto& guest : runtime_.guests()) {
    if (guest->number() != number) continue;
    if (guest->g() == nullptr) {
      return Error{"guest " + std::to_string(number) + " has ended: " + state_of(*guest)};
    }
    runtime_.kill(*guest);
    return Nothing{};
  }
  return Error{"there is no guest " + std::to_string(number)};
}

void Requests::kill_all() {
  for (const auto& guest : runtime_.guests()) runtime_.kill(*guest);
}

Status Requests::start_trace(const std::string& path) {
  if (trace_ != nullptr) return Error{"a trace is written already, to " + trace_path_};
  if (!path.starts_with('/')) return Error{"'file' must be a whole path, from / on"};
  auto file = sim::TraceFile::open(path);
  if (!file) return file.error();
  trace_file_ = std::move(*file);
  trace_path_ = path;
  for (const G* g : runtime_.scheduler().census().gs) trace_file_->on_g(g->id, g->name);
  trace_file_->begin();
  trace_ = std::make_unique<sim::LiveTrace>(runtime_.clock(), *trace_file_, true,
                                            sim::LiveTrace::Behind{});
  runtime_.watch_calls(&trace_->hook(nullptr));
  runtime_.watch_goroutines([this](const Guest& guest, const guest::go::GoModule& module,
                                   std::unique_ptr<guest::go::Steering> behind) {
    return trace_->watch(guest, module, std::move(behind));
  });
  count();
  accounting_.tell(&*trace_);
  return Nothing{};
}

Status Requests::stop_trace() {
  if (trace_ == nullptr) return Error{"no trace is written"};
  accounting_.tell(nullptr);
  runtime_.watch_calls(nullptr);
  runtime_.watch_goroutines({});
  trace_.reset();
  return std::exchange(trace_file_, nullptr)->close("trace-stop");
}

}  // namespace weft::control
