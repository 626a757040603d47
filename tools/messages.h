// SPDX-License-Identifier: Apache-2.0
// What the command says: one way to print an error, one to print what was asked for. Everything on
// stderr begins with "weft: "; what comes from a guest or a file is made printable.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/wasip1/process.h"

namespace weft::tools {

// "weft: TEXT\n" on stderr.
void say(std::string_view text);

// Says what is wrong, and returns the code, or kExitHost when it is the host that refuses:
// `return complain("--trace", error, kExitNoOutput)`.
// `about`: an option or a command, or empty.
int complain(std::string_view about, const Error& error, int code);

// Text of several lines on stderr, made printable: reports of the scheduler.
void print_report(std::string_view text);

// What to print and the code to exit with when nothing is to be done: --help or wrong use.
struct ExitNow {
  int code;
  std::string text;
};

// On stdout when the code is 0, else on stderr. Returns the code, or kExitNoOutput.
int print(const ExitNow& exit);

// Prints the WASI calls of one guest on stderr, each after the prefix.
class StderrTrace final : public wasip1::TraceSink {
 public:
  explicit StderrTrace(std::string prefix) : prefix_(std::move(prefix)) {}
  void line(std::string_view text) override;

 private:
  const std::string prefix_;
};

// "[3 hello.wasm] "; number: from 1.
std::string trace_prefix(std::size_t number, const std::string& module);

}  // namespace weft::tools
