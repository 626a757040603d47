// SPDX-License-Identifier: Apache-2.0
#include "tools/test_command.h"

#include <csignal>
#include <cstdio>
#include <optional>
#include <variant>

#include "base/printable.h"
#include "signals/fault.h"
#include "tools/exit_codes.h"
#include "tools/go_test.h"
#include "tools/how_it_ended.h"
#include "tools/messages.h"
#include "tools/noted_signals.h"
#include "tools/output_files.h"
#include "tools/program_search.h"
#include "tools/search_folder.h"
#include "tools/test_merge.h"
#include "tools/test_nats.h"
#include "tools/test_options.h"
#include "tools/test_reports.h"

namespace weft::tools {
namespace {

// The result, for people and in files: the exit code.
int tell(const TestOptions& options, const ProgramSearch& search, Verdict verdict) {
  std::fputs(printable_lines(verdict.text()).c_str(), stdout);
  Status replayed = Nothing{};
  if (verdict.failure) {
    replayed = search.write_replay(*verdict.failure);
    hint_at_failure(options.run, verdict.failure->what.ending);
  }
  return report_verdict(verdict, replayed, {options.json_file, options.junit_file});
}

Status check_files(const TestOptions& options) {
  std::vector<NamedFile> inputs = inputs_of(options.run);
  inputs.push_back({"--stdin", options.input_file});
  inputs.push_back({"--expect", options.expected_file});
  return check_distinct({{"--replay", options.replay_file},
                         {"--json", options.json_file},
                         {"--junit", options.junit_file}},
                        inputs);
}

// Before a search that may take hours. Without --replay nobody asked for the file: a search in a
// folder that can't be written to is told so, and runs.
Status check_outputs(const TestOptions& options) {
  for (const std::string* path : {&options.json_file, &options.junit_file}) {
    if (path->empty()) continue;
    if (Status writable = check_output_path(*path); !writable) return writable;
  }
  Status writable = check_output_path(options.replay_file);
  if (writable || options.replay_given) return writable;
  say("test: " + writable.error().message +
      "; a schedule that fails could not be kept: name another place with --replay");
  return Nothing{};
}

int run_test(const TestOptions& options) {
  signals::FaultHandler faults;
  ProgramSearch search(options);
  if (Status ready = search.prepare(); !ready) {
    return complain("test", ready.error(), kExitNoModule);
  }
  std::optional<NotedSignals> signals(std::in_place);
  auto folder = SearchFolder::make();
  if (!folder) return complain("test", folder.error(), kExitNoOutput);
  if (Status tried = search.try_out(); !tried) {
    return complain("test", tried.error(), kExitNoModule);
  }
  auto verdict = search.search();
  folder->reset();
  if (!verdict || !verdict->failure) NotedSignals::check();
  signals.reset();
  if (!verdict) return complain("test", verdict.error(), kExitFatal);
  const int code = tell(options, search, std::move(*verdict));
  NotedSignals::check();  // What was found is not lost.
  return code;
}

}  // namespace

int test_command(const std::vector<std::string>& args) {
  std::signal(SIGPIPE, SIG_IGN);
  if (const auto code = test_merge(args)) return *code;
  const auto words = expand_go_test(args);
  if (!words) return complain("test", words.error(), kExitUsage);
  const auto parsed = parse_test(*words);
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return print(*exit);
  const auto& options = std::get<TestOptions>(parsed);
  if (Status distinct = check_files(options); !distinct) {
    return complain("test", distinct.error(), kExitUsage);
  }
  if (Status writable = check_outputs(options); !writable) {
    return complain("test", writable.error(), kExitNoOutput);
  }
  if (!options.nats.url.empty()) return test_on_nats(*words, options);
  return run_test(options);
}

}  // namespace weft::tools
