// SPDX-License-Identifier: Apache-2.0
#include "tools/test_reports.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace weft::tools {
namespace {

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : as_utf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + json_text(text);
  return out;
}

// XML has no place for most control characters, escaped or not, nor for U+FFFE and U+FFFF.
std::string xml_text(const std::string& text) {
  const std::string valid = as_utf8(text);
  std::string out;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const char c = valid[i];
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (valid.compare(i, 3, "\xef\xbf\xbe") == 0 ||
               valid.compare(i, 3, "\xef\xbf\xbf") == 0) {
      i += 2;
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') {
      out += c;
    }
  }
  return out;
}

std::string strategy(const sim::ExploreOptions& options) {
  return options.dfs ? "dfs:bound=" + std::to_string(options.bound)
                     : to_string(options.settings.policy);
}

}  // namespace

std::string json_report(const std::string& program, const sim::ExploreOptions& options,
                        const sim::ExploreReport& report, const std::string& replay_file) {
  std::string out = fmt::format(
      "{{\"program\": {}, \"policy\": {}, \"seed\": {}, \"schedules\": {}, \"steps\": {}, "
      "\"pruned\": {}, \"cut_short\": {}, \"exhausted\": {}, \"ended_early\": {}, "
      "\"unexplored\": [{}], \"failure\": ",
      json_text(program), json_text(strategy(options)), options.settings.seed, report.schedules,
      report.steps, report.pruned, report.cut_short, report.exhausted, report.ended_early,
      json_list(report.unexplored));
  if (!report.failure) return out + "null}\n";
  const sim::Failure& failure = *report.failure;
  out += fmt::format(
      "{{\"kind\": {}, \"seed\": {}, \"message\": {}, \"hash\": \"{:016x}\", \"decisions\": {}, "
      "\"found_with\": {}, \"replay\": {}, \"deviations\": [",
      json_text(name(failure.record.ending)), failure.seed, json_text(failure.record.message),
      failure.record.hash, failure.record.schedule.decisions, failure.found_with,
      json_text(replay_file));
  bool first = true;
  for (const sim::Deviation& deviation : failure.record.schedule.deviations) {
    out += fmt::format("{}{{\"at\": {}, \"choice\": \"{}\", \"options\": {}, \"taken\": {}}}",
                       first ? "" : ", ", deviation.at, name(deviation.decision.choice),
                       deviation.decision.options, deviation.decision.taken);
    first = false;
  }
  return out + "]}}\n";
}

std::string junit_report(const std::string& program, const sim::ExploreOptions& options,
                         const sim::ExploreReport& report) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"weft test\" tests=\"1\" failures=\"{}\">\n"
      "  <testcase classname=\"{}\" name=\"{}\">",
      report.failure ? 1 : 0, xml_text(program), xml_text(strategy(options)));
  if (report.failure) {
    out += fmt::format("\n    <failure type=\"{}\" message=\"seed {}\">{}</failure>\n  ",
                       name(report.failure->record.ending), report.failure->seed,
                       xml_text(report.text()));
  }
  return out + "</testcase>\n</testsuite>\n";
}

}  // namespace weft::tools
