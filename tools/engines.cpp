// SPDX-License-Identifier: Apache-2.0
#include "tools/engines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/printable.h"
#include "tools/noted_signals.h"

namespace weft::tools {
namespace {

// A line on the terminal that is written again when what it says has changed.
class Progress {
 public:
  void operator()(const std::string& module, const CompileStage& stage) {
    const auto now = std::chrono::steady_clock::now();
    if (module != module_) {
      module_ = module;
      since_ = now;
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
    if (now - since_ < kQuiet) return;
    const bool last_kind =
        stage.kind == CompileStage::Kind::compiling || stage.kind == CompileStage::Kind::validating;
    const bool last = last_kind && stage.done == stage.of;
    std::string line = fmt::format("\rweft: {}: {}, {} s{}", printable(module), text_of(stage),
                                   seconds, last ? "\033[K\n" : "\033[K");
    if (line == line_) return;
    line_ = std::move(line);
    std::fputs(line_.c_str(), stderr);
    std::fflush(stderr);
  }

 private:
  static constexpr std::chrono::milliseconds kQuiet{300};

  static std::string text_of(const CompileStage& stage) {
    switch (stage.kind) {
      case CompileStage::Kind::validating:
        return fmt::format("validating it: {} % of {} functions",
                           100 * stage.done / std::max<std::size_t>(stage.of, 1), stage.of);
      case CompileStage::Kind::waiting:
        return "waiting for another process that compiles it";
      case CompileStage::Kind::translating:
        if (stage.of == 0) return "translating it to C";
        return fmt::format("translating it to C: {} of {} functions", stage.done, stage.of);
      case CompileStage::Kind::compiling:
        break;
    }
    return fmt::format("compiling: {} of {} parts", stage.done, stage.of);
  }

  std::string module_;
  std::string line_;
  std::chrono::steady_clock::time_point since_;
};

// An engine whose load() leaves nothing behind when a signal ends it.
class Interruptible final : public Engine {
 public:
  Interruptible(const EngineRow& row, EngineOptions options) {
    options.aot.wait = [] {
      constexpr int kLookMs = 5;
      ::poll(nullptr, 0, kLookMs);
      NotedSignals::check();
    };
    options.aot.progress = [show = std::move(options.aot.progress)](const std::string& module,
                                                                    const CompileStage& stage) {
      // Of a compilation wait() looks, where nothing is left behind.
      if (stage.kind == CompileStage::Kind::validating) NotedSignals::check();
      if (show) show(module, stage);
    };
    engine_ = row.make(std::move(options));
  }
  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits, Role role) override {
    const NotedSignals signals;
    auto module = engine_->load(std::move(name), binary, limits, role);
    NotedSignals::check();
    return module;
  }

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace

void speak_on_stderr(EngineOptions& options) {
  options.aot.say = [](std::string_view line) {
    std::fputs(fmt::format("weft: {}\n", printable(line)).c_str(), stderr);
  };
  if (::isatty(STDERR_FILENO) == 1) options.aot.progress = Progress();
}

std::unique_ptr<Engine> make_engine(std::string_view name, EngineOptions options) {
  speak_on_stderr(options);
  return make_interruptible(name, std::move(options));
}

std::unique_ptr<Engine> make_interruptible(std::string_view name, EngineOptions options) {
  const EngineRow* row = find_engine(name);
  WEFT_CHECK(row != nullptr, "an engine of the table");
  if (!row->loads_in_steps) return row->make(std::move(options));
  return std::make_unique<Interruptible>(*row, std::move(options));
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const EngineRow& row : engine_rows()) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> fixed_engine_names() {
  std::vector<std::string> names = engine_names();
  std::erase_if(names, [](const std::string& name) { return !find_engine(name)->is_fixed; });
  return names;
}

}  // namespace weft::tools
