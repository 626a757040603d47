// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: a reader of the fuzzer's bytes, a directory that looks the same at
// the start of every input, and a guest without a module whose time and whose waits are not real.
//
// Nothing blocks: stdio is /dev/null, the clock jumps to the next deadline, and a guest that waits
// for something that can't come is a deadlock, which ends the run at once. Files can't grow beyond
// a mebibyte (RLIMIT_FSIZE).
#pragma once

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>

#include "os/clocks.h"
#include "os/reactor.h"
#include "os/wasip1/functions.h"
#include "scheduler/api.h"

namespace weft::fuzz {

namespace fs = std::filesystem;

// The input, taken bit by bit. When it is used up, everything is 0.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::uint8_t u8() {
    if (left_.empty()) return 0;
    const std::uint8_t byte = left_.front();
    left_ = left_.subspan(1);
    return byte;
  }
  std::uint64_t number(int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint64_t{u8()} << (8 * i);
    return value;
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> left_;
};

// Waits by moving the clock; knows of no events.
class JumpingPoller final : public Poller {
 public:
  explicit JumpingPoller(ManualClock& clock) : clock_(clock) {}
  void poll(Instant deadline) override {
    if (deadline != Instant::far_past() && deadline != Instant::far_future()) {
      clock_.advance_to(deadline);
    }
  }
  [[nodiscard]] std::size_t waits() const override { return 0; }
  void wake() noexcept override {}

 private:
  ManualClock& clock_;
};

// <tmp>/inside/{file,sub/deep/file,...links} is the guest's; <tmp>/outside/{secret,dir/} is not.
class Tree {
 public:
  Tree() {
    const char* memory = "/dev/shm";
    std::string name = (fs::exists(memory) ? memory : fs::temp_directory_path().c_str());
    name += "/weft-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
    fs::create_directories(root_ / "outside/dir");
    write(root_ / "outside/secret", "secret");
    ::chmod((root_ / "outside/secret").c_str(), 0600);
    before_ = picture();
  }
  ~Tree() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // As at the start of every input.
  void reset() const {
    fs::remove_all(inside());
    fs::create_directories(inside() / "sub/deep");
    write(inside() / "file", "mine");
    write(inside() / "sub/deep/file", "mine too");
    const struct {
      const char* text;
      const char* name;
    } links[] = {{"../outside", "up_dir"},
                 {"../outside/secret", "up_file"},
                 {"../outside/new", "up_new"},
                 {"sub", "link_dir"},
                 {"sub/deep/file", "link_file"},
                 {"../..", "sub/up"},
                 {"..", "sub/deep/parent"},
                 {"loop_b", "loop_a"},
                 {"loop_a", "loop_b"},
                 {"/proc/self/root", "proc_root"},
                 {"/", "slash"},
                 {".", "dot"},
                 {"..", "dotdot"},
                 {"link_dir/deep/parent/up/outside", "zigzag"}};
    for (const auto& link : links) fs::create_symlink(link.text, inside() / link.name);
  }

  [[nodiscard]] fs::path inside() const { return root_ / "inside"; }
  [[nodiscard]] fs::path outside() const { return root_ / "outside"; }

  // Ends the process, and so the fuzzing, when anything outside has changed.
  void check_outside() const { WEFT_CHECK(picture() == before_, "a guest got outside"); }

 private:
  static void write(const fs::path& path, const char* text) { std::ofstream(path) << text; }

  [[nodiscard]] std::string picture() const {
    std::string out;
    for (const auto& entry : fs::recursive_directory_iterator(outside())) {
      struct stat s = {};
      if (::lstat(entry.path().c_str(), &s) != 0) std::abort();
      out += entry.path().string() + " " + std::to_string(s.st_nlink) + " " +
             std::to_string(s.st_size) + " " + std::to_string(s.st_mtim.tv_sec) + "." +
             std::to_string(s.st_mtim.tv_nsec) + "\n";
    }
    return out;
  }

  fs::path root_;
  std::string before_;
};

inline Tree& tree() {
  static Tree the_tree;
  return the_tree;
}

inline void limit_files() {
  const rlimit size{1 << 20, 1 << 20};
  (void)::setrlimit(RLIMIT_FSIZE, &size);
  std::signal(SIGXFSZ, SIG_IGN);
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// A process with the tree's inside as its fd 3, on a G of a world whose clock is manual.
class Guest {
 public:
  explicit Guest(wasip1::ProcessConfig config) : scheduler_(clock_, poller_) {
    config.preopens.push_back({tree().inside().string(), "/"});
    config.stdin_fd = config.stdout_fd = config.stderr_fd = -1;
    auto made = wasip1::Process::create(reactor_, clock_, std::move(config));
    if (!made) std::abort();
    process_ = std::move(*made);
  }

  [[nodiscard]] wasip1::Process& process() { return *process_; }

  // Runs f on a G until it returns, exits, or waits for what never comes.
  template <class F>
  void run(F&& f) {
    auto g = scheduler_.spawn(
        [&] {
          try {
            f();
          } catch (const wasip1::Exit&) {
          }
        },
        {.name = "guest"});
    if (!g) std::abort();
    (void)scheduler_.run();
  }

 private:
  ManualClock clock_;
  JumpingPoller poller_{clock_};
  Reactor reactor_;
  std::unique_ptr<wasip1::Process> process_;
  Scheduler scheduler_;  // Last: it ends a G that still waits, which uses all of the above.
};

}  // namespace weft::fuzz
