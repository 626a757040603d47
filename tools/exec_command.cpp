// SPDX-License-Identifier: Apache-2.0
#include "tools/exec_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "sim/quantities.h"
#include "tools/guest_options.h"
#include "tools/messages.h"
#include "tools/one_run.h"

namespace weft::tools {
namespace {

// Go's tests may allocate much, and Go's own runner has no limit.
constexpr GuestCommand kExec = {
    "exec",
    "Runs one guest as Go's own runner does: with / as a directory, PWD and PATH. For\n"
    "`go run -exec 'weft exec'` and `go test -exec 'weft exec'` (GOOS=wasip1 GOARCH=wasm).\n"
    "weft exec [options] prog.wasm [args]",
    4 * kGib, true};

// The directory weft was started in: $PWD when it says so, which keeps the names of symbolic links
// in it, as a shell does.
std::string working_directory() {
  const char* pwd = std::getenv("PWD");
  struct stat named = {};
  struct stat here = {};
  if (pwd != nullptr && *pwd == '/' && ::stat(pwd, &named) == 0 && ::stat(".", &here) == 0 &&
      named.st_dev == here.st_dev && named.st_ino == here.st_ino) {
    return pwd;
  }
  std::error_code gone;
  const std::filesystem::path path = std::filesystem::current_path(gone);
  return gone ? "/" : path.string();
}

// Sets a variable that no --env has set.
void add_variable(std::vector<std::string>& env, const std::string& name,
                  const std::string& value) {
  const bool given = std::any_of(env.begin(), env.end(), [&](const std::string& variable) {
    return variable.starts_with(name + "=");
  });
  if (!given) env.push_back(name + "=" + value);
}

}  // namespace

CommandHelp exec_help() {
  return help_of(kExec, {});
}

int exec_command(const std::vector<std::string>& args) {
  auto parsed = parse_one_guest(kExec, args);
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return print(*exit);
  RunOptions& run = std::get<RunOptions>(parsed);
  GuestOptions& options = run.guests.front().options;
  options.preopens.insert(options.preopens.begin(), {"/", "/"});
  add_variable(options.env, "PWD", working_directory());
  const char* path = std::getenv("PATH");
  add_variable(options.env, "PATH", path != nullptr ? path : "");
  // All words behind the module come from Go's command: a short one is the program's own.
  std::erase_if(run.known_options, [](const std::string& name) { return name.size() == 2; });
  return one_run(run);
}

}  // namespace weft::tools
