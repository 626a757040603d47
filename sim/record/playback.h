// SPDX-License-Identifier: Apache-2.0
// Playback: guests that run on a recording in place of the outside.
//
//   a guest's WASI call ─▶ its next entry ─┬─ fits: waits for its turn, so that calls return in
//                                          │        the order of the recording; gets what was
//                                          │        written down; stdout and stderr are written
//                                          ├─ is only about stdout or stderr: passed over
//                                          └─ does not fit: the guest goes on alone
//
// Other guests can't see what a guest does between two calls. So the order of the calls is the
// whole schedule, and it is the same on every engine.
//
// A guest that went on alone lives in virtual time, with random numbers by the seed: it can write
// to stdout and stderr, stdin is at its end, and descriptors of the recording answer EIO. The
// others go on with their parts of the recording.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "guest/runtime.h"
#include "sim/record/recording.h"

namespace weft::sim {

struct PlaybackEnd {
  std::vector<std::string> lines;  // What there is to say, for people.
  int exit_code = -1;              // That of the recorded run; -1: this run was another one.
  bool same = false;               // Every call was made as recorded, to the end.
  std::string unsaid;              // Why what was printed did not arrive; "" when it did.
};

class Playback {
 public:
  // The recording and the clock must outlive this.
  Playback(const Recording& recording, ManualClock& clock);
  ~Playback();
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  // What the guest with this number (from 0) gets in place of the outside.
  void furnish(std::size_t guest, GuestOptions& options);
  // It was ended before it made a call: to be killed before it runs.
  [[nodiscard]] bool dies_at_once(std::size_t guest) const;
  void guest_ended(const Guest& guest);
  // After the run.
  [[nodiscard]] PlaybackEnd finish(const std::vector<std::string>& names) const;

 private:
  class Player;
  friend class Player;
  void take_turn(std::size_t entry);
  void done(std::size_t entry);
  void advance();

  const Recording& recording_;
  ManualClock& clock_;
  std::vector<bool> done_;  // Entries that were replayed or passed over.
  std::size_t next_ = 0;    // The first that was not.
  std::vector<std::pair<std::size_t, G*>> waiting_;
  std::vector<std::unique_ptr<Player>> players_;
};

}  // namespace weft::sim
