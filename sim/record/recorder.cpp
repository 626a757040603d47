// SPDX-License-Identifier: Apache-2.0
#include "sim/record/recorder.h"

#include "os/wasip1/functions.h"

namespace weft::sim {

class Recorder::Hook final : public wasip1::CallHook {
 public:
  Hook(Recorder& recorder, std::uint32_t guest) : recorder_(recorder), guest_(guest) {}

  std::optional<wasip1::Errno> before(const wasip1::Call&) override { return std::nullopt; }
  void after(const wasip1::Call& call, wasip1::Errno result) override {
    if (!call.function.facts.is_of_outside()) return;
    RecordingEntry entry;
    entry.guest = guest_;
    entry.call = read_call(call, result);
    recorder_.put(std::move(entry));
  }

 private:
  Recorder& recorder_;
  const std::uint32_t guest_;
};

Recorder::Recorder(OutputFile file, Clock& clock)
    : file_(std::move(file)), clock_(clock), last_(clock.now()) {}

Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& path, Clock& clock) {
  auto file = OutputFile::open(path);
  if (!file) return file.error();
  return std::unique_ptr<Recorder>(new Recorder(std::move(*file), clock));
}

void Recorder::begin(const RecordingHead& head) {
  file_.begin();
  file_.write(encode_head(head));
}

wasip1::CallHook& Recorder::next_hook() {
  const auto number = static_cast<std::uint32_t>(hooks_.size());
  return *hooks_.emplace_back(std::make_unique<Hook>(*this, number));
}

void Recorder::guest_ended(const Guest& guest) {
  RecordingEntry entry;
  entry.kind = RecordingEntry::Kind::guest_end;
  entry.guest = static_cast<std::uint32_t>(guest.number() - 1);
  entry.end.kind = guest.end()->kind;
  entry.end.exit_code = guest.end()->exit_code;
  if (entry.end.kind == GuestEnd::Kind::trapped) {
    entry.end.trap = number_of(guest.end()->trap.kind);
  }
  put(std::move(entry));
}

void Recorder::put(RecordingEntry entry) {
  if (file_.error() != 0) return;
  const Instant now = clock_.now();
  entry.elapsed_us = static_cast<std::uint64_t>((now - last_).ns) / 1000;
  last_ = last_ + microseconds(static_cast<std::int64_t>(entry.elapsed_us));
  buffer_.clear();
  encode_entry(entry, clocks_, buffer_);
  file_.write(buffer_);
  if (file_.error() == 0 && entry.kind == RecordingEntry::Kind::call) ++calls_;
}

Status Recorder::close(int exit_code) {
  RecordingEntry entry;
  entry.kind = RecordingEntry::Kind::run_end;
  entry.exit_code = exit_code;
  put(std::move(entry));
  file_.close();
  if (file_.error() == 0) return Nothing{};
  return Error{file_.describe_error() + "; the recording ends after " + std::to_string(calls_) +
               " calls"};
}

}  // namespace weft::sim
