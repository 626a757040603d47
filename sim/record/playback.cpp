// SPDX-License-Identifier: Apache-2.0
#include "sim/record/playback.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "base/printable.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"
#include "sim/guest_run.h"
#include "sim/streams.h"

namespace weft::sim {
namespace {

using wasip1::Call;
using wasip1::Errno;

std::string count_of(std::size_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

// One guest's part of the recording.
class Playback::Player final : public wasip1::CallHook {
 public:
  Player(Playback& playback, std::vector<std::size_t> calls, const RecordedEnd* end)
      : playback_(playback), calls_(std::move(calls)), end_(end) {}

  std::optional<Errno> before(const Call& call) override;
  void after(const Call&, Errno) override {}

  // It makes no more calls: the others need not wait for those that are left.
  void leave_rest() {
    while (at_ < calls_.size()) playback_.done(calls_[at_++]);
  }
  // It was ended before it made a call.
  [[nodiscard]] bool dies_at_once() const { return calls_.empty() && was_stopped(); }
  void ended(const GuestEnd& end);
  [[nodiscard]] std::string line(const std::string& name) const;
  [[nodiscard]] bool same() const { return left_.empty() && fits_end_ && passed_ == 0; }
  [[nodiscard]] std::size_t passed() const { return passed_; }

  const std::shared_ptr<Capture> streams[2] = {
      std::make_shared<Capture>(CaptureSettings{.echo = 1}),
      std::make_shared<Capture>(CaptureSettings{.echo = 2})};

 private:
  [[nodiscard]] const CallRecord& next() const {
    return playback_.recording_.entries[calls_[at_]].call;
  }
  // Of a descriptor: 1 stdout, 2 stderr, 0 neither.
  [[nodiscard]] int stream_of(std::uint64_t fd) const {
    const auto it = streams_.find(fd);
    return it == streams_.end() ? 0 : it->second;
  }
  // What ended it came from outside: it may be anywhere between its last call and the next. A limit
  // of output is one: without it, it would go on.
  [[nodiscard]] bool was_stopped() const {
    return end_ == nullptr || end_->kind == GuestEnd::Kind::killed ||
           (end_->kind == GuestEnd::Kind::trapped &&
            (end_->trap == number_of(TrapKind::out_of_time) ||
             end_->trap == number_of(TrapKind::out_of_output)));
  }
  [[nodiscard]] bool only_prints(std::uint32_t function, const std::vector<std::uint64_t>& values);
  std::optional<Errno> alone(const Call& call, const CallRecord& given) const;
  Errno replay(const Call& call);
  void follow_descriptors(const CallRecord& record);
  void print(const Call& call, const CallRecord& record);

  Playback& playback_;
  const std::vector<std::size_t> calls_;  // Places in the recording.
  const RecordedEnd* const end_;          // nullptr: the recording does not know.
  std::size_t at_ = 0;
  std::map<std::uint64_t, int> streams_ = {{1, 1}, {2, 2}};
  std::size_t passed_ = 0;  // Calls about stdout or stderr that were passed over, on either side.
  std::string left_;        // Why it went on alone.
  std::string ended_in_;    // In which call it was when the recording ended.
  bool fits_end_ = false;
};

bool Playback::Player::only_prints(std::uint32_t function,
                                   const std::vector<std::uint64_t>& values) {
  static const std::size_t writes = wasip1::number_of("fd_write");
  static const std::size_t asks = wasip1::number_of("fd_fdstat_get");
  return (function == writes || function == asks) && !values.empty() && stream_of(values[0]) != 0;
}

std::optional<Errno> Playback::Player::before(const Call& call) {
  if (!call.function.facts.is_of_outside()) return std::nullopt;
  const CallRecord given = read_inputs(call);
  while (left_.empty()) {
    if (at_ == calls_.size()) {
      if (!was_stopped() && only_prints(given.function, given.values)) break;
      if (was_stopped() || end_->kind != GuestEnd::Kind::exited) {
        ended_in_ = describe(given);
        throw Killed{};  // The recording says nothing of what comes next.
      }
      left_ = "behind its last call, number " + std::to_string(at_) + ": now it makes another, " +
              describe(given);
      break;
    }
    const CallRecord& recorded = next();
    const bool prints = only_prints(recorded.function, recorded.values);
    const std::string why = misfit(recorded, call);
    if (why.empty() || (prints && given.function == recorded.function &&
                        given.values == recorded.values && call.function.name == "fd_write")) {
      if (!why.empty()) ++passed_;
      return replay(call);
    }
    if (prints) {
      ++passed_;
      playback_.done(calls_[at_++]);
      continue;
    }
    if (only_prints(given.function, given.values)) break;
    left_ = "at its call " + std::to_string(at_ + 1) + " of " + std::to_string(calls_.size()) +
            ": recorded was " + describe(recorded) + ", now it is " + describe(given) + " (" + why +
            ")";
    leave_rest();
  }
  if (!left_.empty()) return alone(call, given);
  ++passed_;
  return std::nullopt;  // It prints what the recorded program did not: the call is made as usual.
}

// Its turn, and what was recorded.
Errno Playback::Player::replay(const Call& call) {
  const std::size_t place = calls_[at_];
  const CallRecord& record = next();
  playback_.take_turn(place);
  write_outputs(record, call);
  if (record.result == Errno::success) {
    if (only_prints(record.function, record.values) && call.function.name == "fd_write") {
      print(call, record);
    }
    follow_descriptors(record);
  }
  ++at_;
  playback_.clock_.advance(
      microseconds(static_cast<std::int64_t>(playback_.recording_.entries[place].elapsed_us)));
  playback_.done(place);
  // It need not come to another call.
  if (was_stopped() && at_ == calls_.size()) this_scheduler().kill(this_g());
  return record.result;
}

// As much of it as was written then; all when that was all, or when it is another text now.
void Playback::Player::print(const Call& call, const CallRecord& record) {
  std::string bytes = bytes_to_write(call);
  const bool all = record.count == record.written_bytes;
  if (!all) bytes.resize(std::min<std::size_t>(bytes.size(), record.count));
  if (bytes.size() != record.count) {
    (void)call.memory.store(static_cast<wasip1::Size>(call.args[3]),
                            static_cast<wasip1::Size>(bytes.size()));
  }
  const iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
  std::size_t n = 0;
  (void)streams[stream_of(record.values[0]) - 1]->write({&piece, 1}, n);
}

void Playback::Player::follow_descriptors(const CallRecord& record) {
  static const std::size_t closes = wasip1::number_of("fd_close");
  static const std::size_t moves = wasip1::number_of("fd_renumber");
  if (record.function == closes) streams_.erase(record.values[0]);
  if (record.function != moves || record.values[0] == record.values[1]) return;
  const int stream = stream_of(record.values[0]);
  streams_.erase(record.values[0]);
  streams_.erase(record.values[1]);
  if (stream != 0) streams_[record.values[1]] = stream;
}

// Nothing from outside is there. nullopt: the call is made as usual.
std::optional<Errno> Playback::Player::alone(const Call& call, const CallRecord& given) const {
  if (call.function.name == "poll_oneoff" || call.function.name == "clock_time_get" ||
      call.function.name == "random_get") {
    return std::nullopt;
  }
  const bool standard = call.function.name.starts_with("fd_") && given.values[0] <= 2;
  if (standard) return std::nullopt;
  return call.function.name == "fd_close" ? Errno::success : Errno::io;
}

void Playback::Player::ended(const GuestEnd& end) {
  const bool all = at_ == calls_.size();
  leave_rest();
  if (end_ == nullptr) {
    fits_end_ = all && end.kind == GuestEnd::Kind::killed;
    return;
  }
  // What ended it inside of a call, or by the clock, ends it here between two.
  const bool inside = end.kind == GuestEnd::Kind::killed && end_->kind != GuestEnd::Kind::exited;
  const bool same_trap =
      end.kind != GuestEnd::Kind::trapped || number_of(end.trap.kind) == end_->trap;
  fits_end_ =
      all && (inside || (end.kind == end_->kind && end.exit_code == end_->exit_code && same_trap));
}

std::string Playback::Player::line(const std::string& name) const {
  if (!left_.empty()) {
    return name + " left the recording " + left_ + "; it went on alone, in virtual time, by seed " +
           std::to_string(playback_.recording_.head.seed);
  }
  if (end_ == nullptr) {
    return name + " was ended where the recording ends" +
           (ended_in_.empty() ? "" : ", in " + ended_in_);
  }
  if (!fits_end_) return name + " ended in another way than it was recorded to";
  if (end_->kind != GuestEnd::Kind::killed) return {};
  return name + " was killed, as in the recording" + (ended_in_.empty() ? "" : ", in " + ended_in_);
}

Playback::Playback(const Recording& recording, ManualClock& clock)
    : recording_(recording), clock_(clock), done_(recording.entries.size()) {
  std::vector<std::vector<std::size_t>> calls(recording.head.guests.size());
  std::vector<const RecordedEnd*> ends(calls.size());
  for (std::size_t i = 0; i < recording.entries.size(); ++i) {
    const RecordingEntry& entry = recording.entries[i];
    if (entry.kind == RecordingEntry::Kind::call) {
      calls[entry.guest].push_back(i);
    } else {
      done_[i] = true;
      if (entry.kind == RecordingEntry::Kind::guest_end) ends[entry.guest] = &entry.end;
    }
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    players_.push_back(std::make_unique<Player>(*this, std::move(calls[i]), ends[i]));
  }
  advance();
}

Playback::~Playback() = default;

void Playback::furnish(std::size_t guest, GuestOptions& options) {
  Player& player = *players_[guest];
  options.hook = &player;
  options.stdio[0] = {std::make_shared<Input>(std::string()), wasip1::FileType::unknown};
  options.stdio[1] = {player.streams[0], wasip1::FileType::unknown};
  options.stdio[2] = {player.streams[1], wasip1::FileType::unknown};
  options.random = seeded_random(recording_.head.seed, guest);
}

void Playback::take_turn(std::size_t entry) {
  if (next_ == entry) return;
  struct Waits {
    Playback& playback;
    const std::size_t entry;
    ~Waits() {
      std::erase_if(playback.waiting_, [&](auto& w) { return w.first == entry; });
    }
  } waits{*this, entry};
  waiting_.emplace_back(entry, &this_g());
  while (next_ != entry) park(WaitReason::sync_cond_wait);
}

void Playback::done(std::size_t entry) {
  done_[entry] = true;
  advance();
}

void Playback::advance() {
  while (next_ < done_.size() && done_[next_]) ++next_;
  for (const auto& [entry, g] : waiting_) {
    if (entry == next_ && g->is_waiting()) ready(*g);
  }
}

bool Playback::dies_at_once(std::size_t guest) const {
  return players_[guest]->dies_at_once();
}

void Playback::guest_ended(const Guest& guest) {
  players_[guest.number() - 1]->ended(*guest.end());
}

PlaybackEnd Playback::finish(const std::vector<std::string>& names) const {
  PlaybackEnd end;
  std::size_t passed = 0;
  std::size_t calls = 0;
  bool same = true;
  for (std::size_t i = 0; i < players_.size(); ++i) {
    const std::string name = "guest " + std::to_string(i + 1) + " (" + printable(names[i]) + ")";
    if (std::string line = players_[i]->line(name); !line.empty()) {
      end.lines.push_back(std::move(line));
    }
    same = same && players_[i]->same();
    for (const int stream : {0, 1}) {
      const int error = players_[i]->streams[stream]->error();
      if (error == 0 || !end.unsaid.empty()) continue;
      end.unsaid = std::string(stream == 0 ? "stdout: " : "stderr: ") + std::strerror(error);
    }
    passed += players_[i]->passed();
  }
  for (const RecordingEntry& entry : recording_.entries)
    calls += entry.kind == RecordingEntry::Kind::call ? 1 : 0;
  if (passed > 0) {
    end.lines.push_back(count_of(passed, "call") +
                        " about stdout or stderr were not as recorded, and were passed over");
  }
  if (!recording_.broken.empty()) {
    end.lines.push_back("the recording " + recording_.broken + "; up to there it was replayed");
  }
  end.same = same;
  if (same) {
    end.lines.push_back("replayed: the same run, " + count_of(calls, "call") + " of " +
                        count_of(players_.size(), "guest"));
    if (recording_.broken.empty()) end.exit_code = recording_.entries.back().exit_code;
  }
  return end;
}

}  // namespace weft::sim
