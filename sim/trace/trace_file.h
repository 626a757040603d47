// SPDX-License-Identifier: Apache-2.0
// TraceFile: writes the stream of events to a file as it comes.
//
//   .json   Chrome's trace format: a lane for each G, named after its guest, one for the loop, and
//           one for each M, in a process of their own, and one for each goroutine, in a process for
//           each Go guest; opens in Perfetto's viewer (ui.perfetto.dev) and in chrome://tracing
//   .csv    a line for each event: ns, g, name, kind, from, to, what, value, detail
//
// When the disk is full the trace ends there, with what is written so far; the run goes on, and
// close() says so. A JSON trace without its end still opens. Events are collected and written about
// sixty kilobytes at a time.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"
#include "sim/output_file.h"
#include "sim/trace/event_log.h"
#include "sim/trace/goroutine_trace.h"

namespace weft::sim {

class TraceFile final : public EventListener, public GoroutineListener {
 public:
  // The error names the file, or the ending that is not known.
  static Result<std::unique_ptr<TraceFile>> open(const std::string& path);

  // From now on it is written; until then events are kept, and the file is what it was.
  void begin();

  void on_g(std::uint64_t g, std::string_view name) noexcept override;
  void on_event(const Event& event) noexcept override;
  void on_goroutine(const GoroutineEvent& event) noexcept override;
  // Says so on stderr.
  void on_goroutines_left_out(std::size_t guest, std::string_view guest_name) noexcept override;

  // Writes the end; `ending` is how the run ended, as in name(Ending). The error names the file,
  // what went wrong, and about how many events it holds.
  Status close(std::string_view ending);

 private:
  enum class Format : std::uint8_t { json, csv };
  static constexpr int kGs = 1;  // Chrome's format knows processes.
  static constexpr int kMs = 2;
  static constexpr int kGoroutines = 2;  // And the guest's number, from 1.
  // What is known of one G.
  struct Lane {
    std::string name;
    bool open = false;         // A slice of its state has begun.
    std::string_view pending;  // The call that it is in.
  };

  TraceFile(OutputFile file, Format format);
  void put_json(const Event& event);
  void put_state(const Event& event, Lane& lane);
  void put_m(const Event& event);
  void put_goroutine(const GoroutineEvent& event);
  void put_goroutine_csv(const GoroutineEvent& event);
  void put_csv(const Event& event);
  void begin(char phase, std::uint64_t lane, Instant at, int process = kGs);
  void put_names(std::string_view category, std::string_view name);
  void end_slice(std::uint64_t g, Lane& lane, Instant at);
  void put_number(std::uint64_t value);
  void put_time(Instant at);
  void put_quoted(std::string_view text);
  void flush();

  OutputFile file_;
  const Format format_;
  std::string buffer_;
  std::uint64_t events_ = 0;   // Taken in.
  std::uint64_t written_ = 0;  // Of those, before the last flush that went well.
  Instant last_;
  bool loop_waits_ = false;
  std::unordered_set<std::uint64_t> ms_;  // Those that have a lane.
  // By guest: its goroutines that have not ended; a slice of a state has begun on the lane of each.
  std::unordered_map<std::size_t, std::unordered_set<std::uint64_t>> goroutines_;
  std::unordered_map<std::uint64_t, Lane> lanes_;
};

}  // namespace weft::sim
