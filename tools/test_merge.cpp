// SPDX-License-Identifier: Apache-2.0
#include "tools/test_merge.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/printable.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/output_files.h"
#include "tools/test_options.h"
#include "tools/test_reports.h"
#include "tools/verdict.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

struct MergeApp {
  CLI::App app{"Puts the parts of a search together.", "weft test"};
  std::vector<std::string> files;
  std::string replay;
  ReportFiles reports;
  MergeApp() {
    app.add_option("--merge", files, "What weft test --shard I/N --json FILE wrote")
        ->required()
        ->type_name("FILES");
    const auto add = [this](const char* option, std::string& to, const char* what) {
      app.add_option(option, to, what)->type_name("FILE");
    };
    add("--replay", replay, "Where a failing schedule goes");
    add("--json", reports.json, "Write the result as JSON");
    add("--junit", reports.junit, "Write the result as JUnit XML");
  }
};

Result<Verdict> merge_files(const std::vector<std::string>& files) {
  std::vector<NamedVerdict> parts;
  for (const std::string& file : files) {
    auto text = read_whole_file(file);
    if (!text) return text.error();
    auto verdict = read_verdict(*text);
    if (!verdict) return Error{file + ": " + verdict.error().message};
    parts.push_back({file, std::move(*verdict)});
  }
  return merge(std::move(parts));
}

// Where the replay file goes; empty: no schedule fails, and none was asked for.
std::string replay_path(const MergeApp& cli, const Verdict& verdict) {
  if (!cli.replay.empty() || !verdict.failure) return cli.replay;
  return verdict.program.substr(verdict.program.find_last_of('/') + 1) + ".replay";
}

int merge_and_tell(const MergeApp& cli) {
  auto verdict = merge_files(cli.files);
  if (!verdict) return complain("test --merge", verdict.error(), kExitNoModule);
  const std::string replay = replay_path(cli, *verdict);
  std::vector<NamedFile> inputs;
  inputs.reserve(cli.files.size());
  for (const std::string& file : cli.files) inputs.push_back({"a part", file});
  const std::vector<NamedFile> outputs = {
      {cli.replay.empty() ? "the replay file" : "--replay", replay},
      {"--json", cli.reports.json},
      {"--junit", cli.reports.junit}};
  if (Status distinct = check_distinct(outputs, inputs); !distinct) {
    return complain("test", distinct.error(), kExitUsage);
  }
  std::fputs(printable_lines(verdict->text()).c_str(), stdout);
  Status replayed = Nothing{};
  if (verdict->failure) {
    VerdictFailure& failure = *verdict->failure;
    replayed = write_whole(replay, failure.replay);
    failure.replay_path = replayed ? replay : "";
  }
  return report_verdict(*verdict, replayed, cli.reports);
}

bool is_merge(const std::string& word) {
  return word == "--merge" || word.starts_with("--merge=");
}

// Is --merge one of the options? Behind the module, it is a word of the guest.
bool asks_for_merge(const std::vector<std::string>& args) {
  if (std::none_of(args.begin(), args.end(), is_merge)) return false;
  const CommandHelp help = test_help();
  const auto takes_value = [&help](const std::string& word) {
    for (const OptionGroup& group : help.groups) {
      for (const OptionHelp& option : group.options) {
        const auto& names = option.names;
        if (std::find(names.begin(), names.end(), word) != names.end()) return !option.type.empty();
      }
    }
    return false;
  };
  for (std::size_t n = 0; n < args.size(); ++n) {
    if (is_merge(args[n])) return true;
    if (!args[n].starts_with("-") || args[n] == "--" || args[n] == "-") return false;
    if (takes_value(args[n])) ++n;
  }
  return false;
}

}  // namespace

std::optional<int> test_merge(const std::vector<std::string>& args) {
  if (!asks_for_merge(args)) return std::nullopt;
  MergeApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return merge_and_tell(cli);
}

}  // namespace weft::tools
