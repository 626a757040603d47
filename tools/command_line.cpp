// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/exit_codes.h"
#include "tools/help.h"
#include "tools/suggest.h"

namespace weft::tools {
namespace {

std::string name_of(const CLI::App& app) {
  return app.get_name().substr(std::string("weft ").size());
}

// The words that the App does not know. CLI11 tells them in one text.
ExitNow refuse_rest(const CLI::App& app) {
  const CommandHelp help = describe(app);
  const std::string word = app.remaining(true).front();
  if (word.starts_with("-")) {
    const std::string hint = did_you_mean(word.substr(0, word.find('=')), option_names(help));
    return wrong_use(name_of(app), "unknown option " + word + hint);
  }
  std::vector<std::string> commands;
  commands.reserve(help.subcommands.size());
  for (const auto& sub : help.subcommands) commands.push_back(sub.first);
  return wrong_use(name_of(app), "'" + word + "' is one too many" + did_you_mean(word, commands));
}

}  // namespace

ExitNow wrong_use(const std::string& command, const std::string& what) {
  return {kExitUsage, "weft: " + command + ": " + what + "\nTry 'weft " + command + " --help'.\n"};
}

std::optional<ExitNow> parse_words(CLI::App& app, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // As CLI11 wants them.
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return ExitNow{0, help_text(describe(app))};
  } catch (const CLI::ParseError& error) {
    if (!app.remaining(true).empty() && !app.get_prefix_command()) return refuse_rest(app);
    return wrong_use(name_of(app), error.what());
  }
  return std::nullopt;
}

}  // namespace weft::tools
