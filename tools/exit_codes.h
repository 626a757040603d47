// SPDX-License-Identifier: Apache-2.0
// The exit codes of the command, in one place. A guest's own code is weft's; these are the rest.
#pragma once

namespace weft::tools {

inline constexpr int kExitFatal = 2;      // The scheduler can't go on: a deadlock. As in Go.
inline constexpr int kExitUsage = 64;     // Wrong use of the command (EX_USAGE of sysexits.h).
inline constexpr int kExitNoModule = 66;  // A file can't be read or is not a module (EX_NOINPUT).
inline constexpr int kExitHost = 71;      // The host refuses: no memory, a port in use (EX_OSERR).
inline constexpr int kExitNoOutput = 74;  // What was asked for can't be written (EX_IOERR).
inline constexpr int kExitSignal = 128;   // Ended by a signal: this plus its number, as a shell.
inline constexpr int kExitTrap =
    134;  // A guest trapped (128 + SIGABRT, what a shell shows for an abort).
inline constexpr int kExitKilled = 137;  // A guest was killed (128 + SIGKILL).

}  // namespace weft::tools
