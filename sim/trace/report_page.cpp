// SPDX-License-Identifier: Apache-2.0
// The report's page: sim/trace/report/page.html with its style, its scripts and the trace put in.
#include "sim/trace/report_page.h"

#include "sim/trace/report_parts.h"

namespace weft::sim {
namespace {

// Inside a script element nothing may look like its end.
std::string inside_script(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const bool plain = c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20;
    out += plain ? c : '_';
  }
  return out + "\"";
}

// What stands at a mark of the page, such as "@trace@".
std::string part(std::string_view name, std::string_view title, std::string_view json) {
  if (name == "style") return std::string(embedded::page_css);
  if (name == "trace") return inside_script(json);
  if (name == "name") return inside_script(quoted(title));
  return std::string(embedded::timeline_js) + std::string(embedded::charts_js);
}

}  // namespace

Result<std::string> report_page(std::string_view title, std::string_view trace) {
  if (!trace.starts_with("[\n{")) return Error{"is no trace of weft run --trace FILE.json"};
  std::string json(trace);
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.pop_back();
  if (!json.ends_with("}\n]")) {  // Cut off: up to the last whole event.
    const std::size_t last = json.rfind("},\n{");
    json.resize(last == std::string::npos ? 0 : last + 1);
    if (json.empty()) return Error{"holds no whole event"};
    json += "\n]";
  }
  std::string page;
  std::string_view rest = embedded::page_html;
  for (;;) {
    const std::size_t from = rest.find('@');
    const std::size_t to = from == std::string_view::npos ? from : rest.find('@', from + 1);
    page += rest.substr(0, from);
    if (to == std::string_view::npos) return page;
    page += part(rest.substr(from + 1, to - from - 1), title, json);
    rest.remove_prefix(to + 1);
  }
}

}  // namespace weft::sim
