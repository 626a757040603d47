// SPDX-License-Identifier: Apache-2.0
#include "os/port/imports.h"

#include <cstring>
#include <span>
#include <vector>

#include "os/port/host_poll.h"
#include "os/port/on_a_g.h"
#include "os/wasip1/calls.h"

namespace weft::port {
namespace {

using wasip1::Errno;
using wasip1::Memory;

constexpr size kSubscriptionsMax = 64 * 1024;                     // As os/wasip1/poll.cpp.
constexpr std::uint64_t kWriteBytesMax = std::uint64_t{1} << 30;  // Longer writes are short ones.

errno_ number(Errno e) {
  return static_cast<errno_>(e);
}

// The memory that one call sees: what it needs, one thing after the other, each aligned to 8.
class Scratch {
 public:
  // Returns the address of `bytes` more. Before the first use of data() and memory().
  size add(std::uint64_t bytes) {
    const std::size_t at = words_.size() * sizeof(std::uint64_t);
    words_.insert(words_.end(), (bytes + 7) / 8, 0);
    return static_cast<size>(at);
  }
  std::byte* data(size at) { return reinterpret_cast<std::byte*>(words_.data()) + at; }
  Memory memory() { return Memory(std::as_writable_bytes(std::span(words_))); }

 private:
  std::vector<std::uint64_t> words_;
};

template <class T>
void copy_out(Scratch& scratch, size at, T* to, std::size_t count = 1) {
  std::memcpy(to, scratch.data(at), count * sizeof(T));
}

using SizesGet = Errno (*)(wasip1::Process&, Memory, wasip1::Size, wasip1::Size);

errno_ sizes_get(const char* name, SizesGet get, size* count, size* bytes) {
  Port& port = this_port();
  if (const auto e = port.answer_for(name)) return *e;
  if (count == nullptr || bytes == nullptr) return number(Errno::fault);
  Scratch scratch;
  const size at = scratch.add(sizeof(size));
  const size bytes_at = scratch.add(sizeof(size));
  const Errno e = get(port.process(), scratch.memory(), at, bytes_at);
  if (e != Errno::success) return number(e);
  copy_out(scratch, at, count);
  copy_out(scratch, bytes_at, bytes);
  return 0;
}

// Fills pointers with addresses in the window, where `buffer` lies.
errno_ strings_get(const char* name, SizesGet sizes, SizesGet get, Window window,
                   uintptr32* pointers, std::byte* buffer) {
  Port& port = this_port();
  if (const auto e = port.answer_for(name)) return *e;
  Scratch counts;
  const size count_at = counts.add(sizeof(size));
  const size bytes_at = counts.add(sizeof(size));
  if (const Errno e = sizes(port.process(), counts.memory(), count_at, bytes_at);
      e != Errno::success) {
    return number(e);
  }
  size count = 0;
  size bytes = 0;
  copy_out(counts, count_at, &count);
  copy_out(counts, bytes_at, &bytes);
  const auto base = window.address(buffer, bytes);
  if (!base || (pointers == nullptr && count != 0)) return number(Errno::fault);

  Scratch scratch;
  const size pointers_at = scratch.add(std::uint64_t{count} * sizeof(uintptr32));
  const size buffer_at = scratch.add(bytes);
  const Errno e = get(port.process(), scratch.memory(), pointers_at, buffer_at);
  if (e != Errno::success) return number(e);
  copy_out(scratch, pointers_at, pointers, count);
  for (size i = 0; i < count; ++i) pointers[i] = *base + (pointers[i] - buffer_at);
  copy_out(scratch, buffer_at, buffer, bytes);
  return 0;
}

}  // namespace

void exit(std::int32_t code) {
  wasip1::proc_exit(this_port().process(), Memory(), static_cast<std::uint32_t>(code));
}

errno_ args_sizes_get(size* argc, size* argvBufLen) {
  return sizes_get("args_sizes_get", &wasip1::args_sizes_get, argc, argvBufLen);
}

errno_ environ_sizes_get(size* environCount, size* environBufLen) {
  return sizes_get("environ_sizes_get", &wasip1::environ_sizes_get, environCount, environBufLen);
}

errno_ args_get_in(Window window, uintptr32* argv, std::byte* argvBuf) {
  return strings_get("args_get", &wasip1::args_sizes_get, &wasip1::args_get, window, argv, argvBuf);
}

errno_ environ_get_in(Window window, uintptr32* environ, std::byte* environBuf) {
  return strings_get("environ_get", &wasip1::environ_sizes_get, &wasip1::environ_get, window,
                     environ, environBuf);
}

errno_ args_get(uintptr32* argv, std::byte* argvBuf) {
  return args_get_in(this_port().window(), argv, argvBuf);
}

errno_ environ_get(uintptr32* environ, std::byte* environBuf) {
  return environ_get_in(this_port().window(), environ, environBuf);
}

errno_ clock_time_get(clockid id, timestamp precision, timestamp* time) {
  Port& port = this_port();
  if (const auto e = port.answer_for("clock_time_get")) return *e;
  if (time == nullptr) return number(Errno::fault);
  const Memory memory({reinterpret_cast<std::byte*>(time), sizeof *time});
  return number(wasip1::clock_time_get(port.process(), memory, id, precision, 0));
}

errno_ random_get(void* buf, size bufLen) {
  Port& port = this_port();
  if (const auto e = port.answer_for("random_get")) return *e;
  if (buf == nullptr && bufLen != 0) return number(Errno::fault);
  return number(port.process().random({static_cast<std::byte*>(buf), bufLen}));
}

// --- fd_write ---

namespace {

// iovecs: what the caller gave, with addresses that count from base.
errno_ write(Port& port, std::int32_t fd, std::byte* base, std::span<const iovec> iovecs,
             size& nwritten) {
  std::uint64_t bytes = 0;
  for (const iovec& vec : iovecs) bytes += vec.bufLen;
  if (bytes > kWriteBytesMax) return number(Errno::inval);
  Scratch scratch;
  const size vecs_at = scratch.add(iovecs.size_bytes());
  const size written_at = scratch.add(sizeof(size));
  size data_at = scratch.add(bytes);
  for (std::size_t i = 0; i < iovecs.size(); ++i) {
    const wasip1::Iovec vec{data_at, iovecs[i].bufLen};
    std::memcpy(scratch.data(vecs_at) + i * sizeof vec, &vec, sizeof vec);
    std::memcpy(scratch.data(data_at), base + iovecs[i].buf, vec.buf_len);
    data_at += vec.buf_len;
  }
  Errno e = Errno::success;
  on_a_g(port, [&] {
    e = wasip1::fd_write(port.process(), scratch.memory(), static_cast<wasip1::Fd>(fd), vecs_at,
                         static_cast<size>(iovecs.size()), written_at);
  });
  if (e == Errno::success) copy_out(scratch, written_at, &nwritten);
  return number(e);
}

}  // namespace

errno_ fd_write(std::int32_t fd, const iovec* iovs, size iovsLen, size* nwritten) {
  Port& port = this_port();
  if (const auto e = port.answer_for("fd_write")) return *e;
  require_inside(port, "fd_write");
  const Window window = port.window();
  if (nwritten == nullptr || (iovs == nullptr && iovsLen != 0)) return number(Errno::fault);
  const std::span<const iovec> iovecs(iovs, iovsLen);
  for (const iovec& vec : iovecs) {
    if (!window.contains(vec.buf, vec.bufLen)) return number(Errno::fault);
  }
  return write(port, fd, window.base, iovecs, *nwritten);
}

errno_ fd_write_from(std::int32_t fd, std::span<const std::byte> bytes, size& nwritten) {
  Port& port = this_port();
  if (const auto e = port.answer_for("fd_write")) return *e;
  require_inside(port, "fd_write");
  const auto length = static_cast<size>(std::min<std::uint64_t>(bytes.size(), kWriteBytesMax));
  const iovec vec{0, length};
  auto* base = const_cast<std::byte*>(bytes.data());  // Only read.
  return write(port, fd, base, {&vec, 1}, nwritten);
}

// --- poll_oneoff ---

errno_ poll_oneoff(const subscription* in, event* out, size nsubscriptions, size* nevents) {
  Port& port = this_port();
  if (const auto e = port.answer_for("poll_oneoff")) return *e;
  if (nsubscriptions == 0 || nsubscriptions > kSubscriptionsMax) return number(Errno::inval);
  if (in == nullptr || out == nullptr || nevents == nullptr) return number(Errno::fault);
  if (port.is_strict()) {
    return host_poll_oneoff(port, {in, nsubscriptions}, {out, nsubscriptions}, *nevents);
  }
  require_inside(port, "poll_oneoff");
  Scratch scratch;
  const size in_at = scratch.add(std::uint64_t{nsubscriptions} * sizeof(subscription));
  const size out_at = scratch.add(std::uint64_t{nsubscriptions} * sizeof(event));
  const size nevents_at = scratch.add(sizeof(size));
  std::memcpy(scratch.data(in_at), in, nsubscriptions * sizeof(subscription));
  Errno e = Errno::success;
  on_a_g(port, [&] {
    e = wasip1::poll_oneoff(port.process(), scratch.memory(), in_at, out_at, nsubscriptions,
                            nevents_at);
  });
  if (e != Errno::success) return number(e);
  copy_out(scratch, nevents_at, nevents);
  copy_out(scratch, out_at, out, *nevents);
  return 0;
}

}  // namespace weft::port
