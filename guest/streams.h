// SPDX-License-Identifier: Apache-2.0
// Streams: what an embedder makes a guest's stdin, stdout and stderr of, when it is no descriptor.
//
//   runtime.spawn(*module, {.stdin_from = weft::from_text("2 3\n"),
//                           .stdout_to = weft::to_lines([](std::string_view line) { ... })});
//
//   from_text      a string                       to_text     a string
//   from_callback  asked when the guest reads     to_callback, to_lines
//   from_channel   a chan<std::string>            to_channel  a chan<std::string>
//   from_pipe ◀─── pipe(): 64 KiB between two guests of a Runtime, without the kernel ───▶ to_pipe
//
// All of them have back pressure: a guest that reads what is not there yet, or writes what nobody
// takes, is parked. Callbacks run on the guest's own G, where they may park it. Sockets and files
// are given by their descriptors.
//
// A stream may be given to several guests, and several times to one (stdout and stderr).
//
// From: the thread of the Runtime, on a G, in a handler of its loop, or before it runs.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "os/wasip1/process.h"
#include "scheduler/sync/chan.h"

namespace weft {

// One of a guest's standard streams: a descriptor of this process, or a stream.
class Stdio {
 public:
  // Duplicated; -1: /dev/null.
  Stdio(int descriptor) : descriptor_(descriptor) {}  // NOLINT: `.stdin_from = 0`
  // One of the streams below.
  Stdio(wasip1::DeviceFile file) : file_(std::move(file)) {}  // NOLINT: `.stdin_from = from_...`

  // What it was made of.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Of a descriptor: without a device.
  [[nodiscard]] const wasip1::DeviceFile& file() const { return file_; }

 private:
  int descriptor_ = -1;
  wasip1::DeviceFile file_;
};

// stdin: the text, then its end.
wasip1::DeviceFile from_text(std::string text);

// stdin: read(buffer) gives how many bytes it has put there; 0 is the end. It may park.
wasip1::DeviceFile from_callback(std::function<std::size_t(std::span<std::byte> buffer)> read);

// stdin: what is sent, until the channel is closed. A G of the Runtime's scheduler carries it.
// Fails when there is no memory for that.
Result<wasip1::DeviceFile> from_channel(Scheduler& scheduler, chan<std::string> channel);

// stdout, stderr: what is written is appended to `text`, which must outlive the guest.
wasip1::DeviceFile to_text(std::string& text);

// stdout, stderr: each write, as it comes. It may park.
wasip1::DeviceFile to_callback(std::function<void(std::string_view bytes)> write);

// stdout, stderr: each line without its end; the last one, when it has none, as the stream ends. It
// may park, but not for the last one. A line longer than 64 KiB comes in pieces.
wasip1::DeviceFile to_lines(std::function<void(std::string_view line)> line);

// stdout, stderr: each write is sent; the guest waits for who receives. Writing to a closed channel
// is EPIPE.
wasip1::DeviceFile to_channel(chan<std::string> channel);

// A pipe: what is written to `to` is read from `from`, in order. Reading ends when every guest that
// had `to` has ended or closed it, and nobody keeps the Pipe; writing is EPIPE when that holds of
// `from`.
struct Pipe {
  wasip1::DeviceFile from;  // For GuestOptions::stdin_from.
  wasip1::DeviceFile to;    // For stdout_to or stderr_to.
};
// How much a pipe holds unless it is told.
inline constexpr std::size_t kPipeBytes = 64 * 1024;
// A new pipe that holds up to `capacity` bytes, which are allocated as they are written.
Pipe pipe(std::size_t capacity = kPipeBytes);

}  // namespace weft
