// SPDX-License-Identifier: Apache-2.0
#include "signals/handlers.h"

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <mutex>

#include "base/check.h"

namespace weft::signals {
namespace {

constexpr std::size_t kAlternateStackBytes = std::size_t{128} * 1024;

struct Taken {
  int takes = 0;
  Handler handler = nullptr;
  struct sigaction previous = {};
};

// Guards the table against takers on several threads. Handlers only read `previous`, which is
// written before they are installed.
std::mutex table_mutex;
std::array<Taken, NSIG> table;

bool is_ignored_by_default(int sig) {
  return sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH;
}

bool is_of_an_instruction(int sig) {
  return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP;
}

}  // namespace

void take_signal(int sig, Handler handler, int flags) {
  const std::lock_guard lock(table_mutex);
  Taken& taken = table[static_cast<std::size_t>(sig)];
  if (taken.takes++ > 0) {
    WEFT_CHECK(taken.handler == handler, "one signal was taken with two handlers");
    return;
  }
  taken.handler = handler;
  ::sigaction(sig, nullptr, &taken.previous);
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  ::sigemptyset(&action.sa_mask);
  WEFT_CHECK(::sigaction(sig, &action, nullptr) == 0, "a signal can't be taken");
}

void give_back_signal(int sig) {
  const std::lock_guard lock(table_mutex);
  Taken& taken = table[static_cast<std::size_t>(sig)];
  WEFT_CHECK(taken.takes > 0, "a signal was given back that nobody took");
  if (--taken.takes > 0) return;
  ::sigaction(sig, &taken.previous, nullptr);
}

bool was_sent(const siginfo_t& info) noexcept {
  return info.si_code <= 0;
}

void chain_signal(int sig, siginfo_t* info, void* context) noexcept {
  const struct sigaction& previous = table[static_cast<std::size_t>(sig)].previous;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(sig, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(sig);
  } else if (previous.sa_handler == SIG_DFL && !is_ignored_by_default(sig)) {
    ::sigaction(sig, &previous, nullptr);
    if (!is_of_an_instruction(sig) || was_sent(*info)) ::raise(sig);
  }
}

AlternateStack::AlternateStack() {
  stack_t now{};
  ::sigaltstack(nullptr, &now);
  if ((now.ss_flags & SS_DISABLE) == 0) return;  // A sanitizer's, or the embedder's.
  void* memory = ::mmap(nullptr, kAlternateStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;  // Handlers then run on the G's stack: worse, not wrong.
  memory_ = memory;
  const stack_t ours{.ss_sp = memory_, .ss_flags = 0, .ss_size = kAlternateStackBytes};
  ::sigaltstack(&ours, nullptr);
}

AlternateStack::~AlternateStack() {
  if (memory_ == nullptr) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  ::sigaltstack(&none, nullptr);
  ::munmap(memory_, kAlternateStackBytes);
}

}  // namespace weft::signals
