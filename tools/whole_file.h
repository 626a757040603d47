// SPDX-License-Identifier: Apache-2.0
// Files read and written whole, and the results of a command on stdout. Errors name the file.
#pragma once

#include <string>

#include "base/result.h"

namespace weft::tools {

// A directory is an error, as is what can't be opened.
Result<std::string> read_whole_file(const std::string& path);

Status write_file(const std::string& path, const std::string& text);

// Empties what stdio holds for stdout. Fails when anything that was put there could not be written.
Status flush_stdout();

}  // namespace weft::tools
