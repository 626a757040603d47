// SPDX-License-Identifier: Apache-2.0
#include "tools/label.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/printable.h"

namespace weft::tools {

using wasip1::Errno;

Result<std::shared_ptr<LabelledStream>> LabelledStream::open(Reactor& reactor, int fd) {
  auto file = wasip1::HostFile::borrow(reactor, fd);
  if (!file) return file.error();
  return std::shared_ptr<LabelledStream>(new LabelledStream(std::move(*file)));
}

void LabelledStream::put(std::string_view lines) {
  if (error_ != Errno::success) return;
  pending_ += lines;
  if (!has_waiter_) flush();
}

void LabelledStream::flush() {
  std::size_t done = 0;
  while (done < pending_.size() && error_ == Errno::success) {
    const iovec piece{pending_.data() + done, pending_.size() - done};
    std::size_t n = 0;
    const Errno answer = file_->write({&piece, 1}, 0, n);
    done += n;
    if (answer == Errno::again) break;
    if (answer != Errno::success) error_ = answer;
  }
  pending_.erase(0, error_ == Errno::success ? done : pending_.size());
  if (pending_.empty() || has_waiter_) return;
  has_waiter_ = true;
  const auto g = weft::go([this] { wait_and_flush(); });
  if (!g) has_waiter_ = false;  // The next line tries again.
}

// On a G of its own, as long as there is something left.
void LabelledStream::wait_and_flush() {
  while (!pending_.empty() && error_ == Errno::success) {
    if (const Errno waited = file_->wait(Direction::write); waited != Errno::success) {
      error_ = waited;
    }
    flush();
    if (is_full()) continue;
    for (LabelledOutput* output : outputs_) output->wake(Direction::write);
  }
  has_waiter_ = false;
  for (LabelledOutput* output : outputs_) output->wake(Direction::write);
}

LabelledOutput::LabelledOutput(std::shared_ptr<LabelledStream> stream, std::string label)
    : stream_(std::move(stream)), lines_(std::move(label)) {
  stream_->outputs_.push_back(this);
}

LabelledOutput::~LabelledOutput() {
  std::erase(stream_->outputs_, this);
}

Errno LabelledOutput::write(std::span<const iovec> buffers, std::size_t& n) {
  n = 0;
  if (stream_->error() != Errno::success) return stream_->error();
  if (stream_->is_full()) return Errno::again;
  const std::string lines = lines_.take(buffers, n);
  if (!lines.empty()) stream_->put(lines);
  return Errno::success;
}

wasip1::Device::State LabelledOutput::state(Direction) {
  return {.ready = !stream_->is_full(), .hangup = false, .bytes = 0};
}

void LabelledOutput::closed() {
  if (const std::string rest = lines_.rest(); !rest.empty()) stream_->put(rest);
}

bool is_coloured(int fd) {
  return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr;
}

std::string label_of(std::string_view name, std::size_t number, std::size_t width, bool in_colour) {
  std::string label = std::to_string(number) + " " + printable(name);
  if (label.size() < width) label.resize(width, ' ');
  if (!in_colour) return label + " | ";
  // The six colours that can be read on a dark and on a light ground.
  constexpr int kColours[] = {36, 33, 32, 35, 34, 31};
  const int colour = kColours[(number - 1) % std::size(kColours)];
  return "\x1b[" + std::to_string(colour) + "m" + label + " |\x1b[0m ";
}

std::size_t label_width(const std::vector<GuestSpec>& guests) {
  std::size_t count = 0;
  std::size_t name = 0;
  for (const GuestSpec& spec : guests) {
    count += static_cast<std::size_t>(spec.copies);
    const std::string& given = spec.options.name;
    name = std::max(name, given.empty()
                              ? std::filesystem::path(spec.module_path).filename().string().size()
                              : given.size());
  }
  return std::to_string(count).size() + 1 + name;
}

}  // namespace weft::tools
