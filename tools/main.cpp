// SPDX-License-Identifier: Apache-2.0
// The `weft` command: picks the subcommand. Each has a pair of files of its own, uses parts, and is
// used by nobody else.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "os/wasip1/call_signals.h"
#include "tools/cache_command.h"
#include "tools/compile_command.h"
#include "tools/engines_command.h"
#include "tools/exec_command.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/noted_signals.h"
#include "tools/replay_command.h"
#include "tools/report_command.h"
#include "tools/run_command.h"
#include "tools/test_command.h"

namespace {

using namespace weft::tools;

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const std::vector<std::string>& args);
};

constexpr Command kCommands[] = {
    {"run", "Run guests side by side", run_command},
    {"exec", "Run a Go program: for go run -exec and go test -exec", exec_command},
    {"compile", "Compile modules for the engine aot, ahead of their first run", compile_command},
    {"cache", "List or clear the compiled modules", cache_command},
    {"engines", "List the engines, one a line", engines_command},
    {"test", "Run guests in many schedules until one fails", test_command},
    {"replay", "Run a recorded schedule again", replay_command},
    {"report", "Make a page of a trace", report_command},
};

// `weft` without a known subcommand: help, version, or wrong use.
int top_level(int argc, char** argv) {
  CLI::App app("Runs WebAssembly guests and native tasks as green threads on one OS thread.",
               "weft");
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  for (const Command& command : kCommands) app.add_subcommand(command.name, command.summary);
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
  // A file that RLIMIT_FSIZE keeps from growing is an error of that file, not the end of weft.
  const weft::wasip1::HoldBackSigxfsz hold_back_sigxfsz;
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (const Command& command : kCommands) {
    if (words.empty() || words.front() != command.name) continue;
    return command.run({words.begin() + 1, words.end()});
  }
  return top_level(argc, argv);
} catch (const Interrupted& interrupted) {
  std::raise(interrupted.signal);  // Whoever started weft sees what ended it.
  return kExitSignal + interrupted.signal;
} catch (const std::bad_alloc&) {
  return complain("", weft::refused_by_host("out of memory"), kExitHost);
} catch (const std::exception& error) {
  return complain("", weft::Error{error.what()}, kExitFatal);
}
