// SPDX-License-Identifier: Apache-2.0
#include "tools/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <string_view>

namespace weft::tools {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kTextColumn = 30;

// The first row that fits.
constexpr struct {
  std::string_view title;
  std::string_view command;  // Empty: every one that has the group.
  const char* words;         // Behind "weft COMMAND ".
} kExamples[] = {
    {kGuestGroup, "", "--dir ./data::/data --env LEVEL=debug guest.wasm"},
    {kLimitsGroup, "test", "--memory 64M --fuel 1M guest.wasm"},
    {kLimitsGroup, "", "--memory 64M --deadline 2s --fds 16 guest.wasm"},
    {kEngineGroup, "compile", "--cc clang --bounds=check guest.wasm"},
    {kEngineGroup, "", "--engine=aot --bounds=check guest.wasm"},
    {kTimeGroup, "", "--virtual-time --seed 7 --policy pct:depth=3 guest.wasm"},
    {kOutputGroup, "test", "--schedtrace 100ms guest.wasm"},
    {kOutputGroup, "", "--stats --label --trace run.json guest.wasm"},
    {kSearchGroup, "", "--seeds 1000 --jobs 2 --max-time 10s guest.wasm"},
};

std::string example_of(const std::string& command, const std::string& group) {
  for (const auto& [title, only, words] : kExamples) {
    if (group == title && (only.empty() || only == command)) return "weft " + command + " " + words;
  }
  return "";
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

OptionHelp describe_option(const CLI::Option& option) {
  OptionHelp help;
  for (const std::string& name : option.get_snames()) help.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) help.names.push_back("--" + name);
  if (help.names.empty()) help.names.push_back(option.get_name(true));
  if (option.get_items_expected_max() > 0) help.type = option.get_type_name();
  help.text = one_line(option.get_description());
  return help;
}

// Words of `text` in lines of kColumns, each but the first behind `indent` spaces.
std::string wrapped(const std::string& text, std::size_t column, std::size_t indent) {
  std::string out;
  std::istringstream words(text);
  bool first = true;
  for (std::string word; words >> word; first = false) {
    if (!first && column + 1 + word.size() > kColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string row(const std::string& left, const std::string& text) {
  std::string line = "  " + left;
  if (line.size() + 2 > kTextColumn) {
    line += "\n" + std::string(kTextColumn, ' ');
  } else {
    line.resize(kTextColumn, ' ');
  }
  return line + wrapped(text, kTextColumn, kTextColumn) + "\n";
}

std::string left_of(const OptionHelp& option) {
  std::string left;
  for (const std::string& name : option.names) left += (left.empty() ? "" : ", ") + name;
  if (!option.type.empty() && option.type != option.names.front()) left += " " + option.type;
  return left;
}

}  // namespace

CommandHelp describe(const CLI::App& app) {
  CommandHelp help;
  const std::string& full = app.get_name();
  help.name = full.size() > 5 ? full.substr(5) : "";
  std::istringstream lines(app.get_description());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("weft ")) {
      help.usages.push_back(line);
    } else {
      help.description += (help.description.empty() ? "" : " ") + line;
    }
  }
  help.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) {
      help.positionals.push_back(describe_option(*option));
      continue;
    }
    const auto group = std::find_if(help.groups.begin(), help.groups.end(), [&](const auto& known) {
      return known.title == option->get_group();
    });
    OptionGroup& to =
        group != help.groups.end()
            ? *group
            : help.groups.emplace_back(
                  OptionGroup{option->get_group(), example_of(help.name, option->get_group()), {}});
    to.options.push_back(describe_option(*option));
  }
  // --help, which CLI11 has first, is what people look for last.
  std::stable_partition(help.groups.begin(), help.groups.end(),
                        [](const OptionGroup& group) { return group.title != "Options"; });
  for (const CLI::App* sub : app.get_subcommands({})) {
    help.subcommands.emplace_back(sub->get_name(), sub->get_description());
  }
  if (help.usages.empty()) {
    std::string usage = full + (help.subcommands.empty() ? "" : " COMMAND") + " [options]";
    for (const OptionHelp& positional : help.positionals) usage += " " + positional.names.front();
    help.usages.push_back(usage);
  }
  return help;
}

std::string help_text(const CommandHelp& help) {
  std::string text = wrapped(help.description, 0, 0) + "\n\nUsage:\n";
  for (const std::string& usage : help.usages) text += "  " + usage + "\n";
  if (!help.subcommands.empty()) text += "\nCommands:\n";
  for (const auto& [name, what] : help.subcommands) text += row(name, what);
  if (!help.positionals.empty()) text += "\nArguments:\n";
  for (const OptionHelp& positional : help.positionals) {
    text += row(left_of(positional), positional.text);
  }
  for (const OptionGroup& group : help.groups) {
    text += "\n" + group.title + ":\n";
    for (const OptionHelp& option : group.options) text += row(left_of(option), option.text);
    if (!group.example.empty()) text += "  Example: " + group.example + "\n";
  }
  if (!help.footer.empty()) text += "\n" + help.footer + "\n";
  return text;
}

std::vector<std::string> option_names(const CommandHelp& help) {
  std::vector<std::string> names;
  for (const OptionGroup& group : help.groups) {
    for (const OptionHelp& option : group.options) {
      names.insert(names.end(), option.names.begin(), option.names.end());
    }
  }
  return names;
}

std::vector<std::string> choices(const OptionHelp& option) {
  const bool lists = option.type.find('|') != std::string::npos &&
                     std::all_of(option.type.begin(), option.type.end(),
                                 [](char c) { return c == '|' || (c >= 'a' && c <= 'z'); });
  std::vector<std::string> words;
  if (!lists) return words;
  std::istringstream list(option.type);
  for (std::string word; std::getline(list, word, '|');) words.push_back(word);
  return words;
}

}  // namespace weft::tools
