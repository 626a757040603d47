// SPDX-License-Identifier: Apache-2.0
// What a Go guest needs of its directories. Go makes every path absolute and then looks for it
// among the directories that it was given. So it never finds a directory with a relative name
// ("--dir ." names it "."): open says "Bad file number". Such a name is put under the root, and PWD
// is the root: then --dir means the same as for a C or Rust guest.
#pragma once

#include <string>

#include "tools/guest_spec.h"

namespace weft::tools {

// Made by the Go compiler? false when the file can't be read.
bool is_go_module(const std::string& path);

// Changes the names of a Go guest's directories, and PWD if it is not set. Of others nothing.
void give_go_its_root(GuestSpec& spec);

}  // namespace weft::tools
