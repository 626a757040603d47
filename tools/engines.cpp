#include "tools/engines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <poll.h>

#include <chrono>
#include <cstdio>

#include "base/printable.h"
#include "guest/wabt/interp.h"
#include "tools/noted_signals.h"

namespace weft::tools {
namespace {

// A line on the terminal that is written over again and again.
class Progress {
 public:
  void operator()(const std::string& module, std::size_t done, std::size_t parts) {
    const auto now = std::chrono::steady_clock::now();
    if (module != module_) {
      module_ = module;
      since_ = now;
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
    if (seconds < 1) return;
    std::string line = fmt::format("\rweft: compiling {}: {} of {} parts, {} s", printable(module),
                                   done, parts, seconds);
    line += done == parts ? "\n" : "\033[K";
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
  }

 private:
  std::string module_;
  std::chrono::steady_clock::time_point since_;
};

// The engine aot, whose load() leaves nothing behind when a signal ends it.
class InterruptibleAot final : public Engine {
 public:
  explicit InterruptibleAot(AotOptions options) {
    options.wait = [] {
      constexpr int kLookMs = 5;
      ::poll(nullptr, 0, kLookMs);
      NotedSignals::check();
    };
    aot_ = make_aot(std::move(options));
  }
  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits, Role role) override {
    const NotedSignals signals;
    auto module = aot_->load(std::move(name), binary, limits, role);
    NotedSignals::check();
    return module;
  }

 private:
  std::unique_ptr<Engine> aot_;
};

}  // namespace

void speak_on_stderr(AotOptions& options) {
  options.say = [](std::string_view line) {
    std::fputs(fmt::format("weft: {}\n", printable(line)).c_str(), stderr);
  };
  if (::isatty(STDERR_FILENO) == 1) options.progress = Progress();
}

std::unique_ptr<Engine> make_engine(const std::string& name, AotOptions options) {
  if (name == "interp") return make_interp();
  options.compile = name == "aot";
  speak_on_stderr(options);
  return make_interruptible_aot(std::move(options));
}

std::unique_ptr<Engine> make_interruptible_aot(AotOptions options) {
  return std::make_unique<InterruptibleAot>(std::move(options));
}

}  // namespace weft::tools
