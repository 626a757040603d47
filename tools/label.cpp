// SPDX-License-Identifier: Apache-2.0
#include "tools/label.h"

#include <algorithm>

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

LabelledOutput::LabelledOutput(std::shared_ptr<LabelledStream> stream, std::string prefix)
    : stream_(std::move(stream)), prefix_(std::move(prefix)) {
  stream_->outputs_.push_back(this);
}

LabelledOutput::~LabelledOutput() {
  std::erase(stream_->outputs_, this);
}

Errno LabelledOutput::write(std::span<const iovec> buffers, std::size_t& n) {
  n = 0;
  if (stream_->error() != Errno::success) return stream_->error();
  if (stream_->is_full()) return Errno::again;
  std::string lines;
  for (const iovec& buffer : buffers) {
    std::string_view bytes(static_cast<const char*>(buffer.iov_base), buffer.iov_len);
    n += bytes.size();
    for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos;) {
      lines.append(prefix_).append(line_).append(bytes.substr(0, end + 1));
      line_.clear();
      bytes.remove_prefix(end + 1);
    }
    line_ += bytes;
    // A guest that never ends its line does not fill the host's memory.
    if (line_.size() > LabelledStream::kPendingMax) {
      lines.append(prefix_).append(line_).append("\n");
      line_.clear();
    }
  }
  if (!lines.empty()) stream_->put(lines);
  return Errno::success;
}

wasip1::Device::State LabelledOutput::state(Direction) {
  return {.ready = !stream_->is_full(), .hangup = false, .bytes = 0};
}

void LabelledOutput::closed() {
  if (!line_.empty()) stream_->put(prefix_ + line_ + "\n");
  line_.clear();
}

std::string label_of(std::string_view name, std::size_t number, std::size_t width, bool in_colour) {
  std::string label = printable(name);
  if (label.size() < width) label.resize(width, ' ');
  if (!in_colour) return label + " | ";
  // The six colours that can be read on a dark and on a light ground.
  constexpr int kColours[] = {36, 33, 32, 35, 34, 31};
  const int colour = kColours[(number - 1) % std::size(kColours)];
  return "\x1b[" + std::to_string(colour) + "m" + label + " |\x1b[0m ";
}

}  // namespace weft::tools
