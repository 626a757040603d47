// SPDX-License-Identifier: Apache-2.0
// Loads and runs each module of a folder in one process, with limits, and a healthy guest beside
// it.
//
//   hostile interp|aot HEALTHY.wasm MODULE.wasm...
//
// Held of each module: it is refused or traps; it takes no longer than kCpuSecondsMax of CPU time
// (without the C compiler's) and adds no more than kPeakMibMax to the process's memory; the healthy
// guest prints what it prints alone. In the end: no descriptor is left, and memory is what it was.
// Prints a line a module, and `N passed, N failed`.
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/printable.h"
#include "base/unique_fd.h"
#include "guest/engines.h"
#include "guest/runtime.h"
#include "os/cpu_meter.h"

#if defined(WEFT_ASAN)
// Of sanitizer/allocator_interface.h, which gcc does not bring.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

using namespace weft;

namespace {

constexpr double kCpuSecondsMax = 10;
constexpr std::size_t kPeakMibMax = 600;
constexpr std::size_t kLeftMibMax = 150;  // In the end: what allocators and pools keep.
constexpr long kCompilerMibMax = 2'048;

constexpr GuestLimits kLimits = {
    .memory_pages_max = 1'024, .stack_bytes = 1 << 20, .fuel = 5'000'000};
constexpr UseLimits kUse = {.sizes = {.descriptors = 16, .output_bytes = 64 * 1024},
                            .time = milliseconds(500)};

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// A line of /proc/self/status, in MiB.
std::size_t status_mib(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1)) / 1024;
  }
  return 0;
}

// What the process holds. AddressSanitizer keeps what is freed, and its shadow: there it is asked
// what is allocated.
std::size_t held_mib() {
#if defined(WEFT_ASAN)
  return __sanitizer_get_current_allocated_bytes() >> 20;
#else
  return status_mib("VmRSS");
#endif
}

// Resets the peak (VmHWM): from here on it is that of what comes.
void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator begin("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

// What a guest wrote, in a file without a name.
class Output {
 public:
  Output() : fd_(::memfd_create("weft-test", MFD_CLOEXEC)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)), '\0');
    const ssize_t n = ::pread(fd_.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    return text;
  }

 private:
  UniqueFd fd_;
};

class Arena {
 public:
  Arena(std::unique_ptr<Engine> engine, const std::string& healthy) : runtime_(std::move(engine)) {
    auto module = runtime_.load(healthy);
    WEFT_CHECK(module.ok(), "the healthy guest can't be loaded");
    healthy_ = *module;
    expected_ = run_healthy(nullptr);
    WEFT_CHECK(!expected_.empty(), "the healthy guest prints nothing");
  }

  // What is wrong with how it went, or "". `how` is how the module ended.
  std::string fight(const std::string& path, std::string& how) {
    const std::size_t before = status_mib("VmRSS");
    forget_peak();
    auto module = runtime_.load(path, kLimits);  // With what the C compiler takes.
    const Duration before_run = cpu_time_of_thread();
    const std::string said = run_healthy(module ? *module : nullptr);
    const double took = static_cast<double>(cpu_time_of_thread().ns - before_run.ns) / 1e9;
    const std::size_t peak = status_mib("VmHWM");
    how = module ? describe(*runtime_.guests()[runtime_.guests().size() - 2])
                 : "refused: " + module.error().message;
    if (how.starts_with("exited")) return "it did not end with an error";
    if (said != expected_) return "the healthy guest printed something else: " + said;
    if (took > kCpuSecondsMax) return "it took " + std::to_string(took) + " s of CPU time";
    if (peak > before + kPeakMibMax) {
      return "it took " + std::to_string(peak - before) + " MiB of memory";
    }
    return {};
  }

 private:
  // Runs the healthy guest, after `beside` has been spawned, and returns what it printed.
  std::string run_healthy(const std::shared_ptr<Module>& beside) {
    const Output output;
    const Output dropped;
    if (beside != nullptr) {
      const auto guest = runtime_.spawn(
          beside,
          {.stdin_from = -1, .stdout_to = dropped.fd(), .stderr_to = dropped.fd(), .use = kUse});
      WEFT_CHECK(guest.ok(), "a hostile guest could not be spawned");
    }
    const auto healthy = runtime_.spawn(healthy_, {.stdin_from = -1, .stdout_to = output.fd()});
    WEFT_CHECK(healthy.ok(), "the healthy guest could not be spawned");
    const RunResult result = runtime_.run();
    const GuestEnd& end = *(*healthy)->end();
    if (result.end != RunEnd::finished) return result.report;
    if (end.kind != GuestEnd::Kind::exited || end.exit_code != 0) return describe(**healthy);
    return output.text();
  }

  static std::string describe(const Guest& guest) {
    const GuestEnd& end = *guest.end();
    if (end.kind == GuestEnd::Kind::killed) return "exited: killed";
    if (end.kind == GuestEnd::Kind::exited) return "exited with " + std::to_string(end.exit_code);
    std::string text = std::string("trap: ") + name(end.trap.kind);
    if (!end.trap.frames.empty()) text += " in " + end.trap.frames.front();
    return text;
  }

  Runtime runtime_;
  std::shared_ptr<Module> healthy_;
  std::string expected_;
};

std::unique_ptr<Engine> make(const EngineRow& engine) {
  return engine.make({.aot = {.say = [](std::string_view line) {
                        std::printf("      %s\n", printable(line).substr(0, 200).c_str());
                      }}});
}

std::string compilers_fault() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const long mib = usage.ru_maxrss / 1024;
  std::printf("      the C compiler took %ld MiB at most\n", mib);
  return mib > kCompilerMibMax ? "a C compiler took too much memory" : "";
}

}  // namespace

int main(int argc, char** argv) {
  const EngineRow* engine = argc >= 4 ? find_engine(argv[1]) : nullptr;
  if (engine == nullptr) {
    return std::fputs("hostile ENGINE HEALTHY.wasm MODULE.wasm...\n", stderr), 64;
  }
  int passed = 0;
  int failed = 0;
  const auto judge = [&](const std::string& what, const std::string& wrong) {
    ++(wrong.empty() ? passed : failed);
    std::printf("%s%s%s\n", what.c_str(), wrong.empty() ? "" : "\nFAIL  ", wrong.c_str());
    std::fflush(stdout);
  };
  std::size_t fds = 0;
  std::size_t mib = 0;
  {
    Arena arena(make(*engine), argv[2]);
    fds = open_descriptors();
    mib = held_mib();
    for (int i = 3; i < argc; ++i) {
      const auto start = SteadyClock::now();
      const std::string name = std::filesystem::path(argv[i]).stem().string();
      std::printf("ok    %s: ", name.c_str());
      std::fflush(stdout);
      std::string how;
      const std::string wrong = arena.fight(argv[i], how);
      char took[32];
      std::snprintf(took, sizeof took, " (%.2f s)", seconds_since(start));
      judge(printable(how).substr(0, 160) + took, wrong);
    }
    const std::size_t left = open_descriptors();
    judge(
        "ok    descriptors: " + std::to_string(fds) + " before, " + std::to_string(left) + " after",
        left == fds ? "" : "descriptors are left");
  }
  const std::size_t left = held_mib();
  judge("ok    memory: " + std::to_string(mib) + " MiB before, " + std::to_string(left) + " after",
        left < mib + kLeftMibMax ? "" : "memory is left");
  judge("ok    compilers", compilers_fault());
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
