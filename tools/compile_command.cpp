// SPDX-License-Identifier: Apache-2.0
#include "tools/compile_command.h"

#include <CLI/CLI.hpp>

#include "tools/command_line.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/guest_options.h"
#include "tools/messages.h"
#include "tools/modules.h"

namespace weft::tools {

namespace {

struct Raw {
  std::vector<std::string> paths;
  EngineOptions options;
};

std::unique_ptr<CLI::App> make_app(Raw& raw) {
  auto app = std::make_unique<CLI::App>(
      "Compiles modules for --engine=aot and --engine=auto, with the C compiler, and keeps them "
      "in\n"
      "the cache ('weft cache ls'). A module that is there already is left alone.",
      "weft compile");
  app->add_option("FILE", raw.paths, "The modules")->required()->type_name("FILE");
  add_aot_options(*app, raw.options.aot);
  return app;
}

}  // namespace

CommandHelp compile_help() {
  Raw raw;
  return describe(*make_app(raw));
}

int compile_command(const std::vector<std::string>& args) {
  Raw raw;
  if (const auto exit = parse_words(*make_app(raw), args)) return print(*exit);
  // Here it is an error, not a reason for another engine.
  bool failed = false;
  speak_on_stderr(raw.options);
  raw.options.aot.say = [&failed](std::string_view line) {
    failed = true;
    say(line.substr(0, line.rfind(';')));
  };
  Runtime runtime(make_interruptible("aot", raw.options));
  Modules modules(runtime);
  GuestLimits limits;
  limits.memory_pages_max = UINT32_MAX;  // A limit of those who run it.
  for (const std::string& path : raw.paths) {
    // One object is for every way to run it, so all that is asked is that it can be loaded.
    auto module = modules.load(path, limits, Role::library);
    if (module) continue;
    failed = true;
    say(module.error().message);
  }
  return failed ? kExitNoModule : 0;
}

}  // namespace weft::tools
