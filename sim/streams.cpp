// SPDX-License-Identifier: Apache-2.0
#include "sim/streams.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace weft::sim {

using wasip1::Errno;

// The thread waits: time stands still meanwhile, and no guest can tell.
void Input::fetch() {
  const int fd = std::exchange(fd_, -1);
  if (fd < 0) return;
  if (::isatty(fd) == 1) {
    std::fputs(
        "weft: stdin is a terminal: in virtual time it is read to its end (Ctrl-D) at once\n",
        stderr);
  }
  for (;;) {
    char chunk[4096];  // On the stack of a G, which is small.
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got > 0) {
      bytes_.append(chunk, static_cast<std::size_t>(got));
    } else if (got < 0 && errno == EAGAIN) {
      pollfd request{.fd = fd, .events = POLLIN, .revents = 0};
      (void)::poll(&request, 1, -1);
    } else if (got == 0 || errno != EINTR) {
      return;
    }
  }
}

Errno Input::read(std::span<const iovec> buffers, std::size_t& n) {
  n = 0;
  fetch();
  for (const iovec& buffer : buffers) {
    const std::size_t size = std::min(buffer.iov_len, bytes_.size() - at_);
    if (size > 0) std::memcpy(buffer.iov_base, bytes_.data() + at_, size);
    at_ += size;
    n += size;
  }
  return Errno::success;
}

Errno Input::write(std::span<const iovec>, std::size_t&) {
  return Errno::badf;
}

wasip1::Device::State Input::state(Direction) {
  fetch();
  return {.ready = true, .hangup = at_ == bytes_.size(), .bytes = bytes_.size() - at_};
}

Errno Capture::read(std::span<const iovec>, std::size_t&) {
  return Errno::badf;
}

Errno Capture::write(std::span<const iovec> buffers, std::size_t& n) {
  n = 0;
  for (const iovec& buffer : buffers) {
    const std::string_view bytes(static_cast<const char*>(buffer.iov_base), buffer.iov_len);
    if (const Errno error = take(bytes); error != Errno::success) {
      return n > 0 ? Errno::success : error;
    }
    n += bytes.size();
  }
  return Errno::success;
}

Errno Capture::take(std::string_view bytes) {
  if (mode_ == Mode::sealed) return Errno::success;
  if (mode_ == Mode::keeps) append(bytes);
  if (mode_ == Mode::echoes && (error_ == 0 || settings_.guest_sees_errors)) {
    const Errno error = echo(bytes);
    if (error != Errno::success && settings_.guest_sees_errors) return error;
  }
  if (settings_.expected != nullptr) {
    const std::string_view expected = *settings_.expected;
    as_expected_ =
        as_expected_ && written_ <= expected.size() && expected.substr(written_).starts_with(bytes);
    written_ += bytes.size();
  }
  return Errno::success;
}

// Cuts at the end of a line, where there is one near.
void Capture::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kKeptMax);
    bytes.remove_prefix(piece.size());
    text_ += piece;
    if (text_.size() < 2 * kKeptMax) continue;
    std::size_t from = text_.size() - kKeptMax;
    const std::size_t line = text_.rfind('\n', from - 1);
    if (line != std::string::npos && from - line < kKeptMax / 2) from = line + 1;
    if (settings_.cut) settings_.cut(std::string_view(text_).substr(0, from));
    text_.erase(0, from);
    is_cut_ = true;
  }
}

Errno Capture::echo(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(settings_.echo, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      pollfd request{.fd = settings_.echo, .events = POLLOUT, .revents = 0};
      (void)::poll(&request, 1, -1);
    } else if (errno != EINTR) {
      const int error = errno;
      if (error_ == 0) error_ = error;
      return wasip1::from_host(error);
    }
  }
  return Errno::success;
}

Errno LabelledCapture::read(std::span<const iovec>, std::size_t&) {
  return Errno::badf;
}

Errno LabelledCapture::write(std::span<const iovec> buffers, std::size_t& n) {
  return put(lines_.take(buffers, n));
}

void LabelledCapture::closed() {
  (void)put(lines_.rest());
}

Errno LabelledCapture::put(std::string lines) {
  const iovec all{lines.data(), lines.size()};
  std::size_t written = 0;
  return lines.empty() ? Errno::success : to_->write({&all, 1}, written);
}

}  // namespace weft::sim
