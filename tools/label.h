// SPDX-License-Identifier: Apache-2.0
// Labels: the output of several guests, line by line, each line behind the name of its guest.
//
//   guest ─ fd_write ─▶ LabelledOutput: gathers a line ─▶ LabelledStream ─▶ weft's stdout or stderr
//                          EAGAIN: parks the guest        └─ full: a G waits until it takes more
//
// A line waits until it is complete, or until its guest ends. Nothing here blocks the thread: what
// the host does not take now is kept, and above kPendingMax the guests wait. In virtual time, where
// the thread may wait, sim/streams.h does it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/wasip1/device.h"
#include "os/wasip1/host_file.h"
#include "sim/labelled_lines.h"
#include "tools/guest_spec.h"

namespace weft::tools {

class LabelledOutput;

// stdout or stderr of weft, which all guests share.
class LabelledStream {
 public:
  static constexpr std::size_t kPendingMax = 64 * 1024;

  // The reactor must outlive it. Fails when fd is not open.
  static Result<std::shared_ptr<LabelledStream>> open(Reactor& reactor, int fd);

  // Whole lines.
  void put(std::string_view lines);
  [[nodiscard]] bool is_full() const { return pending_.size() >= kPendingMax; }
  // The host's answer when it takes nothing any more; success: it does.
  [[nodiscard]] wasip1::Errno error() const { return error_; }

 private:
  friend class LabelledOutput;
  explicit LabelledStream(std::shared_ptr<wasip1::HostFile> file) : file_(std::move(file)) {}
  void flush();
  void wait_and_flush();

  std::shared_ptr<wasip1::HostFile> file_;
  std::string pending_;
  wasip1::Errno error_ = wasip1::Errno::success;
  bool has_waiter_ = false;
  std::vector<LabelledOutput*> outputs_;
};

// One of the two of one guest.
class LabelledOutput final : public wasip1::Device {
 public:
  LabelledOutput(std::shared_ptr<LabelledStream> stream, std::string label);
  ~LabelledOutput() override;

  wasip1::Errno read(std::span<const iovec>, std::size_t&) override { return wasip1::Errno::badf; }
  wasip1::Errno write(std::span<const iovec> buffers, std::size_t& n) override;
  State state(Direction direction) override;
  void closed() override;

 private:
  friend class LabelledStream;
  const std::shared_ptr<LabelledStream> stream_;
  sim::LabelledLines lines_;
};

// Can what is written there be coloured? It is a terminal, and NO_COLOR is not set.
bool is_coloured(int fd);

// "1 server.wasm | ", with colours of its own for each number when in_colour; number: from 1;
// width: of label_width().
std::string label_of(std::string_view name, std::size_t number, std::size_t width, bool in_colour);

// How wide the longest label of these guests is.
std::size_t label_width(const std::vector<GuestSpec>& guests);

}  // namespace weft::tools
