// SPDX-License-Identifier: Apache-2.0
// Does what tests/spec/run.py and tests/fuzz/differential.py tell it to: loads modules, makes
// instances and calls their exports, by the way that guests go (loading, rewriting, engine, traps),
// and says what came of it.
//
//   executor ENGINE [WORD...]  reads a command a line on stdin, answers each with a line on stdout
//
//   check, guard             words: as --bounds
//   virtual                  a word: as in virtual time, with one NaN
//
//   module NAME PATH [FUEL]  loads and makes an instance under this name ("-" for none), and makes
//                            it the current one             -> made | refused TEXT | trapped KIND
//   use NAME                 the current one, "-" for the last that was made         -> used | none
//   call EXPORT WORDS...     EXPORT in hex; words as in Instance::call, in hex
//                                              -> returned WORDS... | trapped KIND | refused TEXT
//
// An answer ends with " [on interp]" for a module that the engine aot left to interp.
#include <cinttypes>
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/printable.h"
#include "guest/engines.h"
#include "guest/runtime.h"

using namespace weft;

namespace {

constexpr std::uint32_t kQuantumOfVirtualTime = 64;
constexpr std::size_t kStackOfCommands = std::size_t{8} << 20;

// Members die in the reverse order: an instance before its process.
struct Made {
  std::shared_ptr<Module> module;
  std::unique_ptr<wasip1::Process> process;
  std::unique_ptr<Instance> instance;
  bool on_interp = false;
};

std::string text_of_hex(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return text;
}

std::size_t words_of(const std::string& types) {
  std::size_t words = 0;
  for (const char type : types) words += type == 'v' ? 2 : 1;
  return words;
}

std::vector<std::byte> read_file(const std::string& path) {
  std::vector<std::byte> bytes;
  if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
    for (int c = 0; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<std::byte>(c));
    std::fclose(file);
  }
  return bytes;
}

class Executor {
 public:
  Executor(const EngineRow& engine, Bounds bounds, bool virtual_time)
      : engine_(engine.make(
            {.aot = {.bounds = bounds, .say = [this](std::string_view) { on_interp_ = true; }}})),
        limits_{.memory_pages_max = 65'536, .quantum = virtual_time ? kQuantumOfVirtualTime : 0} {}

  // On a G.
  void run() {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string command;
      words >> command;
      std::string answer;
      if (command == "module") {
        answer = load(words);
      } else if (command == "use") {
        answer = use(words);
      } else {
        answer = call(words);
      }
      const bool on_interp = current_ != nullptr && current_->on_interp;
      std::printf("%s%s\n", printable(answer).c_str(), on_interp ? " [on interp]" : "");
      std::fflush(stdout);
    }
  }

  Runtime runtime;

 private:
  std::string load(std::istringstream& words) {
    std::string name;
    std::string path;
    GuestLimits limits = limits_;
    words >> name >> path;
    if (!(words >> limits.fuel)) limits.fuel = 0;
    current_ = nullptr;
    on_interp_ = false;
    auto module = engine_->load(path, read_file(path), limits, Role::library);
    if (!module) return "refused " + module.error().message;
    wasip1::ProcessConfig config;
    if (limits.fuel != 0) config.budgets.fuel = limits.fuel;
    auto process = wasip1::Process::create(runtime.reactor(), runtime.clock(), std::move(config));
    if (!process) return "refused " + process.error().message;
    auto made = std::make_shared<Made>();
    made->module = *module;
    made->process = std::move(*process);
    made->instance = made->module->instantiate(*made->process);
    made->on_interp = on_interp_;
    current_ = last_ = made;
    if (name != "-") named_[name] = made;
    const GuestEnd end = made->instance->start();
    return end.kind == GuestEnd::Kind::trapped ? trapped(end) : "made";
  }

  std::string use(std::istringstream& words) {
    std::string name;
    words >> name;
    const auto found = named_.find(name);
    current_ = name == "-" ? last_ : found != named_.end() ? found->second : nullptr;
    return current_ != nullptr ? "used" : "none";
  }

  std::string call(std::istringstream& words) {
    std::string hex;
    words >> hex;
    if (current_ == nullptr) return "refused there is no instance";
    const ModuleInfo& info = current_->module->info;
    const ExportInfo* item = info.find_export(text_of_hex(hex));
    if (item == nullptr || item->kind != ExternalKind::func) return "refused no such function";
    const FuncTypeInfo& type = *info.type_of_function(item->index);
    std::vector<std::uint64_t> values;
    for (std::string word; words >> word;) values.push_back(std::stoull(word, nullptr, 16));
    if (values.size() != words_of(type.params)) return "refused not its parameters";
    const std::size_t results = words_of(type.results);
    values.resize(std::max(values.size(), results));
    const GuestEnd end = current_->instance->call(*item, values);
    if (end.kind == GuestEnd::Kind::trapped) return trapped(end);
    std::string answer = "returned";
    for (std::size_t i = 0; i < results; ++i) {
      char word[20];
      std::snprintf(word, sizeof word, " %" PRIx64, values[i]);
      answer += word;
    }
    return answer;
  }

  static std::string trapped(const GuestEnd& end) {
    const std::string detail = end.trap.detail.empty() ? "" : ": " + end.trap.detail;
    return std::string("trapped ") + name(end.trap.kind) + detail;
  }

  std::unique_ptr<Engine> engine_;
  const GuestLimits limits_;
  std::map<std::string, std::shared_ptr<Made>> named_;
  std::shared_ptr<Made> current_;
  std::shared_ptr<Made> last_;
  bool on_interp_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const EngineRow* engine = argc >= 2 ? find_engine(argv[1]) : nullptr;
  if (engine == nullptr) return std::fputs("executor ENGINE [WORD...]\n", stderr), 64;
  Bounds bounds = Bounds::automatic;
  bool virtual_time = false;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "check") bounds = Bounds::check;
    if (word == "guard") bounds = Bounds::guard;
    if (word == "virtual") virtual_time = true;
  }
  Executor executor(*engine, bounds, virtual_time);
  const auto g = executor.runtime.scheduler().spawn([&] { executor.run(); },
                                                    {.stack_bytes = kStackOfCommands});
  if (!g) return 1;
  return executor.runtime.run().end == RunEnd::finished ? 0 : 1;
}
