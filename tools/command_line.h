// SPDX-License-Identifier: Apache-2.0
// One way to parse the words of a command with CLI11, to print its help, and to say what is wrong.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/messages.h"

namespace CLI {
class App;
}

namespace weft::tools {

// "weft: run: what\nTry 'weft run --help'.\n"
ExitNow wrong_use(const std::string& command, const std::string& what);

// For CLI::Option::check: "it is start or stop, not 'begin'".
std::function<std::string(const std::string&)> one_of(std::vector<std::string> words);

// What to print before exiting, if the command must not go on: help, or wrong use. The App's name
// is "weft COMMAND".
std::optional<ExitNow> parse_words(CLI::App& app, std::vector<std::string> words);

}  // namespace weft::tools
