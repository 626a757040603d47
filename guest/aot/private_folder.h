// SPDX-License-Identifier: Apache-2.0
// A folder that no other user can change, or put another in the place of: the one in which compiled
// modules lie, which weft loads as code.
//
// The path is walked from the root, one descriptor after the other, links followed by hand. Each
// folder on the way must belong to root or to this user and be writable by nobody else; in one that
// all may write but that has the sticky bit, as /tmp, what comes next is safe when it belongs to
// one of the two. The last folder must belong to this user. From then on everything is reached by
// its descriptor.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft {

// Opens the folder; what is missing of the path is made, with access for this user only. `path` is
// absolute. The error names the folder that others may change.
Result<UniqueFd> open_private_folder(const std::string& path);

}  // namespace weft
