// Recorder: writes a run in real time down while it runs, call by call.
//
//   each guest's WASI call ─▶ its CallHook::after ─▶ Entry ─▶ write(2) to the file
//
// Every entry goes to the file at once: when weft is ended by force, what happened before is there.
// A file that can't be written any more ends the recording and not the run; close() tells.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "guest/runtime.h"
#include "sim/recording.h"

namespace weft::sim {

class Recorder {
 public:
  // The clock must outlive the recorder. The error names the file.
  static Result<std::unique_ptr<Recorder>> open(const std::string& path, const RecordingHead& head,
                                                Clock& clock);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // For the guest that is spawned next.
  wasip1::CallHook& next_hook();
  void guest_ended(const Guest& guest);

  // Writes the end. The error names the file, what went wrong, and how many calls it holds.
  Status close(int exit_code);

 private:
  class Hook;
  Recorder(std::string path, UniqueFd fd, Clock& clock);
  void put(Entry entry);
  void write(std::string_view bytes);

  const std::string path_;
  UniqueFd fd_;
  Clock& clock_;
  Instant last_;
  ClockMemory clocks_;
  std::string buffer_;
  int error_ = 0;
  std::uint64_t calls_ = 0;
  std::vector<std::unique_ptr<Hook>> hooks_;
};

}  // namespace weft::sim
