// SPDX-License-Identifier: Apache-2.0
#include "tools/engines_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "guest/engines.h"
#include "tools/command_line.h"
#include "tools/messages.h"

namespace weft::tools {
namespace {

std::string list(bool fixed) {
  std::string text;
  for (const EngineRow& row : engine_rows()) {
    if (row.is_fixed == fixed) text += fmt::format("{:<8}{}\n", row.name, row.what);
  }
  return text;
}

struct EnginesApp {
  CLI::App app{"Lists the engines that run guests, one a line: its name, and what it is.",
               "weft engines"};
  EnginesApp() {
    app.footer("--engine takes one of them, or leaves the choice to weft:\n" + list(false));
  }
};

}  // namespace

CommandHelp engines_help() {
  return describe(EnginesApp().app);
}

int engines_command(const std::vector<std::string>& args) {
  EnginesApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return print({0, list(true)});
}

}  // namespace weft::tools
