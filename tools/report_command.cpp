// SPDX-License-Identifier: Apache-2.0
#include "tools/report_command.h"

#include <CLI/CLI.hpp>

#include "sim/trace/report_page.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/output_files.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

int report(const std::string& trace_path, const std::string& page_path) {
  if (Status distinct = check_distinct({{"-o", page_path}}, {{"the trace", trace_path}});
      !distinct) {
    return complain("report", distinct.error(), kExitUsage);
  }
  auto trace = read_whole_file(trace_path);
  if (!trace) return complain("report", trace.error(), kExitNoModule);
  auto page = sim::report_page(trace_path.substr(trace_path.find_last_of('/') + 1), *trace);
  if (!page)
    return complain("report", Error{trace_path + " " + page.error().message}, kExitNoModule);
  if (Status written = write_file(page_path, *page); !written) {
    return complain("report", written.error(), kExitNoOutput);
  }
  return 0;
}

struct ReportApp {
  CLI::App app{"Makes one HTML page of a trace that weft run --trace FILE.json has written.",
               "weft report"};
  std::string trace;
  std::string page;
  ReportApp() {
    app.add_option("TRACE", trace, "The trace")->required()->type_name("FILE.json");
    app.add_option("-o", page, "Where the page goes")->required()->type_name("FILE.html");
  }
};

}  // namespace

CommandHelp report_help() {
  return describe(ReportApp().app);
}

int report_command(const std::vector<std::string>& args) {
  ReportApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return report(cli.trace, cli.page);
}

}  // namespace weft::tools
