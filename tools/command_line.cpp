// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/exit_codes.h"

namespace weft::tools {

ExitNow wrong_use(const std::string& command, const std::string& what) {
  return {kExitUsage, "weft: " + command + ": " + what + "\nTry 'weft " + command + " --help'.\n"};
}

std::optional<ExitNow> parse_words(CLI::App& app, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // As CLI11 wants them.
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return ExitNow{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return wrong_use(app.get_name().substr(std::string("weft ").size()), error.what());
  }
  return std::nullopt;
}

}  // namespace weft::tools
