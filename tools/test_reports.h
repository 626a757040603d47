// SPDX-License-Identifier: Apache-2.0
// What `weft test` says of a verdict: to people, and in the files that were asked for.
#pragma once

#include <string>

#include "base/result.h"
#include "tools/verdict.h"

namespace weft::tools {

// The exit code of a search in which a schedule fails.
inline constexpr int kExitFailing = 1;

struct ReportFiles {
  std::string json;   // Empty: not asked for.
  std::string junit;  // Empty: not asked for.
};

// One test suite with one test case.
std::string junit_report(const Verdict& verdict);

// Below the verdict's text, which has been printed: where the replay file is, and the files.
// `replayed`: was the replay file written? What can't be written, it says, and writes the others.
// Returns the exit code.
int report_verdict(const Verdict& verdict, const Status& replayed, const ReportFiles& files);

// Writes the file whole or not at all: under another name first. A device is written to as it is.
Status write_whole(const std::string& path, const std::string& text);

}  // namespace weft::tools
