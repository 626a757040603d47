// SPDX-License-Identifier: Apache-2.0
#include "tools/part_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "tools/exit_codes.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

constexpr const char* kThisProgram = "/proc/self/exe";

// Between fork and exec, in a process that has threads: system calls alone.
[[noreturn]] void become(const char* const* words, const char* const* environment,
                         const char* folder, int said, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);  // A terminal's signals are for the worker, which ends its child itself.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int sig : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(sig, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR);
  const bool ready = ::getppid() == parent && null >= 0 && ::chdir(folder) == 0 &&
                     ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(null, STDOUT_FILENO) >= 0 &&
                     ::dup2(said, STDERR_FILENO) >= 0;
  if (ready) {
    ::execve(kThisProgram, const_cast<char* const*>(words), const_cast<char* const*>(environment));
  }
  ::_exit(kExitHost);
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(text.c_str());
  all.push_back(nullptr);
  return all;
}

}  // namespace

Result<PartChild> PartChild::start(const std::vector<std::string>& words,
                                   const std::string& folder) {
  std::vector<std::string> all = {"weft"};
  all.insert(all.end(), words.begin(), words.end());
  const std::string scratch = folder + "/run";
  std::vector<std::string> environment = {"TMPDIR=" + scratch};
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("TMPDIR=")) environment.emplace_back(*variable);
  }
  const std::string said = scratch + "/said";
  const UniqueFd to(::open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!to.valid()) return errno_error(said, errno);
  const auto word_pointers = pointers(all);
  const auto variable_pointers = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return refused_by_host("no process: " + std::string(std::strerror(errno)));
  if (pid == 0) {
    become(word_pointers.data(), variable_pointers.data(), folder.c_str(), to.get(), parent);
  }
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return PartChild(pid, std::move(process), said);
}

PartChild::PartChild(PartChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      process_(std::move(other.process_)),
      said_(std::move(other.said_)),
      code_(other.code_) {}

PartChild::~PartChild() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);  // Its group: what it has started, too.
  ::kill(pid_, SIGKILL);   // It may not lead that group yet.
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool PartChild::wait(int milliseconds) {
  if (pid_ <= 0) return true;
  // Without a descriptor of the process (Linux before 5.3) it only waits.
  pollfd polled{.fd = process_.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&polled, 1, milliseconds);
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
  pid_ = -1;
  code_ = ended < 0             ? kExitHost
          : WIFSIGNALED(status) ? kExitSignal + WTERMSIG(status)
                                : WEXITSTATUS(status);
  return true;
}

std::string PartChild::last_words() const {
  auto text = read_whole_file(said_);
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  return text->substr(text->find_last_of('\n') + 1);
}

}  // namespace weft::tools
