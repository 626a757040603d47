// SPDX-License-Identifier: Apache-2.0
#include "tools/test_merge.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/printable.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/output_files.h"
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
    app.add_option("--merge", files, "What weft test --shard I/N --json FILE wrote")->required();
    app.add_option("--replay", replay, "Where a failing schedule goes");
    app.add_option("--json", reports.json, "Write the result as JSON");
    app.add_option("--junit", reports.junit, "Write the result as JUnit XML");
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

int merge_and_tell(const MergeApp& cli) {
  std::vector<NamedFile> inputs;
  for (const std::string& file : cli.files) inputs.push_back({"a part", file});
  const std::vector<NamedFile> outputs = {
      {"--replay", cli.replay}, {"--json", cli.reports.json}, {"--junit", cli.reports.junit}};
  if (Status distinct = check_distinct(outputs, inputs); !distinct) {
    return complain("test", distinct.error(), kExitUsage);
  }
  auto verdict = merge_files(cli.files);
  if (!verdict) return complain("test --merge", verdict.error(), kExitNoModule);
  std::fputs(printable_lines(verdict->text()).c_str(), stdout);
  if (verdict->failure) {
    VerdictFailure& failure = *verdict->failure;
    failure.replay_path = cli.replay;
    if (failure.replay_path.empty()) {
      const std::string& program = verdict->program;
      failure.replay_path = program.substr(program.find_last_of('/') + 1) + ".replay";
    }
    if (Status written = write_whole(failure.replay_path, failure.replay); !written) {
      return complain("test", written.error(), kExitNoOutput);
    }
  }
  return report_verdict(*verdict, cli.reports);
}

}  // namespace

std::optional<int> test_merge(const std::vector<std::string>& args) {
  const auto is_merge = [](const std::string& word) {
    return word == "--merge" || word.starts_with("--merge=");
  };
  if (args.empty() || !is_merge(args.front())) return std::nullopt;
  MergeApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return merge_and_tell(cli);
}

}  // namespace weft::tools
