// SPDX-License-Identifier: Apache-2.0
#include "tools/engines_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "guest/engines.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"

namespace weft::tools {

int engines_command(const std::vector<std::string>& args) {
  std::string choices;
  std::string list;
  for (const EngineRow& row : engine_rows()) {
    (row.is_fixed ? list : choices) += fmt::format("{:<8}{}\n", row.name, row.what);
  }
  CLI::App app("Lists the engines that run guests, one a line: its name, and what it is.",
               "weft engines");
  app.footer("--engine takes one of them, or leaves the choice to weft:\n" + choices);
  if (const auto exit = parse_words(app, args)) return print(*exit);
  return print({0, list});
}

}  // namespace weft::tools
