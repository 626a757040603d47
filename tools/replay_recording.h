// SPDX-License-Identifier: Apache-2.0
// The replay of a recording of a run in real time (sim/record/playback.h).
#pragma once

#include <string>

#include "tools/recorded_guests.h"

namespace weft::tools {

// bytes: the file's. Returns the exit code: that of the recorded run when this one was the same.
int replay_recording(const std::string& path, const std::string& bytes,
                     const ReplayOptions& options);

}  // namespace weft::tools
