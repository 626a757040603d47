// SPDX-License-Identifier: Apache-2.0
// The files that a command is to write, looked at before it does anything: so that none of them
// destroys what it reads or another of them, and no long run ends with nothing to show.
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

// Can a replay file be written there, as sim::write_replay does it? The error names the file.
Status check_replay_path(const std::string& path);

}  // namespace weft::tools
