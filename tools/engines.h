// SPDX-License-Identifier: Apache-2.0
// The engine that the command line asks for, with its messages on stderr.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guest/engines.h"

namespace weft::tools {

// `name`: of a row of guest/engines.cpp.
std::unique_ptr<Engine> make_engine(std::string_view name, EngineOptions options);

// An engine for a command: the signals of tools/noted_signals.h while it loads in steps end the
// compilers and remove their files; then load() throws Interrupted.
std::unique_ptr<Engine> make_interruptible(std::string_view name, EngineOptions options);

// What --engine may be; for a replay only the fixed ones (guest/engines.h).
std::vector<std::string> engine_names();
std::vector<std::string> fixed_engine_names();

// Makes the options tell the user why a module runs on interp, and, on a terminal, how far a
// compilation is that takes longer than a second.
void speak_on_stderr(EngineOptions& options);

}  // namespace weft::tools
