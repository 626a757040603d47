// SPDX-License-Identifier: Apache-2.0
// Compiling: a process a unit, as many at a time as there are processors, each in a process group
// of its own that is killed when the time is up or the wait for it is given up; then one that
// links.
#include "guest/aot/compiler.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

extern char** environ;

namespace weft {
namespace {

using SteadyClock = std::chrono::steady_clock;

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

// A compiler that runs. Ended and waited for when this goes.
class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  static Result<Child> start(const std::vector<std::string>& words, const std::string& log) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    Child child;
    const int error =
        ::posix_spawnp(&child.pid_, argv[0], &actions, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      child.pid_ = -1;
      return Error{"the C compiler '" + words.front() + "' can't be run: " + std::strerror(error)};
    }
    return child;
  }

  // Has it ended? Then `status` is how.
  bool ended(int& status) {
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  }

 private:
  pid_t pid_ = -1;
};

std::string first_error(const std::string& log) {
  std::ifstream in(log);
  std::string first;
  for (std::string line; std::getline(in, line);) {
    if (line.find("error") != std::string::npos) return line;
    if (first.empty()) first = line;
  }
  return first.empty() ? "it said nothing" : first;
}

// Runs the commands, several at a time.
class Batch {
 public:
  Batch(std::string log, const CompilerOptions& options, SteadyClock::time_point deadline)
      : log_(std::move(log)), options_(options), deadline_(deadline) {}

  Status run(const std::vector<std::vector<std::string>>& commands, bool report) {
    const auto at_once = static_cast<std::size_t>(processors());
    std::vector<Child> running;
    std::size_t started = 0;
    std::size_t done = 0;
    while (done < commands.size()) {
      while (started < commands.size() && running.size() < at_once) {
        auto child = Child::start(commands[started++], log_);
        if (!child) return child.error();
        running.push_back(std::move(*child));
      }
      for (std::size_t i = 0; i < running.size();) {
        int status = 0;
        if (!running[i].ended(status)) {
          ++i;
          continue;
        }
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
        if (status != 0) return Error{"the C compiler failed: " + first_error(log_)};
        ++done;
      }
      if (report && options_.progress) options_.progress(done, commands.size());
      if (done == commands.size()) break;
      if (SteadyClock::now() > deadline_) {
        return Error{"the C compiler took more than " + std::to_string(options_.timeout_s) + " s"};
      }
      options_.wait();  // May throw: then `running` goes, and the compilers with it.
    }
    return Nothing{};
  }

 private:
  const std::string log_;
  const CompilerOptions& options_;
  const SteadyClock::time_point deadline_;
};

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

Status compile(const std::vector<CFile>& files, const std::string& folder, const std::string& to,
               const CompilerOptions& options) {
  const std::vector<std::string> cc = find_compiler(options.cc);
  if (cc.empty()) return Error{"there is no C compiler"};
  std::size_t bytes = 0;
  for (const CFile& file : files) {
    std::ofstream out(folder + "/" + file.name, std::ios::binary);
    out << file.text;
    if (!out.flush()) return Error{folder + "/" + file.name + " can't be written"};
    bytes += file.text.size();
  }
  const std::vector<std::string> flags = compile_flags(options.guard_pages, bytes > kLargeBytes);
  std::vector<std::vector<std::string>> commands;
  std::vector<std::string> link = cc;
  link.insert(link.end(), {"-shared", "-Wl,-z,now", "-o", to});
  for (const CFile& file : files) {
    if (!file.unit) continue;
    std::vector<std::string> words = cc;
    words.insert(words.end(), flags.begin(), flags.end());
    const std::string object = folder + "/" + file.name + ".o";
    words.insert(words.end(), {"-c", folder + "/" + file.name, "-o", object});
    link.push_back(object);
    commands.push_back(std::move(words));
  }
  link.emplace_back("-lm");
  Batch batch(folder + "/log", options,
              SteadyClock::now() + std::chrono::seconds(options.timeout_s));
  if (Status status = batch.run(commands, true); !status) return status;
  return batch.run({link}, false);
}

}  // namespace weft
