// SPDX-License-Identifier: Apache-2.0
// Requests: what a running weft is asked over its control socket, and what it answers. No socket
// here: a line goes in, a line comes out.
//
//   {"request": "guests"}                       a row for each guest; also "ps"
//   {"request": "kill", "guest": 3}             ends the guest; "all": true ends all
//   {"request": "dump"}                         every G, M and goroutine, as SIGQUIT writes them
//   {"request": "stats"}                        OpenMetrics text
//   {"request": "trace-start", "file": "/t.json"}   a trace of a weft that is running
//   {"request": "trace-stop"}
//
// A field "id" comes back as it was. The answer is {"ok": true, ...} or {"ok": false, "error":
// "..."}. docs/inside.md has the fields.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "control/accounting.h"
#include "sim/trace/live_trace.h"
#include "sim/trace/trace_file.h"

namespace weft::control {

class MetricsText;

// Grows when a client must know.
inline constexpr std::uint64_t kProtocolVersion = 1;

struct Program {
  std::string name;     // Of the first module, or of the embedder's program.
  std::string version;  // Of weft.
};

class Requests {
 public:
  // The runtime must outlive it.
  Requests(Runtime& runtime, Program program);
  ~Requests();
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  // What is said to each new connection: who answers here.
  [[nodiscard]] std::string greeting() const;
  // Answers one line, whatever is in it. On the scheduler's thread and no G.
  std::string answer(std::string_view line);
  // Time has passed: what nobody asks for any more is taken out.
  void look_at_the_time();
  [[nodiscard]] bool counts() const { return accounting_.is_installed(); }

 private:
  std::string guests();
  std::string stats();
  void add_guests(MetricsText& text);
  std::string dump();
  Status kill(std::uint64_t number);
  void kill_all();
  Status start_trace(const std::string& path);
  Status stop_trace();
  void count();

  Runtime& runtime_;
  const Program program_;
  Accounting accounting_;
  Instant asked_;  // When somebody last asked for what is counted.
  std::string trace_path_;
  std::unique_ptr<sim::TraceFile> trace_file_;
  std::unique_ptr<sim::LiveTrace> trace_;
  std::uint64_t requests_ = 0;
};

}  // namespace weft::control
