// SPDX-License-Identifier: Apache-2.0
// The help of a command, as data: taken from its options, shown in three ways.
//
//   CLI::App ─▶ describe ─▶ CommandHelp ─▶ help_text   weft run --help, weft help run
//                                       ├─▶ man_page    weft-run(1)      (tools/man_page.h)
//                                       └─▶ completion  bash, zsh, fish  (tools/completion.h)
//
// The App's description: lines that begin with "weft " tell how it is used, the others what it
// does.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace weft::tools {

// The groups of options. Each is shown with an example.
inline constexpr const char* kGuestGroup = "Guest";
inline constexpr const char* kLimitsGroup = "Limits";
inline constexpr const char* kEngineGroup = "Engine";
inline constexpr const char* kTimeGroup = "Time and order";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kSearchGroup = "Search";

struct OptionHelp {
  std::vector<std::string> names;  // "-n"; of a positional its word.
  std::string type;                // "COUNT"; empty: a flag.
  std::string text;
};

struct OptionGroup {
  std::string title;
  std::string example;  // Empty: none.
  std::vector<OptionHelp> options;
};

struct CommandHelp {
  std::string name;         // "run"; empty: weft itself.
  std::string description;  // Without its usage.
  std::vector<std::string> usages;
  std::vector<OptionHelp> positionals;
  std::vector<OptionGroup> groups;
  std::vector<std::pair<std::string, std::string>> subcommands;  // Name, what it does.
  std::string footer;
};

CommandHelp describe(const CLI::App& app);

std::string help_text(const CommandHelp& help);

// All options' names, for suggestions.
std::vector<std::string> option_names(const CommandHelp& help);

// The words an option takes, when its type lists them ("guard|check"); else none.
std::vector<std::string> choices(const OptionHelp& option);

}  // namespace weft::tools
