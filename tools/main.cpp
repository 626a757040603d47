// SPDX-License-Identifier: Apache-2.0
// The `weft` command: picks the subcommand. Each has a pair of files of its own and a row here. A
// subcommand uses parts, and never another subcommand.
//
//   weft run ...          kCommands ─▶ run_command
//   weft guest.wasm ...   no command, but a file or an option of run ─▶ run_command
//   weft help [COMMAND]   the same text as --help; also man pages and completion
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "base/printable.h"
#include "os/wasip1/call_signals.h"
#include "tools/cache_command.h"
#include "tools/command_line.h"
#include "tools/compile_command.h"
#include "tools/completion.h"
#include "tools/engines_command.h"
#include "tools/exec_command.h"
#include "tools/exit_codes.h"
#include "tools/help.h"
#include "tools/how_it_ended.h"
#include "tools/inspect_command.h"
#include "tools/man_page.h"
#include "tools/messages.h"
#include "tools/modules.h"
#include "tools/nats_version.h"
#include "tools/noted_signals.h"
#include "tools/replay_command.h"
#include "tools/report_command.h"
#include "tools/run_command.h"
#include "tools/suggest.h"
#include "tools/test_command.h"
#include "tools/test_options.h"
#include "tools/worker_command.h"

namespace {

using namespace weft::tools;

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const std::vector<std::string>& args);
  CommandHelp (*help)();
};

int help_command(const std::vector<std::string>& args);
CommandHelp help_help();

constexpr Command kCommands[] = {
    {"run", "Run guests side by side", run_command, run_help},
    {"exec", "Run a Go program: for go run -exec and go test -exec", exec_command, exec_help},
    {"compile", "Compile modules for the engine aot, ahead of their first run", compile_command,
     compile_help},
    {"cache", "List or clear the compiled modules", cache_command, cache_help},
    {"engines", "List the engines, one a line", engines_command, engines_help},
    {"test", "Run guests in many schedules until one fails", test_command, test_help},
    {"worker", "Run parts of the searches that weft test --nats has handed out", worker_command,
     worker_help},
    {"replay", "Run a recorded schedule again", replay_command, replay_help},
    {"report", "Make a page of a trace", report_command, report_help},
    {"ps", "List the guests of the running wefts", ps_command, ps_help},
    {"top", "Show what the guests of a running weft do", top_command, top_help},
    {"kill", "End guests of a running weft", kill_command, kill_help},
    {"dump", "Print every green thread of a running weft", dump_command, dump_help},
    {"trace", "Have a running weft write a trace", trace_command, trace_help},
    {"stats", "Print the figures of a running weft, as OpenMetrics text", stats_command,
     stats_help},
    {"help", "Tell about weft or one of its commands", help_command, help_help},
};

const Command* find_command(const std::string& name) {
  const auto* found = std::find_if(std::begin(kCommands), std::end(kCommands),
                                   [&](const Command& command) { return name == command.name; });
  return found != std::end(kCommands) ? found : nullptr;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

// What was chosen when it was built stands below the version.
std::string version_text() {
  return "weft " WEFT_VERSION "\n" + nats_in_words() + "\n";
}

CommandHelp weft_help() {
  CLI::App app(
      "Runs WebAssembly guests and native tasks as green threads on one OS thread.\n"
      "weft [options] guest.wasm [args]\nweft COMMAND [options] ...",
      "weft");
  app.set_version_flag("-V,--version", version_text(), "Print the version and exit");
  for (const Command& command : kCommands) app.add_subcommand(command.name, command.summary);
  app.footer("'weft help COMMAND' tells more.");
  return describe(app);
}

std::vector<CommandHelp> all_help() {
  std::vector<CommandHelp> all = {weft_help()};
  for (const Command& command : kCommands) all.push_back(command.help());
  return all;
}

struct HelpApp {
  CLI::App app{
      "Tells about weft, or one of its commands; as a man page, or as what a shell completes.\n"
      "weft help [COMMAND]\nweft help --man [COMMAND]\nweft help --completion bash|zsh|fish",
      "weft help"};
  std::string command;
  std::string shell;
  bool man = false;
  HelpApp() {
    app.add_option("COMMAND", command, "The command");
    app.add_flag("--man", man, "Print its man page: weft help --man run | man -l -");
    app.add_option("--completion", shell, "Print the completion for a shell")
        ->check(one_of({std::begin(kShells), std::end(kShells)}))
        ->type_name("bash|zsh|fish");
  }
};

CommandHelp help_help() {
  return describe(HelpApp().app);
}

// What weft says to a first word that is no command.
int unknown_word(const std::string& word) {
  const std::string hint = ::access(word.c_str(), F_OK) == 0
                               ? "; to run the file of that name: weft run " + weft::printable(word)
                               : did_you_mean(word, command_names());
  return print({kExitUsage, "weft: unknown command '" + weft::printable(word) + "'" + hint +
                                "\nTry 'weft --help'.\n"});
}

int help_command(const std::vector<std::string>& args) {
  HelpApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  if (!cli.shell.empty()) return print({0, completion(cli.shell, all_help())});
  const Command* command = find_command(cli.command);
  if (command == nullptr && !cli.command.empty()) return unknown_word(cli.command);
  const CommandHelp help = command != nullptr ? command->help() : weft_help();
  return print({0, cli.man ? man_page(help, all_help()) : help_text(help)});
}

// Does `weft WORD ...` mean a run of guests? A module, or an option of run.
bool begins_a_run(const std::string& word) {
  return word == kStdinModule || word.ends_with(".wasm") || word.ends_with(".wat") ||
         word.starts_with("-") || word.find('/') != std::string::npos;
}

int dispatch(const std::vector<std::string>& words) {
  if (words.empty()) {
    return print({kExitUsage, "weft: no command given\n\n" + help_text(weft_help())});
  }
  const std::string& word = words.front();
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (const Command* command = find_command(word)) return command->run(rest);
  if (word == "-V" || word == "--version") return print({0, version_text()});
  if (word == "-h" || word == "--help") return help_command(rest);
  if (begins_a_run(word)) return run_command(words);
  return unknown_word(word);
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
  const int code = dispatch({argv + 1, argv + argc});
  leave_without_lost_code(code);
  return code;
} catch (const Interrupted& interrupted) {
  std::raise(interrupted.signal);  // The process that started weft sees which signal ended it.
  return kExitSignal + interrupted.signal;
} catch (const std::bad_alloc&) {
  return complain("", weft::refused_by_host("out of memory"), kExitHost);
} catch (const std::exception& error) {
  return complain("", weft::Error{error.what()}, kExitFatal);
}
