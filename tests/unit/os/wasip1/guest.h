// SPDX-License-Identifier: Apache-2.0
// A guest for tests: a process with 64 KiB of memory, all of it '?' so that whatever is written too
// much shows, a scratch directory, and a way to make WASI calls as an engine makes them: by name,
// through the table.
//
//   TestGuest guest({.dir = "/"});
//   guest.run([&] { CHECK(guest.call("fd_close", {0}) == Errno::success); });
//
// The clock stands still; descriptors are real, watched by a real Reactor; nothing sleeps.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "os/clocks.h"
#include "os/reactor.h"
#include "os/wasip1/functions.h"
#include "scheduler/api.h"

namespace weft::wasip1 {

inline doctest::String toString(Errno e) {
  return std::string(name(e)).c_str();
}

namespace test {

namespace fs = std::filesystem;

class TempDir {
 public:
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "weft-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = fs::canonical(pattern);
  }
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] fs::path operator/(std::string_view name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline void write_file(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Both ends of a pipe, blocking, as a parent would give them.
struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
  UniqueFd read;
  UniqueFd write;
};

class Trace final : public TraceSink {
 public:
  void line(std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

// Readies nothing and waits by moving the clock: for tests of time alone.
class JumpingPoller final : public Poller {
 public:
  explicit JumpingPoller(ManualClock& clock) : clock_(clock) {}
  void poll(Instant deadline) override {
    if (deadline == Instant::far_past()) return;
    WEFT_CHECK(deadline != Instant::far_future(), "a test would wait for ever");
    clock_.advance_to(deadline);
  }
  [[nodiscard]] std::size_t waits() const override { return 0; }
  void wake() noexcept override {}

 private:
  ManualClock& clock_;
};

class TestGuest {
 public:
  static constexpr Size kMemory = 64 * 1024;
  // path() and the other helpers put things from here on; tests use the memory below.
  static constexpr Size kScratch = 48 * 1024;

  // The config's stdio is /dev/null where it was left at 0, 1, 2.
  explicit TestGuest(ProcessConfig config = {}, ManualClock* clock = nullptr)
      : bytes_(kMemory, std::byte{'?'}), clock_(clock) {
    if (config.stdin_fd == 0) config.stdin_fd = -1;
    if (config.stdout_fd == 1) config.stdout_fd = -1;
    if (config.stderr_fd == 2) config.stderr_fd = -1;
    auto made = Process::create(reactor,
                                clock_ != nullptr ? static_cast<GuestClock&>(*clock_)
                                                  : static_cast<GuestClock&>(system_clock_),
                                std::move(config));
    if (!made) FAIL(made.error().message);
    process_ = std::move(*made);
  }

  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] Memory memory() { return Memory(bytes_); }

  // Runs f on a G until all Gs have ended.
  template <class F>
  void run(F&& f) {
    if (clock_ != nullptr) {
      JumpingPoller poller(*clock_);
      run_on(*clock_, poller, std::forward<F>(f));
    } else {
      run_on(system_clock_, reactor, std::forward<F>(f));
    }
  }

  Errno call(std::string_view name, std::initializer_list<std::uint64_t> args,
             std::string_view module = "wasi_snapshot_preview1") {
    const Function* function = find(module, name);
    REQUIRE(function != nullptr);
    REQUIRE(function->params.size() == args.size());
    // An engine leaves the upper halves of i32s as they are; so do we, with rubbish.
    std::vector<std::uint64_t> passed(args);
    for (std::size_t i = 0; i < passed.size(); ++i) {
      if (function->params[i] == 'i') passed[i] = (passed[i] & 0xffff'ffff) | 0xdead'beefull << 32;
    }
    return static_cast<Errno>(function->call(*process_, memory(), passed.data()));
  }

  // --- memory ---

  void put(Size at, std::string_view text) {
    REQUIRE(at + text.size() <= bytes_.size());
    std::memcpy(bytes_.data() + at, text.data(), text.size());
  }
  template <class T>
  void put_value(Size at, const T& value) {
    REQUIRE(memory().store(at, value) == Errno::success);
  }
  void put_iovec(Size at, Size buf, Size len) { put_value(at, Iovec{buf, len}); }
  [[nodiscard]] std::string text(Size at, Size length) {
    REQUIRE(at + length <= bytes_.size());
    return {reinterpret_cast<const char*>(bytes_.data()) + at, length};
  }
  template <class T>
  T value(Size at) {
    T out{};
    REQUIRE(memory().load(at, out) == Errno::success);
    return out;
  }
  std::uint32_t u32(Size at) { return value<std::uint32_t>(at); }
  std::uint64_t u64(Size at) { return value<std::uint64_t>(at); }

  // --- the calls that most tests need ---

  // Puts a path into the scratch area (two fit) and returns its address.
  Size path(std::string_view text, int which = 0) {
    const Size at = kScratch + static_cast<Size>(which) * 6 * 1024;
    put(at, text);
    return at;
  }
  static std::uint64_t size(std::string_view text) { return text.size(); }

  struct OpenOptions {
    std::uint16_t o_flags = 0;
    Rights base = rights::fd_read | rights::fd_seek | rights::fd_tell | rights::fd_readdir |
                  rights::fd_filestat_get;
    Rights inheriting = 0;
    std::uint16_t fd_flags = 0;
    std::uint32_t lookup = lookupflags::symlink_follow;
  };

  Errno open(Fd dir, std::string_view name, Fd& out, const OpenOptions& options) {
    const Errno e =
        call("path_open", {dir, options.lookup, path(name), size(name), options.o_flags,
                           options.base, options.inheriting, options.fd_flags, kScratch - 16});
    if (e == Errno::success) out = u32(kScratch - 16);
    return e;
  }
  Errno open(Fd dir, std::string_view name, Fd& out) { return open(dir, name, out, OpenOptions()); }

  static OpenOptions for_writing(std::uint16_t o_flags = oflags::creat) {
    OpenOptions options;
    options.o_flags = o_flags;
    options.base = rights::of_file;
    return options;
  }

  Errno write(Fd fd, std::string_view text, Size& n) {
    put(kScratch - 8192, text);
    put_iovec(kScratch - 32, kScratch - 8192, static_cast<Size>(text.size()));
    const Errno e = call("fd_write", {fd, kScratch - 32, 1, kScratch - 24});
    n = e == Errno::success ? u32(kScratch - 24) : 0;
    return e;
  }
  Errno write(Fd fd, std::string_view text) {
    Size n = 0;
    const Errno e = write(fd, text, n);
    if (e == Errno::success) CHECK(n == text.size());
    return e;
  }

  Errno read(Fd fd, std::string& out, Size room = 4096) {
    put_iovec(kScratch - 32, kScratch - 8192, room);
    const Errno e = call("fd_read", {fd, kScratch - 32, 1, kScratch - 24});
    out = e == Errno::success ? text(kScratch - 8192, u32(kScratch - 24)) : std::string();
    return e;
  }

  Reactor reactor;

 private:
  template <class F>
  void run_on(Clock& clock, Poller& poller, F&& f) {
    Scheduler scheduler(clock, poller);
    auto g = scheduler.spawn([&] { f(); }, {.name = "guest"});
    REQUIRE(g.ok());
    const RunResult result = scheduler.run();
    process_->stop_cpu_time();
    CHECK_MESSAGE(result.end == RunEnd::finished, result.report);
  }

  std::vector<std::byte> bytes_;
  ManualClock* clock_;
  SystemClock system_clock_;
  std::unique_ptr<Process> process_;
};

// A guest that has one directory, its fd 3, as "/".
inline ProcessConfig with_directory(const fs::path& directory) {
  ProcessConfig config;
  config.preopens.push_back({directory.string(), "/"});
  return config;
}
inline constexpr Fd kRoot = 3;

}  // namespace test
}  // namespace weft::wasip1
