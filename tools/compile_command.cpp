// SPDX-License-Identifier: Apache-2.0
#include "tools/compile_command.h"

#include <CLI/CLI.hpp>

#include "base/printable.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"

namespace weft::tools {

std::optional<ExitNow> compile_command(const std::vector<std::string>& args) {
  CLI::App app(
      "Compiles modules for --engine=aot and --engine=auto, with the C compiler, and keeps them "
      "in\n"
      "the cache ('weft cache ls'). A module that is there already is left alone.",
      "weft compile");
  std::vector<std::string> paths;
  EngineOptions options;
  app.add_option("module", paths, "The modules")->required()->type_name("FILE");
  add_aot_options(app, options.aot);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    return ExitNow{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return ExitNow{kExitUsage, std::string("weft: compile: ") + error.what() +
                                   "\nTry 'weft compile --help'.\n"};
  }
  // Here it is an error, not a reason for another engine.
  std::string failures;
  speak_on_stderr(options);
  options.aot.say = [&failures](std::string_view line) {
    failures += "weft: " + std::string(line.substr(0, line.rfind(';'))) + "\n";
  };
  Runtime runtime(make_interruptible("aot", options));
  GuestLimits limits;
  limits.memory_pages_max = UINT32_MAX;  // A limit of those who run it.
  for (const std::string& path : paths) {
    if (auto module = runtime.load(path, limits); !module) {
      failures += "weft: " + module.error().message + "\n";
    }
  }
  if (failures.empty()) return std::nullopt;
  return ExitNow{kExitNoModule, printable_lines(failures)};
}

}  // namespace weft::tools
