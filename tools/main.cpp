// SPDX-License-Identifier: Apache-2.0
// The `weft` command: picks the subcommand. Each has a pair of files of its own.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "tools/cache_command.h"
#include "tools/compile_command.h"
#include "tools/engines_command.h"
#include "tools/exec_options.h"
#include "tools/exit_codes.h"
#include "tools/noted_signals.h"
#include "tools/replay_command.h"
#include "tools/report_command.h"
#include "tools/run_command.h"
#include "tools/test_command.h"

namespace {

using namespace weft::tools;

int print(const ExitNow& exit) {
  std::FILE* to = exit.code == 0 ? stdout : stderr;
  const bool said = std::fputs(exit.text.c_str(), to) >= 0 && std::fflush(to) == 0;
  return said ? exit.code : kExitNoOutput;
}

int run(const std::variant<RunOptions, ExitNow>& parsed) {
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return print(*exit);
  return run_command(std::get<RunOptions>(parsed));
}

// What a command that runs nothing has to say, if anything.
int finish(const std::optional<ExitNow>& exit) {
  return exit ? print(*exit) : 0;
}

int test(const std::variant<TestOptions, ExitNow>& parsed) {
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return print(*exit);
  return test_command(std::get<TestOptions>(parsed));
}

// `weft` without a known subcommand: help, version, or wrong use.
int top_level(int argc, char** argv) {
  CLI::App app("Runs WebAssembly guests and native tasks as green threads on one OS thread.",
               "weft");
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  app.add_subcommand("run", "Run guests side by side");
  app.add_subcommand("exec", "Run a Go program: for go run -exec and go test -exec");
  app.add_subcommand("compile", "Compile modules for the engine aot, ahead of their first run");
  app.add_subcommand("cache", "List or clear the compiled modules");
  app.add_subcommand("engines", "List the engines, one a line");
  app.add_subcommand("test", "Run guests in many schedules until one fails");
  app.add_subcommand("replay", "Run a recorded schedule again");
  app.add_subcommand("report", "Make a page of a trace");
  app.prefix_command();
  app.footer("'weft COMMAND --help' tells more.");
  try {
    app.parse(argc, argv);
    if (app.remaining().empty()) {
      return print({kExitUsage, "weft: no command given\n\n" + app.help()});
    }
    const std::string word = app.remaining().front();
    const char* what = word.starts_with("-") ? "option" : "command";
    return print({kExitUsage,
                  std::string("weft: unknown ") + what + " '" + word + "'\nTry 'weft --help'.\n"});
  } catch (const CLI::CallForVersion&) {
    return print({0, "weft " WEFT_VERSION "\n"});
  } catch (const CLI::CallForHelp&) {
    return print({0, app.help()});
  } catch (const CLI::ParseError& error) {
    return print({kExitUsage, std::string("weft: ") + error.what() + "\nTry 'weft --help'.\n"});
  }
}

// A program started with a standard descriptor closed would get it for its next open file, and
// guests would then read or write that. /dev/null takes the place instead.
void open_standard_descriptors() {
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::dup(fd)) {
    if (fd <= STDERR_FILENO) continue;
    ::close(fd);
    return;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  open_standard_descriptors();
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string command = words.empty() ? "" : words.front();
  if (command == "run") return run(parse_run({words.begin() + 1, words.end()}));
  if (command == "exec") return run(parse_exec({words.begin() + 1, words.end()}));
  if (command == "compile") return finish(compile_command({words.begin() + 1, words.end()}));
  if (command == "cache") return finish(cache_command({words.begin() + 1, words.end()}));
  if (command == "engines") return finish(engines_command({words.begin() + 1, words.end()}));
  if (command == "test") return test(parse_test({words.begin() + 1, words.end()}));
  if (command == "report") return report_command({words.begin() + 1, words.end()});
  if (command == "replay") return replay_command({words.begin() + 1, words.end()});
  return top_level(argc, argv);
} catch (const Interrupted& interrupted) {
  std::raise(interrupted.signal);  // Whoever started weft sees what ended it.
  return kExitSignal + interrupted.signal;
} catch (const std::exception& error) {
  std::fprintf(stderr, "weft: %s\n", error.what());
  return kExitFatal;
}
