// SPDX-License-Identifier: Apache-2.0
#include "tools/engines_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "guest/engines.h"
#include "tools/exit_codes.h"

namespace weft::tools {

std::optional<ExitNow> engines_command(const std::vector<std::string>& args) {
  std::string choices;
  std::string list;
  for (const EngineRow& row : engine_rows()) {
    (row.is_fixed ? list : choices) += fmt::format("{:<8}{}\n", row.name, row.what);
  }
  CLI::App app("Lists the engines that run guests, one a line: its name, and what it is.",
               "weft engines");
  app.footer("--engine takes one of them, or leaves the choice to weft:\n" + choices);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    return ExitNow{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return ExitNow{kExitUsage, std::string("weft: engines: ") + error.what() +
                                   "\nTry 'weft engines --help'.\n"};
  }
  return ExitNow{0, list};
}

}  // namespace weft::tools
