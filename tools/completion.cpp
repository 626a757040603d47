// SPDX-License-Identifier: Apache-2.0
#include "tools/completion.h"

#include <algorithm>

namespace weft::tools {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// For a shell.
std::string in_single_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool takes_folder(const OptionHelp& option) {
  return option.type.starts_with("DIR") || option.type.starts_with("HOST[::");
}

template <class F>
void each_option(const CommandHelp& help, F&& f) {
  for (const OptionGroup& group : help.groups) {
    for (const OptionHelp& option : group.options) f(option);
  }
}

std::vector<std::string> words_behind(const CommandHelp& help,
                                      const std::vector<CommandHelp>& all) {
  std::vector<std::string> words;
  words.reserve(help.subcommands.size());
  for (const auto& sub : help.subcommands) words.push_back(sub.first);
  if (help.name == "help") {
    for (const CommandHelp& command : all) {
      if (!command.name.empty()) words.push_back(command.name);
    }
  }
  return words;
}

std::string bash_of(const CommandHelp& help, const std::vector<CommandHelp>& all) {
  std::string values;
  each_option(help, [&](const OptionHelp& option) {
    if (option.type.empty()) return;
    std::string names;
    for (const std::string& name : option.names) names += (names.empty() ? "" : "|") + name;
    const auto known = choices(option);
    const std::string words = known.empty() ? (takes_folder(option) ? "-d" : "-f")
                                            : "-W " + in_single_quotes(joined(known));
    values +=
        "        " + names + ") COMPREPLY=($(compgen " + words + " -- \"$word\")); return ;;\n";
  });
  std::string out = "    " + help.name + ")\n";
  if (!values.empty()) out += "      case $before in\n" + values + "      esac\n";
  const std::string words = joined(words_behind(help, all));
  out += "      options=" + in_single_quotes(joined(option_names(help))) + "\n";
  return out + "      words=" + in_single_quotes(words) + " ;;\n";
}

std::string bash(const std::vector<CommandHelp>& all) {
  std::string out =
      "# Completion of weft for bash.\n_weft() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command=${COMP_WORDS[1]} options words\n"
      "  ((COMP_CWORD == 1)) && command=''\n"
      "  case $command in\n";
  for (const CommandHelp& help : all) {
    out += help.name.empty()
               ? "    '')\n      options=" + in_single_quotes(joined(option_names(help))) +
                     "\n      words=" + in_single_quotes(joined(words_behind(help, all))) + " ;;\n"
               : bash_of(help, all);
  }
  return out +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  elif [[ -n $command && -n $words ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\") $(compgen -f -- \"$word\"))\n"
         "  fi\n}\ncomplete -o filenames -F _weft weft\n";
}

// In zsh's _arguments, brackets and colons of a description have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh(const std::vector<CommandHelp>& all) {
  std::string out =
      "#compdef weft\n# Completion of weft for zsh.\n_weft() {\n  local -a commands\n";
  out += "  commands=(\n";
  for (const auto& [name, what] : all.front().subcommands) {
    out += "    " + in_single_quotes(name + ":" + zsh_text(what)) + "\n";
  }
  out +=
      "  )\n  if ((CURRENT == 2)); then\n    _describe command commands\n    _files\n    return\n"
      "  fi\n  local command=$words[2]\n  shift words\n  ((CURRENT--))\n  case $command in\n";
  for (const CommandHelp& help : all) {
    if (help.name.empty()) continue;
    out += "    " + help.name + ")\n      _arguments";
    each_option(help, [&](const OptionHelp& option) {
      const auto known = choices(option);
      std::string value;
      if (!option.type.empty()) {
        value = ":" + zsh_text(option.type) + ":" +
                (!known.empty()         ? "(" + joined(known) + ")"
                 : takes_folder(option) ? "_files -/"
                                        : "_files");
      }
      for (const std::string& name : option.names) {
        std::string said = "*" + name;
        said.append("[").append(zsh_text(option.text)).append("]").append(value);
        out.append(" \\\n        ").append(in_single_quotes(said));
      }
    });
    const auto words = words_behind(help, all);
    out += " \\\n        " +
           in_single_quotes(words.empty() ? "*:file:_files" : "*:word:(" + joined(words) + ")") +
           " ;;\n";
  }
  return out + "  esac\n}\n_weft \"$@\"\n";
}

std::string fish(const std::vector<CommandHelp>& all) {
  std::string out = "# Completion of weft for fish.\n";
  for (const auto& [name, what] : all.front().subcommands) {
    out += "complete -c weft -n __fish_use_subcommand -a " + name + " -d " +
           in_single_quotes(what) + "\n";
  }
  for (const CommandHelp& help : all) {
    const std::string when = help.name.empty()
                                 ? "-n __fish_use_subcommand"
                                 : "-n '__fish_seen_subcommand_from " + help.name + "'";
    each_option(help, [&](const OptionHelp& option) {
      out += "complete -c weft " + when;
      for (const std::string& name : option.names) {
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!option.type.empty()) out += " -r";
      if (const auto known = choices(option); !known.empty()) {
        out += " -f -a " + in_single_quotes(joined(known));
      } else if (takes_folder(option)) {
        out += " -f -a '(__fish_complete_directories)'";
      }
      out += " -d " + in_single_quotes(option.text) + "\n";
    });
    const auto words = words_behind(help, all);
    if (!help.name.empty() && !words.empty()) {
      out += "complete -c weft " + when + " -f -a " + in_single_quotes(joined(words)) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string completion(const std::string& shell, const std::vector<CommandHelp>& all) {
  if (shell == "bash") return bash(all);
  if (shell == "zsh") return zsh(all);
  return fish(all);
}

}  // namespace weft::tools
