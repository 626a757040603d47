// The engine that the command line asks for, with its messages on stderr.
#pragma once

#include <memory>
#include <string>

#include "guest/aot/aot.h"

namespace weft::tools {

// `name`: interp, aot or auto.
std::unique_ptr<Engine> make_engine(const std::string& name, AotOptions options);

// The engine aot for a command: SIGINT, SIGTERM and SIGHUP while it compiles end the compilers and
// remove their files; then load() throws Interrupted (tools/noted_signals.h).
std::unique_ptr<Engine> make_interruptible_aot(AotOptions options);

// Makes the options tell the user why a module runs on interp, and, on a terminal, how far a
// compilation is that takes longer than a second.
void speak_on_stderr(AotOptions& options);

}  // namespace weft::tools
