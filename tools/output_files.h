// SPDX-License-Identifier: Apache-2.0
// The files that a command will write. They are tested before it does anything: none of them may
// destroy an input or another output, and a long run must not end with a file that can't be
// written.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tools/run_options.h"

namespace weft::tools {

struct NamedFile {
  std::string what;  // For messages: an option, or "a module of the run".
  std::string path;  // Empty: not asked for.
};

// The modules and the manifest.
std::vector<NamedFile> inputs_of(const RunOptions& run);

// Fails when one of the outputs is the same file as an input or as another output.
Status check_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);

// Can a file be written there, or put in the place of one that is there? Leaves nothing behind. The
// error names the file.
Status check_output_path(const std::string& path);

}  // namespace weft::tools
