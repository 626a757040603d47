// SPDX-License-Identifier: Apache-2.0
// A folder that no other user can change or replace. Compiled modules lie in it, and weft loads
// them as code.
//
// The path is walked from the root, one descriptor after the other, and links are followed by hand.
// Each folder on the way must belong to root or to this user, and nobody else may write to it. A
// folder that all may write to, as /tmp, is allowed when it has the sticky bit and the next one
// belongs to root or this user. The last folder must belong to this user. From then on everything
// is reached by its descriptor.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft {

// Opens the folder; what is missing of the path is made, with access for this user only. `path` is
// absolute. The error names the folder that others may change.
Result<UniqueFd> open_private_folder(const std::string& path);

}  // namespace weft
