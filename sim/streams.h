// SPDX-License-Identifier: Apache-2.0
// What guests of a simulation have as standard streams.
//
//   Input    all of stdin; it is read, to its end, when a guest first asks for it, while time
//            stands still: so what a guest sees depends on the bytes and not on when they came
//   Capture  takes what is written, at once and whole; keeps it, up to kKeptMax, or hands it to a
//            real descriptor
//   LabelledCapture  what one guest writes into a Capture, line by line behind a label
#pragma once

#include <memory>
#include <string>

#include "os/wasip1/device.h"
#include "sim/labelled_lines.h"

namespace weft::sim {

class Input final : public wasip1::Device {
 public:
  explicit Input(std::string bytes) : bytes_(std::move(bytes)) {}
  // Of a real descriptor, which must stay open.
  explicit Input(int fd) : fd_(fd) {}
  wasip1::Errno read(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno write(std::span<const iovec> buffers, std::size_t& n) override;
  State state(Direction direction) override;
  // All of it, as far as it was asked for.
  [[nodiscard]] const std::string& text() const { return bytes_; }

 private:
  void fetch();

  int fd_ = -1;  // Not read yet.
  std::string bytes_;
  std::size_t at_ = 0;
};

class Capture final : public wasip1::Device {
 public:
  // What is kept of one stream; a write beyond is ENOSPC.
  static constexpr std::size_t kKeptMax = std::size_t{64} << 20;

  // echo: a real descriptor that gets the bytes too, however long it takes; -1: none.
  explicit Capture(int echo = -1) : echo_(echo) {}
  wasip1::Errno read(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno write(std::span<const iovec> buffers, std::size_t& n) override;
  State state(Direction) override { return {}; }

  // What was written, if it is not echoed.
  [[nodiscard]] const std::string& text() const { return text_; }
  // The host's errno when an echo failed first; 0: none did.
  [[nodiscard]] int error() const { return error_; }

 private:
  wasip1::Errno echo(std::string_view bytes);

  const int echo_;
  int error_ = 0;
  std::string text_;
};

// A line goes on when it has its end, or its guest has.
class LabelledCapture final : public wasip1::Device {
 public:
  LabelledCapture(std::shared_ptr<Capture> to, std::string label)
      : to_(std::move(to)), lines_(std::move(label)) {}
  wasip1::Errno read(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno write(std::span<const iovec> buffers, std::size_t& n) override;
  State state(Direction) override { return {}; }
  void closed() override;

 private:
  wasip1::Errno put(std::string lines);

  const std::shared_ptr<Capture> to_;
  LabelledLines lines_;
};

}  // namespace weft::sim
