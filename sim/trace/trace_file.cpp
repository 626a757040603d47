// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/trace_file.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"
#include "scheduler/m_state.h"

namespace weft::sim {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::uint64_t kLoop = 0;  // The lane of the loop.

const char* name_of(Event::Kind kind) {
  constexpr const char* names[] = {"state", "call",  "return", "output", "decision",
                                   "world", "timer", "fuel",   "loop",   "m"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::open(const std::string& path) {
  const bool json = path.ends_with(".json");
  if (!json && !path.ends_with(".csv")) {
    return Error{path + ": a trace is a .json (for Perfetto) or a .csv"};
  }
  auto file = OutputFile::open(path);
  if (!file) return file.error();
  return std::unique_ptr<TraceFile>(
      new TraceFile(std::move(*file), json ? Format::json : Format::csv));
}

TraceFile::TraceFile(OutputFile file, Format format) : file_(std::move(file)), format_(format) {
  buffer_.reserve(kBufferBytes + 4096);
  if (format_ == Format::csv) {
    buffer_ += "ns,g,name,kind,from,to,what,value,detail\n";
  } else {
    buffer_ +=
        "[\n{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"thread_name\","
        "\"args\":{\"name\":\"loop\"}}";
  }
}

// --- pieces ---

void TraceFile::put_number(std::uint64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  buffer_.append(digits, end);
}

// In microseconds, with three digits behind the point.
void TraceFile::put_time(Instant at) {
  const auto ns = static_cast<std::uint64_t>(at.ns);
  put_number(ns / 1000);
  const char fraction[] = {'.', static_cast<char>('0' + ns / 100 % 10),
                           static_cast<char>('0' + ns / 10 % 10), static_cast<char>('0' + ns % 10)};
  buffer_.append(fraction, sizeof fraction);
}

// Names come from files' names: whatever a path may hold. Most are ASCII, which needs no copy.
void TraceFile::put_quoted(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const std::string valid = ascii ? std::string() : as_utf8(text);
  if (!ascii) text = valid;
  buffer_ += '"';
  for (const char c : text) {
    if (format_ == Format::csv ? c == '"' : c == '"' || c == '\\') {
      buffer_ += format_ == Format::csv ? '"' : '\\';
    }
    buffer_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  buffer_ += '"';
}

void TraceFile::begin() {
  file_.begin();
  flush();
}

void TraceFile::flush() {
  file_.write(buffer_);
  if (file_.error() == 0) written_ = events_;
  buffer_.clear();
}

// --- events ---

void TraceFile::on_g(std::uint64_t g, std::string_view name) noexcept {
  lanes_[g].name = name;
  if (format_ != Format::json || file_.error() != 0) return;
  buffer_ += ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":";
  put_number(g);
  buffer_ += ",\"name\":\"thread_name\",\"args\":{\"name\":";
  put_quoted(std::string(name) + " G" + std::to_string(g));
  buffer_ += "}}";
}

void TraceFile::on_event(const Event& event) noexcept {
  if (file_.error() != 0) return;
  last_ = event.at;
  if (format_ == Format::json) {
    put_json(event);
  } else {
    put_csv(event);
  }
  ++events_;
  if (buffer_.size() >= kBufferBytes && file_.has_begun()) flush();
}

void TraceFile::begin(char phase, std::uint64_t lane, Instant at, int process) {
  buffer_ += ",\n{\"ph\":\"";
  buffer_ += phase;
  buffer_ += "\",\"pid\":";
  put_number(static_cast<std::uint64_t>(process));
  buffer_ += ",\"tid\":";
  put_number(lane);
  buffer_ += ",\"ts\":";
  put_time(at);
}

void TraceFile::put_names(std::string_view category, std::string_view name) {
  buffer_ += ",\"cat\":\"";
  buffer_ += category;
  buffer_ += "\",\"name\":";
  put_quoted(name);
}

void TraceFile::end_slice(std::uint64_t g, Lane& lane, Instant at) {
  if (!lane.open) return;
  lane.open = false;
  begin('E', g, at);
  buffer_ += '}';
}

void TraceFile::put_state(const Event& event, Lane& lane) {
  end_slice(event.g, lane, event.at);
  if (event.to == GState::dead) {
    lane.pending = {};
    return;
  }
  begin('B', event.g, event.at);
  put_names(weft::name(event.to),
            event.to == GState::waiting ? event.what : std::string_view(weft::name(event.to)));
  buffer_ += '}';
  lane.open = true;
}

void TraceFile::put_m(const Event& event) {
  if (!ms_.insert(event.g).second) {
    begin('E', event.g, event.at, kMs);
    buffer_ += '}';
  } else {
    begin('M', event.g, event.at, kMs);
    buffer_ += ",\"name\":\"thread_name\",\"args\":{\"name\":\"M";
    put_number(event.g);
    buffer_ += "\"}}";
  }
  const std::string_view state = weft::name(static_cast<MState>(event.detail));
  begin('B', event.g, event.at, kMs);
  put_names(state, event.what.empty() ? state : event.what);
  buffer_ += '}';
}

void TraceFile::on_goroutine(const GoroutineEvent& event) noexcept {
  if (file_.error() != 0) return;
  last_ = event.at;
  if (format_ == Format::json) {
    put_goroutine(event);
  } else {
    put_goroutine_csv(event);
  }
  ++events_;
  if (buffer_.size() >= kBufferBytes && file_.has_begun()) flush();
}

void TraceFile::put_goroutine(const GoroutineEvent& event) {
  const int process = kGoroutines + static_cast<int>(event.guest);
  const auto [guest, first] = goroutines_.try_emplace(event.guest);
  auto& lanes = guest->second;
  if (first) {
    begin('M', 0, event.at, process);
    buffer_ += ",\"name\":\"process_name\",\"args\":{\"name\":";
    put_quoted("goroutines of " + std::string(event.guest_name));
    buffer_ += "}}";
  }
  const bool ends = event.state == GState::dead;
  if (ends && lanes.erase(event.goroutine) == 0) return;
  if (!ends && lanes.insert(event.goroutine).second) {
    begin('M', event.goroutine, event.at, process);
    buffer_ += ",\"name\":\"thread_name\",\"args\":{\"name\":";
    put_quoted("goroutine " + std::to_string(event.goroutine) + " " + std::string(event.function));
    buffer_ += "}}";
  } else {
    begin('E', event.goroutine, event.at, process);
    buffer_ += '}';
  }
  if (ends) return;
  const std::string_view state = weft::name(event.state);
  begin('B', event.goroutine, event.at, process);
  put_names(state, event.wait_reason.empty() ? state : event.wait_reason);
  buffer_ += '}';
}

void TraceFile::on_goroutines_left_out(std::size_t guest, std::string_view guest_name) noexcept {
  const std::string said = "weft: guest " + std::to_string(guest) + " (" + printable(guest_name) +
                           "): its trace has lanes for " +
                           std::to_string(GoroutineTrace::kLanesMax) +
                           " goroutines at once, and leaves out the others\n";
  std::fputs(said.c_str(), stderr);
}

void TraceFile::put_goroutine_csv(const GoroutineEvent& event) {
  put_number(static_cast<std::uint64_t>(event.at.ns));
  buffer_ += ',';
  put_number(event.goroutine);
  buffer_ += ',';
  put_quoted(event.function);
  buffer_ += ",goroutine,,";
  buffer_ += weft::name(event.state);
  buffer_ += ',';
  put_quoted(event.wait_reason);
  buffer_ += ',';
  put_number(event.guest);
  buffer_ += ",0\n";
}

// The states of a G, an M or the loop are slices on its lane, one after the other; all else is
// instants. A call's return tells of both.
void TraceFile::put_json(const Event& event) {
  if (event.kind == Event::Kind::state) return put_state(event, lanes_[event.g]);
  if (event.kind == Event::Kind::m) return put_m(event);
  if (event.kind == Event::Kind::call) {
    lanes_[event.g].pending = event.what;
    return;
  }
  if (event.kind == Event::Kind::returned) lanes_[event.g].pending = {};
  if (event.kind == Event::Kind::loop) {
    const bool waits = event.what == "wait";
    if (waits == loop_waits_) return;
    loop_waits_ = waits;
    begin(waits ? 'B' : 'E', kLoop, event.at);
    if (waits) put_names("wait", "waits for events");
    buffer_ += '}';
    return;
  }
  begin('i', event.g, event.at);
  buffer_ += ",\"s\":\"t\"";
  put_names(name_of(event.kind), event.what);
  buffer_ += ",\"args\":{\"value\":";
  put_number(event.value);
  buffer_ += ",\"detail\":";
  put_number(event.detail);
  buffer_ += "}}";
}

void TraceFile::put_csv(const Event& event) {
  const bool state = event.kind == Event::Kind::state;
  const bool m = event.kind == Event::Kind::m;
  put_number(static_cast<std::uint64_t>(event.at.ns));
  buffer_ += ',';
  put_number(event.g);
  buffer_ += ',';
  if (m) {
    put_quoted("M" + std::to_string(event.g));
  } else if (event.kind != Event::Kind::loop) {
    put_quoted(lanes_[event.g].name);
  }
  buffer_ += ',';
  buffer_ += name_of(event.kind);
  buffer_ += ',';
  if (state) buffer_ += weft::name(event.from);
  if (m) buffer_ += weft::name(static_cast<MState>(event.value));
  buffer_ += ',';
  if (state) buffer_ += weft::name(event.to);
  if (m) buffer_ += weft::name(static_cast<MState>(event.detail));
  buffer_ += ',';
  put_quoted(event.what);
  buffer_ += ',';
  put_number(m ? 0 : event.value);
  buffer_ += ',';
  put_number(m ? 0 : event.detail);
  buffer_ += '\n';
}

Status TraceFile::close(std::string_view ending) {
  if (format_ == Format::json && file_.error() == 0) {
    for (const auto& [g, lane] : lanes_) {
      if (lane.pending.empty()) continue;
      begin('i', g, last_);
      buffer_ += ",\"s\":\"t\"";
      put_names("pending", lane.pending);
      buffer_ += '}';
    }
    begin('i', kLoop, last_);
    buffer_ += ",\"s\":\"g\"";
    put_names("end", ending);
    buffer_ += "}\n]\n";
  }
  flush();
  file_.close();
  if (file_.error() == 0) return Nothing{};
  return Error{file_.describe_error() + "; the trace ends after about " + std::to_string(written_) +
               " events"};
}

}  // namespace weft::sim
