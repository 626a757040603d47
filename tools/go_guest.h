// SPDX-License-Identifier: Apache-2.0
// What a Go guest needs of its directories. Go makes every path absolute before it looks for it
// among the directories it was given, so one with a relative name ("--dir ." names it ".") is never
// found: open says "Bad file number". Such a name is put under the root, and PWD is the root, which
// is what the same --dir means to a C or Rust guest.
#pragma once

#include <string>

#include "tools/guest_spec.h"

namespace weft::tools {

// Made by the Go compiler? false when the file can't be read.
bool is_go_module(const std::string& path);

// Changes the names of a Go guest's directories, and PWD if it is not set. Of others nothing.
void give_go_its_root(GuestSpec& spec);

}  // namespace weft::tools
