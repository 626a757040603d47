// SPDX-License-Identifier: Apache-2.0
#include "tools/messages.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/printable.h"
#include "tools/exit_codes.h"

namespace weft::tools {

void say(std::string_view text) {
  std::fputs(fmt::format("weft: {}\n", printable_lines(text)).c_str(), stderr);
}

int complain(std::string_view about, const Error& error, int code) {
  say(about.empty() ? error.message : fmt::format("{}: {}", about, error.message));
  return error.cause == Cause::host ? kExitHost : code;
}

void print_report(std::string_view text) {
  std::fputs(printable_lines(text).c_str(), stderr);
}

int print(const ExitNow& exit) {
  std::FILE* to = exit.code == 0 ? stdout : stderr;
  const bool said = std::fputs(exit.text.c_str(), to) >= 0 && std::fflush(to) == 0;
  return said ? exit.code : kExitNoOutput;
}

void StderrTrace::line(std::string_view text) {
  std::fputs(fmt::format("{}{}\n", prefix_, text).c_str(), stderr);
}

std::string trace_prefix(std::size_t number, const std::string& module) {
  return fmt::format("[{} {}] ", number, printable(module));
}

}  // namespace weft::tools
