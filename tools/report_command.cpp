// SPDX-License-Identifier: Apache-2.0
#include "tools/report_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "sim/trace/report_page.h"
#include "tools/exit_codes.h"
#include "tools/output_files.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

int complain(const std::string& message, int code) {
  std::fprintf(stderr, "weft: report: %s\n", message.c_str());
  return code;
}

int report(const std::string& trace_path, const std::string& page_path) {
  if (Status distinct = check_distinct({{"-o", page_path}}, {{"the trace", trace_path}});
      !distinct) {
    return complain(distinct.error().message, kExitUsage);
  }
  auto trace = read_whole_file(trace_path);
  if (!trace) return complain(trace.error().message, kExitNoModule);
  auto page = sim::report_page(trace_path.substr(trace_path.find_last_of('/') + 1), *trace);
  if (!page) return complain(trace_path + " " + page.error().message, kExitNoModule);
  if (Status written = write_file(page_path, *page); !written) {
    return complain(written.error().message, kExitNoOutput);
  }
  return 0;
}

}  // namespace

int report_command(const std::vector<std::string>& args) {
  CLI::App app("Makes one HTML page of a trace that weft run --trace FILE.json has written",
               "weft report");
  std::string trace;
  std::string page;
  app.add_option("TRACE", trace, "The trace")->required()->type_name("FILE.json");
  app.add_option("-o", page, "Where the page goes")->required()->type_name("FILE.html");
  try {
    std::vector<std::string> words(args.rbegin(), args.rend());  // As CLI11 wants them.
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    if (Status said = flush_stdout(); !said) return complain(said.error().message, kExitNoOutput);
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + "\nTry 'weft report --help'.", kExitUsage);
  }
  return report(trace, page);
}

}  // namespace weft::tools
