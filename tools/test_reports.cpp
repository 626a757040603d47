// SPDX-License-Identifier: Apache-2.0
#include "tools/test_reports.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/printable.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

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

}  // namespace

std::string junit_report(const Verdict& verdict) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"weft test\" tests=\"1\" failures=\"{}\">\n"
      "  <testcase classname=\"{}\" name=\"{}\">",
      verdict.failure ? 1 : 0, xml_text(verdict.program), xml_text(verdict.search.policy));
  if (verdict.failure) {
    out += fmt::format("\n    <failure type=\"{}\" message=\"seed {}\">{}</failure>\n  ",
                       name(verdict.failure->what.ending), verdict.failure->what.seed,
                       xml_text(verdict.text()));
  }
  return out + "</testcase>\n</testsuite>\n";
}

int report_verdict(const Verdict& verdict, const Status& replayed, const ReportFiles& files) {
  int code = verdict.failure ? kExitFailing : 0;
  const auto note = [&code](const Status& written) {
    if (!written) code = complain("test", written.error(), kExitNoOutput);
  };
  note(replayed);
  if (verdict.failure && replayed) {
    std::printf("run it again: weft replay %s\n", printable(verdict.failure->replay_path).c_str());
  }
  note(flush_stdout());
  if (!files.json.empty()) note(write_whole(files.json, to_json(verdict)));
  if (!files.junit.empty()) note(write_file(files.junit, junit_report(verdict)));
  return code;
}

// A reader never sees half a verdict, also when weft is killed while it writes.
Status write_whole(const std::string& path, const std::string& text) {
  struct stat found = {};
  const bool is_there = ::lstat(path.c_str(), &found) == 0;
  if (is_there && !S_ISREG(found.st_mode)) return write_file(path, text);
  const std::string half = path + ".part" + std::to_string(::getpid());
  if (Status written = write_file(half, text); !written) {
    const int error = errno;
    ::unlink(half.c_str());
    return errno_error(path, error);
  }
  if (std::rename(half.c_str(), path.c_str()) == 0) return Nothing{};
  const int error = errno;
  ::unlink(half.c_str());
  return errno_error(path, error);
}

}  // namespace weft::tools
