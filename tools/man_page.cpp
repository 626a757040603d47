// SPDX-License-Identifier: Apache-2.0
#include "tools/man_page.h"

#include <algorithm>

namespace weft::tools {
namespace {

// Text for roff: its own characters lose their meaning, and no line begins with a request.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string title_of(const CommandHelp& help) {
  return help.name.empty() ? "weft" : "weft-" + help.name;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::string paragraph(const OptionHelp& option) {
  std::string out = ".TP\n";
  bool first = true;
  for (const std::string& name : option.names) {
    out += std::string(first ? "" : ", ") + "\\fB" + plain(name) + "\\fR";
    first = false;
  }
  if (!option.type.empty() && option.type != option.names.front()) {
    out += " \\fI" + plain(option.type) + "\\fR";
  }
  return out + "\n" + plain(option.text) + "\n";
}

}  // namespace

std::string man_page(const CommandHelp& help, const std::vector<CommandHelp>& all) {
  const std::string title = title_of(help);
  const std::string first = help.description.substr(0, help.description.find_first_of(".:"));
  std::string out = ".TH " + upper(title) + " 1 \"\" \"weft " WEFT_VERSION "\"\n";
  out += ".SH NAME\n" + plain(title) + " \\- " + plain(first) + "\n.SH SYNOPSIS\n.nf\n";
  for (const std::string& usage : help.usages) out += plain(usage) + "\n";
  out += ".fi\n.SH DESCRIPTION\n" + plain(help.description) + "\n";
  if (!help.subcommands.empty()) out += ".SH COMMANDS\n";
  for (const auto& [name, what] : help.subcommands) out += paragraph({{name}, "", what});
  if (!help.positionals.empty()) out += ".SH ARGUMENTS\n";
  for (const OptionHelp& positional : help.positionals) out += paragraph(positional);
  if (!help.groups.empty()) out += ".SH OPTIONS\n";
  for (const OptionGroup& group : help.groups) {
    out += ".SS " + plain(group.title) + "\n";
    for (const OptionHelp& option : group.options) out += paragraph(option);
    if (!group.example.empty()) out += ".PP\nExample:\n.RS\n" + plain(group.example) + "\n.RE\n";
  }
  if (!help.footer.empty()) out += ".SH NOTES\n" + plain(help.footer) + "\n";
  out += ".SH SEE ALSO\n";
  std::string others;
  for (const CommandHelp& other : all) {
    if (other.name == help.name) continue;
    others += (others.empty() ? "\\fB" : ", \\fB") + plain(title_of(other)) + "\\fR(1)";
  }
  return out + others + "\n";
}

}  // namespace weft::tools
