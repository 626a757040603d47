// SPDX-License-Identifier: Apache-2.0
// Recorder: writes a run in real time down while it runs, call by call.
//
//   each guest's WASI call ─▶ its CallHook::after ─▶ RecordingEntry ─▶ write(2) to the file
//
// Every entry goes to the file at once: when weft is killed, the file has what happened before.
// When the file can't be written any more, the recording ends and the run goes on; close() says so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "guest/runtime.h"
#include "sim/output_file.h"
#include "sim/record/recording.h"

namespace weft::sim {

class Recorder {
 public:
  // The clock must outlive the recorder. The error names the file.
  static Result<std::unique_ptr<Recorder>> open(const std::string& path, Clock& clock);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Writes the head: before the first guest runs, and when it is sure that one will.
  void begin(const RecordingHead& head);

  // For the guest that is spawned next.
  wasip1::CallHook& next_hook();
  void guest_ended(const Guest& guest);

  // Writes the end. The error names the file, what went wrong, and how many calls it holds.
  Status close(int exit_code);

 private:
  class Hook;
  Recorder(OutputFile file, Clock& clock);
  void put(RecordingEntry entry);

  OutputFile file_;
  Clock& clock_;
  Instant last_;
  ClockMemory clocks_;
  std::string buffer_;
  std::uint64_t calls_ = 0;
  std::vector<std::unique_ptr<Hook>> hooks_;
};

}  // namespace weft::sim
