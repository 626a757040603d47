// TraceFile: writes the stream of events to a file as it comes.
//
//   .json   Chrome's trace format: a lane for each G, named after its guest, and one for the loop;
//           opens in Perfetto's viewer (ui.perfetto.dev) and in chrome://tracing
//   .csv    a line for each event: ns, g, name, kind, from, to, what, value, detail
//
// What is written so far stays when the disk is full: the trace then ends there, the run goes
// on, and
// close() says so. A JSON trace without its end still opens.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "sim/event_log.h"

namespace weft::sim {

class TraceFile final : public EventListener {
 public:
  // The error names the file, or the ending that is not known.
  static Result<std::unique_ptr<TraceFile>> open(const std::string& path);
  ~TraceFile() override;

  void on_g(std::uint64_t g, std::string_view name) noexcept override;
  void on_event(const Event& event) noexcept override;

  // Writes the end. The error names the file, what went wrong, and how many events it holds.
  Status close();

 private:
  enum class Format : std::uint8_t { json, csv };
  TraceFile(std::string path, Format format, std::FILE* file);
  void put(const std::string& text);
  void put_json(const Event& event);
  void put_csv(const Event& event);
  void end_slice(std::uint64_t g, Instant at);

  const std::string path_;
  const Format format_;
  std::FILE* file_;
  int error_ = 0;
  std::uint64_t events_ = 0;  // Written whole.
  bool first_ = true;
  std::map<std::uint64_t, std::string> names_;
  std::map<std::uint64_t, const char*> open_slices_;  // What each G is shown to do.
};

}  // namespace weft::sim
