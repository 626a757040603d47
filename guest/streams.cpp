// SPDX-License-Identifier: Apache-2.0
#include "guest/streams.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <new>
#include <vector>

#include "os/wasip1/device.h"
#include "os/wasip1/iovecs.h"

namespace weft {
namespace {

using wasip1::Errno;

// Copies as much as there is room for.
std::size_t copy_to(std::span<const iovec> buffers, std::string_view bytes) {
  std::size_t done = 0;
  for (const iovec& buffer : buffers) {
    const std::size_t n = std::min(buffer.iov_len, bytes.size() - done);
    if (n > 0) std::memcpy(buffer.iov_base, bytes.data() + done, n);
    done += n;
  }
  return done;
}

std::string_view text_of(const iovec& buffer) {
  return {static_cast<const char*>(buffer.iov_base), buffer.iov_len};
}

// What an embedder's callback throws is an error of the stream. Killed passes: the guest ends.
template <class F>
Errno guarded(F&& f) try {
  f();
  return Errno::success;
} catch (const std::bad_alloc&) {
  return Errno::nomem;
} catch (const std::exception&) {
  return Errno::io;
}

class Source : public wasip1::Device {
 public:
  Errno write(std::span<const iovec>, std::size_t&) override { return Errno::badf; }
  State state(Direction) override { return {}; }
};

class Sink : public wasip1::Device {
 public:
  Errno read(std::span<const iovec>, std::size_t&) override { return Errno::badf; }
  State state(Direction) override { return {}; }
};

class TextSource final : public Source {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  Errno read(std::span<const iovec> buffers, std::size_t& n) override {
    n = copy_to(buffers, std::string_view(text_).substr(at_));
    at_ += n;
    return Errno::success;
  }
  State state(Direction) override {
    return {.ready = true, .hangup = at_ == text_.size(), .bytes = text_.size() - at_};
  }

 private:
  const std::string text_;
  std::size_t at_ = 0;
};

class CallbackSource final : public Source {
 public:
  explicit CallbackSource(std::function<std::size_t(std::span<std::byte>)> read)
      : read_(std::move(read)) {}
  Errno read(std::span<const iovec> buffers, std::size_t& n) override {
    n = 0;
    for (const iovec& buffer : buffers) {
      if (buffer.iov_len == 0) continue;
      const std::span to(static_cast<std::byte*>(buffer.iov_base), buffer.iov_len);
      return guarded([&] { n = std::min(read_(to), to.size()); });
    }
    return Errno::success;
  }

 private:
  const std::function<std::size_t(std::span<std::byte>)> read_;
};

class CallbackSink final : public Sink {
 public:
  explicit CallbackSink(std::function<Errno(std::string_view)> write) : write_(std::move(write)) {}
  Errno write(std::span<const iovec> buffers, std::size_t& n) override {
    n = 0;
    for (const iovec& buffer : buffers) {
      if (buffer.iov_len == 0) continue;
      Errno error = Errno::success;
      const Errno thrown = guarded([&] { error = write_(text_of(buffer)); });
      if (thrown != Errno::success) error = thrown;
      if (error != Errno::success) return n > 0 ? Errno::success : error;
      n += buffer.iov_len;
    }
    return Errno::success;
  }

 private:
  const std::function<Errno(std::string_view)> write_;
};

class LineSink final : public Sink {
 public:
  explicit LineSink(std::function<void(std::string_view)> line) : line_(std::move(line)) {}
  ~LineSink() override {
    if (!rest_.empty()) (void)guarded([this] { line_(rest_); });
  }
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;

  Errno write(std::span<const iovec> buffers, std::size_t& n) override {
    n = 0;
    for (const iovec& buffer : buffers) {
      const Errno error = guarded([&] { take(text_of(buffer)); });
      if (error != Errno::success) return n > 0 ? Errno::success : error;
      n += buffer.iov_len;
    }
    return Errno::success;
  }

