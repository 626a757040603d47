#include "sim/recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::sim {

class Recorder::Hook final : public wasip1::CallHook {
 public:
  Hook(Recorder& recorder, std::uint32_t guest) : recorder_(recorder), guest_(guest) {}

  std::optional<wasip1::Errno> before(const wasip1::Call&) override { return std::nullopt; }
  void after(const wasip1::Call& call, wasip1::Errno result) override {
    if (!is_of_outside(number_of_function(call.name))) return;
    Entry entry;
    entry.guest = guest_;
    entry.call = read_call(call, result);
    recorder_.put(std::move(entry));
  }

 private:
  Recorder& recorder_;
  const std::uint32_t guest_;
};

Recorder::Recorder(std::string path, UniqueFd fd, Clock& clock)
    : path_(std::move(path)), fd_(std::move(fd)), clock_(clock), last_(clock.now()) {}

Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& path, const RecordingHead& head,
                                                 Clock& clock) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return Error{path + ": " + std::strerror(errno)};
  std::unique_ptr<Recorder> recorder(new Recorder(path, std::move(fd), clock));
  recorder->write(encode_head(head));
  return recorder;
}

wasip1::CallHook& Recorder::next_hook() {
  const auto number = static_cast<std::uint32_t>(hooks_.size());
  return *hooks_.emplace_back(std::make_unique<Hook>(*this, number));
}

void Recorder::guest_ended(const Guest& guest) {
  Entry entry;
  entry.kind = Entry::Kind::guest_end;
  entry.guest = static_cast<std::uint32_t>(guest.number() - 1);
  entry.end.kind = guest.end()->kind;
  entry.end.exit_code = guest.end()->exit_code;
  if (entry.end.kind == GuestEnd::Kind::trapped) {
    entry.end.trap = number_of(guest.end()->trap.kind);
  }
  put(std::move(entry));
}

void Recorder::put(Entry entry) {
  if (error_ != 0) return;
  const Instant now = clock_.now();
  entry.elapsed_us = static_cast<std::uint64_t>((now - last_).ns) / 1000;
  last_ = last_ + microseconds(static_cast<std::int64_t>(entry.elapsed_us));
  buffer_.clear();
  encode_entry(entry, clocks_, buffer_);
  write(buffer_);
  if (error_ == 0 && entry.kind == Entry::Kind::call) ++calls_;
}

void Recorder::write(std::string_view bytes) {
  while (!bytes.empty() && error_ == 0) {
    const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
}

Status Recorder::close(int exit_code) {
  Entry entry;
  entry.kind = Entry::Kind::run_end;
  entry.exit_code = exit_code;
  put(std::move(entry));
  if (::close(fd_.release()) != 0 && error_ == 0) error_ = errno;
  if (error_ == 0) return Nothing{};
  return Error{path_ + ": " + std::strerror(error_) + "; the recording ends after " +
               std::to_string(calls_) + " calls"};
}

}  // namespace weft::sim
