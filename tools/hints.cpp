// SPDX-License-Identifier: Apache-2.0
#include "tools/hints.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace weft::tools {

namespace {

bool is_known(std::span<const std::string> options, std::string_view name) {
  return std::find(options.begin(), options.end(), name) != options.end();
}

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string stands_behind(const std::string& option, const GuestSpec& spec) {
  return option + " stands behind " + spec.module_path +
         ", so it went to the guest; options of weft stand before the module";
}

std::string long_option(const GuestSpec& spec, std::span<const std::string> options) {
  for (const std::string& word : spec.words()) {
    const std::string name = word.substr(0, word.find('='));
    // Those that every program has are as likely the guest's own.
    if (!name.starts_with("--") || name == "--help" || name == "--version") continue;
    if (is_known(options, name)) return stands_behind(name, spec);
  }
  return "";
}

// A short one is as likely the guest's own: unless it has a number, as weft's -n has.
std::string short_option(const GuestSpec& spec, std::span<const std::string> options) {
  const std::span<const std::string> words = spec.words();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word[0] != '-' || word[1] == '-') continue;
    const std::string name = word.substr(0, 2);
    if (name == "-h" || name == "-V") continue;
    std::string_view value = std::string_view(word).substr(2);
    if (value.empty() && i + 1 < words.size()) value = words[i + 1];
    if (is_number(value) && is_known(options, name)) return stands_behind(name, spec);
  }
  return "";
}

std::string file_here(const GuestSpec& spec) {
  if (!spec.options.preopens.empty()) return "";
  for (const std::string& word : spec.words()) {
    if (word.find_first_of("./") == std::string::npos) continue;
    if (::access(word.c_str(), F_OK) != 0) continue;
    return word + " is a file here, and the guest was given no directory; give it one with --dir";
  }
  return "";
}

}  // namespace

std::string hint_for(const GuestSpec& spec, std::span<const std::string> options) {
  for (std::string hint :
       {long_option(spec, options), file_here(spec), short_option(spec, options)}) {
    if (!hint.empty()) return hint;
  }
  return "";
}

}  // namespace weft::tools
