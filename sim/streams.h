// SPDX-License-Identifier: Apache-2.0
// What guests of a simulation have as standard streams.
//
//   Input    all of stdin; it is read, to its end, when a guest first asks for it, while time
//            stands still: so what a guest sees depends on the bytes and not on when they came
//   Capture  takes what is written, at once and whole; keeps the end of it, or hands it to a real
//            descriptor
//   LabelledCapture  what one guest writes into a Capture, line by line behind a label
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

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

struct CaptureSettings {
  int echo = -1;  // A real descriptor that gets the bytes, however long it takes; -1: none.
  bool guest_sees_errors = true;                   // Of the echo; else it goes on without.
  const std::string* expected = nullptr;           // All that should be written; nullptr: anything.
  std::function<void(std::string_view)> cut = {};  // Is told what is kept no longer.
};

class Capture final : public wasip1::Device {
 public:
  // So much of the end is kept, and at times twice as much.
  static constexpr std::size_t kKeptMax = std::size_t{256} << 10;

  explicit Capture(CaptureSettings settings) : settings_(std::move(settings)) {}
  wasip1::Errno read(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno write(std::span<const iovec> buffers, std::size_t& n) override;
  State state(Direction) override { return {}; }

  // What is written from now on is taken, and nothing is done with it.
  void seal() { mode_ = Mode::sealed; }
  // What is written from now on is kept, and not echoed.
  void keep() { mode_ = Mode::keeps; }

  // The end of what was written and is not echoed.
  [[nodiscard]] const std::string& text() const { return text_; }
  // Was there something before it?
  [[nodiscard]] bool is_cut() const { return is_cut_; }
  // Was exactly that written which was expected? Before it was sealed.
  [[nodiscard]] bool is_as_expected() const {
    return settings_.expected == nullptr ||
           (as_expected_ && written_ == settings_.expected->size());
  }
  // The host's errno when an echo failed first; 0: none did.
  [[nodiscard]] int error() const { return error_; }

 private:
  enum class Mode : std::uint8_t { echoes, keeps, sealed };
  wasip1::Errno take(std::string_view bytes);
  wasip1::Errno echo(std::string_view bytes);
  void append(std::string_view bytes);

  const CaptureSettings settings_;
  Mode mode_ = settings_.echo >= 0 ? Mode::echoes : Mode::keeps;
  int error_ = 0;
  std::string text_;
  bool is_cut_ = false;
  std::uint64_t written_ = 0;
  bool as_expected_ = true;  // So far.
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