 private:
  static constexpr std::size_t kLineBytesMax = 64 * 1024;

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t room = kLineBytesMax - rest_.size();
      const std::size_t end = bytes.substr(0, room).find('\n');
      const std::size_t n = end != bytes.npos ? end : std::min(room, bytes.size());
      rest_.append(bytes.substr(0, n));
      bytes.remove_prefix(end != bytes.npos ? n + 1 : n);
      if (end == bytes.npos && rest_.size() < kLineBytesMax) return;
      const std::string line = std::exchange(rest_, {});  // Others may write while it parks.
      line_(line);
    }
  }

  const std::function<void(std::string_view)> line_;
  std::string rest_;  // Of a line that has not ended.
};

// --- pipes ---

class PipeEnd;

// What the two ends share: a ring.
struct PipeBytes {
  explicit PipeBytes(std::size_t capacity) : ring(std::max<std::size_t>(capacity, 1)) {}

  std::vector<char> ring;
  std::size_t begin = 0;
  std::size_t size = 0;
  PipeEnd* reader = nullptr;  // nullptr: gone.
  PipeEnd* writer = nullptr;
};

class PipeEnd : public wasip1::Device {
 public:
  explicit PipeEnd(std::shared_ptr<PipeBytes> bytes) : bytes_(std::move(bytes)) {}
  void notify(Direction direction) { wake(direction); }

 protected:
  const std::shared_ptr<PipeBytes> bytes_;
};

class PipeReader final : public PipeEnd {
 public:
  explicit PipeReader(const std::shared_ptr<PipeBytes>& bytes) : PipeEnd(bytes) {
    bytes->reader = this;
  }
  ~PipeReader() override {
    bytes_->reader = nullptr;
    if (bytes_->writer != nullptr) bytes_->writer->notify(Direction::write);
  }
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;

  Errno read(std::span<const iovec> buffers, std::size_t& n) override {
    PipeBytes& pipe = *bytes_;
    n = 0;
    for (iovec buffer : buffers) {
      while (buffer.iov_len > 0 && pipe.size > 0) {
        const std::size_t run =
            std::min({buffer.iov_len, pipe.size, pipe.ring.size() - pipe.begin});
        std::memcpy(buffer.iov_base, pipe.ring.data() + pipe.begin, run);
        buffer.iov_base = static_cast<char*>(buffer.iov_base) + run;
        buffer.iov_len -= run;
        pipe.begin = (pipe.begin + run) % pipe.ring.size();
        pipe.size -= run;
        n += run;
      }
    }
    if (n > 0 && pipe.writer != nullptr) pipe.writer->notify(Direction::write);
    return n > 0 || pipe.writer == nullptr ? Errno::success : Errno::again;
  }
  Errno write(std::span<const iovec>, std::size_t&) override { return Errno::badf; }
  State state(Direction) override {
    const bool over = bytes_->writer == nullptr;
    return {.ready = bytes_->size > 0 || over, .hangup = over, .bytes = bytes_->size};
  }
};

class PipeWriter final : public PipeEnd {
 public:
  explicit PipeWriter(const std::shared_ptr<PipeBytes>& bytes) : PipeEnd(bytes) {
    bytes->writer = this;
  }
  ~PipeWriter() override {
    bytes_->writer = nullptr;
    if (bytes_->reader != nullptr) bytes_->reader->notify(Direction::read);
  }
  PipeWriter(const PipeWriter&) = delete;
  PipeWriter& operator=(const PipeWriter&) = delete;

