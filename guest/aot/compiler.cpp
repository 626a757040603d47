// SPDX-License-Identifier: Apache-2.0
// Compiling: a child (guest/child_work.h) starts a compiler for each unit, as many at a time as
// there are processors, and then one that links. What they print goes into a file, whose first
// error is told. The limits of each are the kernel's: address space, and CPU time.
#include "guest/aot/compiler.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "guest/child_work.h"

namespace weft {
namespace {

// For one compiler, of one unit.
constexpr std::size_t kAddressBytesMax = std::size_t{4} << 30;

// From here on a higher level of optimisation costs minutes.
constexpr std::size_t kLargeBytes = 12'000'000;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool on_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    folder.append("/").append(program);
    if (::access(folder.c_str(), X_OK) == 0) return true;
  }
  return false;
}

int processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

std::string first_error(const std::string& log) {
  std::ifstream in(log);
  std::string first;
  for (std::string line; std::getline(in, line);) {
    if (line.find("error") != std::string::npos) return line;
    if (first.empty()) first = line;
  }
  return first.empty() ? "it said nothing" : first;
}

struct Command {
  std::string name;  // What it makes, for messages.
  std::vector<std::string> words;
};

Error failed(const Command& command, int status, const std::string& log,
             const CompilerOptions& options) {
  const std::string said = first_error(log);
  const bool out_of_time = WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;
  // gcc and clang say of what they started only that a signal ended it.
  for (const char* of_time : {"CPU time limit", "Killed", "terminated"}) {
    if (!out_of_time && said.find(of_time) == std::string::npos) continue;
    return Error{"the C compiler takes more than " + std::to_string(options.unit_cpu_s) +
                 " s for a part of it (" + command.name + "): a function is too large"};
  }
  for (const char* of_memory : {"out of memory", "memory exhausted", "bad_alloc"}) {
    if (said.find(of_memory) == std::string::npos) continue;
    return Error{"the C compiler takes more than " + std::to_string(kAddressBytesMax >> 20) +
                 " MiB of memory for a part of it (" + command.name + "): a function is too large"};
  }
  return Error{"the C compiler failed: " + said};
}

// In the child: runs the commands, several at a time.
Status run(const std::vector<Command>& commands, const std::string& log,
           const CompilerOptions& options, const std::function<void(std::size_t)>& done) {
  const auto at_once = std::min<std::size_t>(processors(), ChildSide::kProgramsMax);
  std::map<int, const Command*> running;
  std::size_t started = 0;
  for (std::size_t ended = 0; ended < commands.size();) {
    while (started < commands.size() && running.size() < at_once) {
      const Command& command = commands[started++];
      const int pid = ChildSide::start_program(
          command.words, log, {kAddressBytesMax, static_cast<unsigned>(options.unit_cpu_s)});
      if (pid < 0) return Error{std::string("the C compiler can't be run: ") + strerror(errno)};
      running[pid] = &command;
    }
    int status = 0;
    const auto of = running.find(ChildSide::wait_for_program(&status));
    if (of == running.end()) return Error{"the C compiler is gone"};
    if (status != 0) return failed(*of->second, status, log, options);
    running.erase(of);
    done(++ended);
  }
  return Nothing{};
}

}  // namespace

std::vector<std::string> find_compiler(const std::string& cc) {
  const char* env = std::getenv("CC");
  for (const std::string& command : {cc, std::string(cc.empty() && env != nullptr ? env : ""),
                                     std::string("cc"), std::string("gcc"), std::string("clang")}) {
    std::vector<std::string> words = words_of(command);
    if (words.empty()) continue;
    if (on_path(words.front())) return words;
    if (!cc.empty()) return {};  // What was asked for, or nothing.
  }
  return {};
}

std::vector<std::string> compile_flags(bool guard_pages, bool large) {
  std::vector<std::string> flags = {
      large ? "-O1" : "-O2",
      "-g1",  // Line numbers, which are offsets in the module: guest/aot/trap_site.h.
      "-gdwarf-4",
      "-std=gnu11",
      "-fPIC",
      "-fvisibility=hidden",
      "-w",
      "-DNDEBUG",
      std::string("-DWASM_RT_MEMCHECK_SIGNAL_HANDLER=") + (guard_pages ? "1" : "0"),
      "-fasynchronous-unwind-tables",  // For call stacks at faults.
      "-fno-optimize-sibling-calls",   // A call is a frame.
      "-fstack-clash-protection",      // A frame larger than a guard page must not step over it.
      "-ffp-contract=off",             // Results are IEEE 754's, to the bit.
      "-fsignaling-nans",
      "-fno-math-errno",
      "-fno-var-tracking",  // Nothing for variables, and a fraction of the table of lines.
  };
#if defined(__x86_64__)
  flags.emplace_back("-mno-red-zone");  // The compiler does not see aot_code.inc call weft_ask.
#endif
  return flags;
}

Status compile(const CUnits& units, const std::string& folder, const std::string& to,
               const CompilerOptions& options) {
  const std::vector<std::string> cc = find_compiler(options.cc);
  if (cc.empty()) return Error{"there is no C compiler"};
  const std::vector<std::string> flags =
      compile_flags(options.guard_pages, units.bytes > kLargeBytes);
  std::vector<Command> commands;
  Command link{"linking", cc};
  link.words.insert(link.words.end(), {"-shared", "-Wl,-z,now", "-o", to});
  for (const std::string& file : units.files) {
    Command command{file, cc};
    command.words.insert(command.words.end(), flags.begin(), flags.end());
    std::string source = folder;
    source.append("/").append(file);
    const std::string object = source + ".o";
    command.words.insert(command.words.end(), {"-c", source, "-o", object});
    link.words.push_back(object);
    commands.push_back(std::move(command));
  }
  link.words.emplace_back("-lm");
  const ChildOptions child{.what = "the C compiler",
                           .timeout_s = options.timeout_s,
                           .wait = options.wait,
                           .progress = options.progress};
  const std::string log = folder + "/log";
  const auto result = in_child(child, [&](ChildSide& side) -> Result<std::string> {
    const auto report = [&](std::size_t done) { side.report(done, commands.size()); };
    report(0);
    if (Status done = run(commands, log, options, report); !done) return done.error();
    if (Status done = run({link}, log, options, [](std::size_t) {}); !done) return done.error();
    return std::string();
  });
  if (!result) return result.error();
  return Nothing{};
}

}  // namespace weft
