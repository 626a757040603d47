#include "sim/trace_file.h"

#include <cerrno>
#include <cstring>

namespace weft::sim {
namespace {

// Names come from files' names: whatever a path may hold.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

std::string microseconds_of(Instant t) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(t.ns / 1000),
                static_cast<long long>(t.ns % 1000));
  return text;
}

const char* name_of(Event::Kind kind) {
  constexpr const char* names[] = {"state", "call", "return", "output", "decision", "world"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::open(const std::string& path) {
  const bool json = path.ends_with(".json");
  if (!json && !path.ends_with(".csv")) {
    return Error{path + ": a trace is a .json (for Perfetto) or a .csv"};
  }
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return Error{path + ": " + std::strerror(errno)};
  return std::unique_ptr<TraceFile>(new TraceFile(path, json ? Format::json : Format::csv, file));
}

TraceFile::TraceFile(std::string path, Format format, std::FILE* file)
    : path_(std::move(path)), format_(format), file_(file) {
  if (format_ == Format::csv) {
    put("ns,g,name,kind,from,to,what,value,detail\n");
  } else {
    put("[\n{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"thread_name\","
        "\"args\":{\"name\":\"loop\"}}");
    first_ = false;
  }
}

TraceFile::~TraceFile() {
  if (file_ != nullptr) (void)std::fclose(file_);
}

void TraceFile::put(const std::string& text) {
  if (error_ != 0) return;
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) error_ = errno;
}

void TraceFile::on_g(std::uint64_t g, std::string_view name) noexcept {
  names_[g] = name;
  if (format_ != Format::json) return;
  put(",\n{\"ph\":\"M\",\"pid\":1,\"tid\":" + std::to_string(g) +
      ",\"name\":\"thread_name\",\"args\":{\"name\":" +
      quoted(std::string(name) + " G" + std::to_string(g)) + "}}");
}

void TraceFile::on_event(const Event& event) noexcept {
  if (format_ == Format::json) {
    put_json(event);
  } else {
    put_csv(event);
  }
  if (error_ == 0) ++events_;
}

void TraceFile::end_slice(std::uint64_t g, Instant at) {
  if (open_slices_.erase(g) == 0) return;
  put(",\n{\"ph\":\"E\",\"pid\":1,\"tid\":" + std::to_string(g) + ",\"ts\":" + microseconds_of(at) +
      "}");
}

// A G's states are slices on its lane, one after the other; calls, output and decisions are
// instants.
void TraceFile::put_json(const Event& event) {
  const std::string lane =
      "\"pid\":1,\"tid\":" + std::to_string(event.g) + ",\"ts\":" + microseconds_of(event.at);
  if (event.kind == Event::Kind::state) {
    end_slice(event.g, event.at);
    if (event.to == GState::dead) return;
    const std::string_view what = event.to == GState::waiting ? event.what : weft::name(event.to);
    put(",\n{\"ph\":\"B\"," + lane + ",\"cat\":\"" + weft::name(event.to) +
        "\",\"name\":" + quoted(what) + "}");
    open_slices_[event.g] = weft::name(event.to);
    return;
  }
  if (event.kind == Event::Kind::call) return;  // Its return tells all.
  put(",\n{\"ph\":\"i\",\"s\":\"t\"," + lane + ",\"cat\":\"" + name_of(event.kind) +
      "\",\"name\":" + quoted(event.what) + ",\"args\":{\"value\":" + std::to_string(event.value) +
      ",\"detail\":" + std::to_string(event.detail) + "}}");
}

void TraceFile::put_csv(const Event& event) {
  const bool state = event.kind == Event::Kind::state;
  put(std::to_string(event.at.ns) + "," + std::to_string(event.g) + "," + quoted(names_[event.g]) +
      "," + name_of(event.kind) + "," + (state ? weft::name(event.from) : "") + "," +
      (state ? weft::name(event.to) : "") + "," + quoted(event.what) + "," +
      std::to_string(event.value) + "," + std::to_string(event.detail) + "\n");
}

Status TraceFile::close() {
  if (format_ == Format::json) put("\n]\n");
  std::FILE* file = file_;
  file_ = nullptr;
  if (std::fclose(file) != 0 && error_ == 0) error_ = errno;
  if (error_ == 0) return Nothing{};
  return Error{path_ + ": " + std::strerror(error_) + "; the trace ends after about " +
               std::to_string(events_) + " events"};
}

}  // namespace weft::sim
