// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <set>

#include "base/printable.h"
#include "tools/exit_codes.h"
#include "tools/help.h"
#include "tools/suggest.h"

namespace weft::tools {
namespace {

std::string name_of(const CLI::App& app) {
  return app.get_name().substr(std::string("weft ").size());
}

// A word that begins with "-", taken apart as CLI11 does.
struct OptionWord {
  std::string name;                // "--deadline", "-n"
  std::optional<std::string> own;  // The value in the same word: "" of "--deadline=".
  const CLI::Option* option;       // nullptr: the App has none of that name.
};

OptionWord option_word(const CLI::App& app, const std::string& word) {
  const bool is_long = word.starts_with("--");
  const std::size_t end = is_long ? std::min(word.find('='), word.size()) : 2;
  OptionWord read{word.substr(0, end), std::nullopt, app.get_option_no_throw(word.substr(0, end))};
  if (end < word.size()) read.own = word.substr(is_long ? end + 1 : end);
  return read;
}

// "--deadline=TIME", "-n COUNT": how it is written.
std::string with_value(const OptionWord& word) {
  return word.name + (word.name.starts_with("--") ? "=" : " ") + word.option->get_type_name();
}

// Of an option without a value; empty: nothing is wrong. --control has a value that may be left
// out.
std::string wrong_flag(const OptionWord& word) {
  if (!word.own || !word.name.starts_with("--")) return "";
  const std::string plain = word.option->get_flag_value(word.name.substr(2), "");
  if (plain == "true" || plain == "false") {
    return word.name + " takes no value; write it without '=" + printable(*word.own) + "'";
  }
  return word.own->empty() ? "the value of " + word.name + " is empty; leave out the '=', too" : "";
}

// The value in the next word, where the option's own word has none; nullptr: there is none.
std::string wrong_value(const CLI::App& app, const OptionWord& word, const std::string* next) {
  const bool is_short = !word.name.starts_with("--");
  if (is_short && word.own && word.own->starts_with('=')) {
    return word.name + " is written without '='; write " + with_value(word);
  }
  const std::string* value = word.own ? &*word.own : next;
  if (value == nullptr) return word.name + " wants a value; write " + with_value(word);
  if (value->empty()) return "the value of " + word.name + " is empty; write " + with_value(word);
  if (word.own || !value->starts_with('-')) return "";
  if (option_word(app, *value).option == nullptr) return "";
  return word.name + " wants a value, and " + printable(*value) + " is an option; write " +
         with_value(word);
}

// CLI11 takes the next word for the value of "--deadline=", also when that is the module, and the
// commands take an empty value for an option that was not given. So both are found before it reads
// the words: what is wrong, or "".
std::string wrong_words(const CLI::App& app, const std::vector<std::string>& words) {
  bool options_ended = false;
  std::set<const CLI::Option*> seen;
  for (std::size_t n = 0; n < words.size(); ++n) {
    const std::string& word = words[n];
    if (word == "--" && !options_ended) {
      options_ended = true;
      continue;
    }
    if (options_ended || word.size() < 2 || word[0] != '-') {
      if (word.empty()) return "the word '' is empty; is a variable of the shell not set?";
      if (app.get_prefix_command()) return "";  // What follows is a guest's.
      continue;
    }
    const OptionWord read = option_word(app, word);
    if (read.option == nullptr) {
      if (app.get_prefix_command()) return "";
      continue;
    }
    const bool has_value = read.option->get_items_expected_max() > 0;
    const std::string* next = n + 1 < words.size() ? &words[n + 1] : nullptr;
    std::string wrong = has_value ? wrong_value(app, read, next) : wrong_flag(read);
    if (!wrong.empty()) return wrong;
    if (read.option->get_items_expected_max() == 1 && !seen.insert(read.option).second) {
      return read.name + " is there twice";
    }
    if (has_value && !read.own) ++n;
  }
  return "";
}

std::vector<std::string> names_of_subcommands(const CommandHelp& help) {
  std::vector<std::string> names;
  names.reserve(help.subcommands.size());
  for (const auto& sub : help.subcommands) names.push_back(sub.first);
  return names;
}

// "ls or clear"
std::string in_words(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : &name == &names.back() ? " or " : ", ") + name;
  }
  return text;
}

// The words that the App does not know. CLI11 tells them in one text.
ExitNow refuse_rest(const CLI::App& app) {
  const CommandHelp help = describe(app);
  const std::string word = app.remaining(true).front();
  if (word.starts_with("-")) {
    const std::string hint = did_you_mean(word.substr(0, word.find('=')), option_names(help));
    return wrong_use(name_of(app), "unknown option " + word + hint);
  }
  const std::vector<std::string> commands = names_of_subcommands(help);
  if (!commands.empty() && app.get_subcommands().empty()) {
    const std::string hint = did_you_mean(word, commands);
    return wrong_use(name_of(app), "there is no '" + printable(word) + "'" +
                                       (hint.empty() ? "; say " + in_words(commands) : hint));
  }
  return wrong_use(name_of(app), "'" + printable(word) + "' is one too many");
}

}  // namespace

ExitNow wrong_use(const std::string& command, const std::string& what) {
  return {kExitUsage, "weft: " + command + ": " + what + "\nTry 'weft " + command + " --help'.\n"};
}

std::function<std::string(const std::string&)> one_of(std::vector<std::string> words) {
  return [known = std::move(words)](const std::string& word) -> std::string {
    if (std::find(known.begin(), known.end(), word) != known.end()) return "";
    return "it is " + in_words(known) + ", not '" + printable(word) + "'";
  };
}

std::optional<ExitNow> parse_words(CLI::App& app, std::vector<std::string> words) {
  if (const std::string wrong = wrong_words(app, words); !wrong.empty()) {
    return wrong_use(name_of(app), wrong);
  }
  std::reverse(words.begin(), words.end());  // As CLI11 wants them.
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return ExitNow{0, help_text(describe(app))};
  } catch (const CLI::ParseError& error) {
    if (!app.remaining(true).empty() && !app.get_prefix_command()) return refuse_rest(app);
    const std::vector<std::string> commands = names_of_subcommands(describe(app));
    if (!commands.empty() && app.get_subcommands().empty()) {
      return wrong_use(name_of(app), "say " + in_words(commands));
    }
    return wrong_use(name_of(app), error.what());
  }
  return std::nullopt;
}

}  // namespace weft::tools