  Errno read(std::span<const iovec>, std::size_t&) override { return Errno::badf; }
  Errno write(std::span<const iovec> buffers, std::size_t& n) override {
    PipeBytes& pipe = *bytes_;
    n = 0;
    if (pipe.reader == nullptr) return Errno::pipe;
    for (const iovec& buffer : buffers) n += put(text_of(buffer));
    if (n > 0) pipe.reader->notify(Direction::read);
    // What did not fit is asked again when there is room.
    return pipe.size == pipe.ring.size() && n < wasip1::bytes_of(buffers) ? Errno::again
                                                                          : Errno::success;
  }
  State state(Direction) override {
    const bool over = bytes_->reader == nullptr;
    return {.ready = bytes_->size < bytes_->ring.size() || over, .hangup = over, .bytes = 0};
  }

  // As much as there is room for.
  std::size_t put(std::string_view bytes) {
    PipeBytes& pipe = *bytes_;
    std::size_t done = 0;
    while (done < bytes.size() && pipe.size < pipe.ring.size()) {
      const std::size_t end = (pipe.begin + pipe.size) % pipe.ring.size();
      const std::size_t run =
          std::min({bytes.size() - done, pipe.ring.size() - pipe.size, pipe.ring.size() - end});
      std::memcpy(pipe.ring.data() + end, bytes.data() + done, run);
      pipe.size += run;
      done += run;
    }
    return done;
  }
};

// On a native G: all of it, parked while there is no room. False: nobody reads.
bool write_all(wasip1::Device& to, std::string_view text) {
  while (!text.empty()) {
    const iovec buffer = {const_cast<char*>(text.data()), text.size()};
    std::size_t n = 0;
    const Errno error = to.write({&buffer, 1}, n);
    text.remove_prefix(n);
    if (error == Errno::again) {
      const wasip1::DeviceWait wait(to, Direction::write, this_g());
      park(WaitReason::io_wait);
    } else if (error != Errno::success) {
      return false;
    }
  }
  return true;
}

wasip1::DeviceFile stream(std::shared_ptr<wasip1::Device> device,
                          wasip1::FileType type = wasip1::FileType::unknown) {
  return {std::move(device), type};
}

}  // namespace

wasip1::DeviceFile from_text(std::string text) {
  return stream(std::make_shared<TextSource>(std::move(text)));
}

wasip1::DeviceFile from_callback(std::function<std::size_t(std::span<std::byte>)> read) {
  return stream(std::make_shared<CallbackSource>(std::move(read)));
}

Result<wasip1::DeviceFile> from_channel(Scheduler& scheduler, chan<std::string> channel) {
  Pipe made = pipe();
  auto g = scheduler.spawn(
      [channel = std::move(channel), to = std::move(made.to.device)]() mutable {
        while (auto text = channel.recv()) {
          if (!write_all(*to, *text)) return;
        }
      },
      {.name = "from_channel"});
  if (!g) return g.error();
  return std::move(made.from);
}

wasip1::DeviceFile to_text(std::string& text) {
  return stream(std::make_shared<CallbackSink>([&text](std::string_view bytes) {
    text.append(bytes);
    return Errno::success;
  }));
}

wasip1::DeviceFile to_callback(std::function<void(std::string_view)> write) {
  return stream(std::make_shared<CallbackSink>([write = std::move(write)](std::string_view bytes) {
    write(bytes);
    return Errno::success;
  }));
}

// A terminal to the guest, so that its C library writes line by line.
wasip1::DeviceFile to_lines(std::function<void(std::string_view)> line) {
  return stream(std::make_shared<LineSink>(std::move(line)), wasip1::FileType::character_device);
}

wasip1::DeviceFile to_channel(chan<std::string> channel) {
  return stream(std::make_shared<CallbackSink>([channel](std::string_view bytes) mutable {
    try {
      channel.send(std::string(bytes));
    } catch (const Panic&) {  // It is closed.
      return Errno::pipe;
    }
    return Errno::success;
  }));
}

Pipe pipe(std::size_t capacity) {
  const auto bytes = std::make_shared<PipeBytes>(capacity);
  return {stream(std::make_shared<PipeReader>(bytes)), stream(std::make_shared<PipeWriter>(bytes))};
}

}  // namespace weft
