// SPDX-License-Identifier: Apache-2.0
// See guest/child_work.h. On the pipe go messages: a letter, a length of four bytes, and as many
// bytes. p: two numbers of progress; r: the result; e: an error.
#include "guest/child_work.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <new>
#include <optional>

#include "base/unique_fd.h"

namespace weft {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kHeadBytes = 5;

void write_all(int to, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(to, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ::_exit(1);  // The parent reads no more.
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

void send(int to, char kind, const void* data, std::size_t bytes) {
  char head[kHeadBytes] = {kind};
  const auto length = static_cast<std::uint32_t>(bytes);
  std::memcpy(head + 1, &length, sizeof length);
  write_all(to, head, sizeof head);
  write_all(to, data, bytes);
}

void send(int to, char kind, const std::string& text) {
  send(to, kind, text.data(), text.size());
}

// --- the child ---

// The programs that run, for the handler of SIGTERM. 0: a free place.
volatile pid_t programs[ChildSide::kProgramsMax];

void end_programs(int) {
  for (const volatile pid_t& program : programs) {
    const pid_t pid = program;
    if (pid > 0) ::kill(-pid, SIGKILL);
  }
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
  ::_exit(1);
}

// While this lives SIGTERM waits.
class TermHeld {
 public:
  TermHeld() {
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, &before_);
  }
  ~TermHeld() { release(); }
  TermHeld(const TermHeld&) = delete;
  TermHeld& operator=(const TermHeld&) = delete;
  void release() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

void end_with_parent(pid_t parent) {
  ::setpgid(0, 0);
  for (int sig = 1; sig <= SIGRTMAX; ++sig) ::signal(sig, SIG_DFL);
  ::signal(SIGTERM, end_programs);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);     // Reaps what a killed program had started.
  if (::getppid() != parent) ::_exit(1);  // It died before the lines above.
}

// Returns the pipe's new place.
int close_others(int pipe) {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) ::dup2(null, fd);
  constexpr int kPipe = STDERR_FILENO + 1;
  if (pipe != kPipe) ::dup2(pipe, kPipe);
  ::fcntl(kPipe, F_SETFD, FD_CLOEXEC);
  if (::close_range(kPipe + 1, ~0U, 0) != 0) {
    const long most = ::sysconf(_SC_OPEN_MAX);
    for (int fd = kPipe + 1; fd < most; ++fd) ::close(fd);
  }
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  return kPipe;
}

[[noreturn]] void run_child(int pipe, pid_t parent,
                            const std::function<Result<std::string>(ChildSide&)>& body) {
  end_with_parent(parent);
  const int to = close_others(pipe);
  try {
    ChildSide side(to);
    const Result<std::string> result = body(side);
    if (result) {
      send(to, 'r', *result);
    } else {
      send(to, 'e', result.error().message);
    }
  } catch (const std::bad_alloc&) {
    send(to, 'e', "there is not enough memory");
  } catch (const std::exception& error) {
    send(to, 'e', error.what());
  }
  ::_exit(0);
}

// --- the parent ---

// Resident memory of a process, or 0.
std::size_t resident_bytes(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/statm";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[128];
  const ssize_t length = fd.valid() ? ::read(fd.get(), text, sizeof text - 1) : 0;
  if (length <= 0) return 0;
  text[length] = '\0';
  unsigned long long pages = 0;
  if (std::sscanf(text, "%*u %llu", &pages) != 1) return 0;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The child and its pipe. Ends the child when it goes.
class Child {
 public:
  Child(pid_t pid, UniqueFd from) : pid_(pid), from_(std::move(from)) {}
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGCONT);  // It may be stopped.
    constexpr int kTries = 500;
    for (int i = 0; i < kTries; ++i) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
      ::poll(nullptr, 0, 1);
    }
    ::kill(pid_, SIGKILL);
    (void)reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Takes what has come. False at the pipe's end.
  bool read() {
    char buffer[64 * 1024];
    for (;;) {
      const ssize_t got = ::read(from_.get(), buffer, sizeof buffer);
      if (got > 0) {
        bytes_.append(buffer, static_cast<std::size_t>(got));
        continue;
      }
      return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
  }

  // The next whole message.
  bool next(char& kind, std::string& text) {
    std::uint32_t length = 0;
    if (bytes_.size() - at_ < kHeadBytes) return false;
    std::memcpy(&length, bytes_.data() + at_ + 1, sizeof length);
    if (bytes_.size() - at_ - kHeadBytes < length) return false;
    kind = bytes_[at_];
    text = bytes_.substr(at_ + kHeadBytes, length);
    at_ += kHeadBytes + length;
    if (at_ == bytes_.size()) bytes_.clear(), at_ = 0;
    return true;
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  // Waits until it has ended, and returns how.
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
  UniqueFd from_;
  std::string bytes_;
  std::size_t at_ = 0;
};

Error ended_badly(const std::string& what, int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) {
    return Error{what +
                 " needs a deeper stack than there is: the module's blocks are nested too "
                 "deep, or 'ulimit -v' is too small"};
  }
  if (WIFSIGNALED(status)) {
    return Error{what + " was ended by signal " + std::to_string(WTERMSIG(status))};
  }
  return Error{what + " ended without a result"};
}

std::string in_mib(std::size_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

Result<std::string> collect(Child& child, const ChildOptions& options) {
  const std::size_t resident = options.bytes_max != 0 ? resident_bytes(child.pid()) : 0;
  const auto deadline = SteadyClock::now() + std::chrono::seconds(options.timeout_s);
  std::optional<Result<std::string>> result;
  std::uint32_t counts[2] = {0, 0};
  for (bool open = true; open;) {
    open = child.read();
    char kind = 0;
    for (std::string text; child.next(kind, text);) {
      if (kind == 'p') {
        std::memcpy(counts, text.data(), std::min(text.size(), sizeof counts));
      } else if (kind == 'r') {
        result = std::move(text);
      } else if (kind == 'e') {
        result = Error{std::move(text)};
      }
    }
    if (options.progress) options.progress(counts[0], counts[1]);
    if (!open || result) break;
    if (options.bytes_max != 0 && resident_bytes(child.pid()) > resident + options.bytes_max) {
      return Error{options.what + " takes more than " + in_mib(options.bytes_max) + " of memory"};
    }
    if (options.timeout_s != 0 && SteadyClock::now() > deadline) {
      return Error{options.what + " takes more than " + std::to_string(options.timeout_s) + " s"};
    }
    options.wait();
  }
  const int status = child.reap();
  if (result) return std::move(*result);
  return ended_badly(options.what, status);
}

}  // namespace

void ChildSide::report(std::size_t done, std::size_t of) {
  if (done == done_) return;
  done_ = done;
  const std::uint32_t counts[2] = {static_cast<std::uint32_t>(done),
                                   static_cast<std::uint32_t>(of)};
  send(to_, 'p', counts, sizeof counts);
}

int ChildSide::start_program(const std::vector<std::string>& words, const std::string& log,
                             const Limits& limits) {
  const rlimit memory{limits.address_bytes, limits.address_bytes};
  const rlimit cpu{limits.cpu_s, limits.cpu_s + 1};
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  volatile pid_t* const place = std::find(std::begin(programs), std::end(programs), 0);
  if (place == std::end(programs)) return errno = EAGAIN, -1;
  const UniqueFd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!out.valid()) return -1;
  const TermHeld held;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGTERM, SIG_DFL);
    ::dup2(out.get(), STDOUT_FILENO);
    ::dup2(out.get(), STDERR_FILENO);
    held.release();
    ::setrlimit(RLIMIT_AS, &memory);
    ::setrlimit(RLIMIT_CPU, &cpu);
    if (::getppid() == parent) ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  if (pid < 0) return -1;
  ::setpgid(pid, pid);
  *place = pid;
  return pid;
}

int ChildSide::wait_for_program(int* status) {
  pid_t pid = -1;
  volatile pid_t* place = nullptr;
  do {
    pid = ::waitpid(-1, status, 0);
    place = std::find(std::begin(programs), std::end(programs), pid);
  } while ((pid < 0 && errno == EINTR) || (pid > 0 && place == std::end(programs)));
  if (pid > 0) *place = 0;
  return pid;
}

Result<std::string> in_child(const ChildOptions& options,
                             const std::function<Result<std::string>(ChildSide&)>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error{options.what + ": no pipe: " + std::strerror(errno)};
  }
  UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error{options.what + ": no process: " + std::strerror(errno)};
  if (pid == 0) run_child(to.get(), parent, body);
  ::setpgid(pid, pid);  // Here too: it may be killed before it has run.
  Child child(pid, std::move(from));
  to.reset();  // So that the end of the child is the end of the pipe.
  return collect(child, options);
}

}  // namespace weft
