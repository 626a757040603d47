// SPDX-License-Identifier: Apache-2.0
#include "signals/fault.h"

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "scheduler/scheduler.h"

namespace weft::signals {
namespace {

constexpr int kExitFatal = 2;  // Go's.

// A line of text made without allocating or locking: in a handler nothing else will do.
class Text {
 public:
  Text& add(const char* s) {
    const std::size_t n = std::strlen(s);
    for (std::size_t i = 0; i < n && length_ < sizeof buffer_; ++i) buffer_[length_++] = s[i];
    return *this;
  }
  Text& add(std::uint64_t number) {
    char digits[21] = {};
    char* at = digits + sizeof digits - 1;
    do {
      *--at = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return add(at);
  }
  void write_to_stderr() const { (void)!::write(STDERR_FILENO, buffer_, length_); }

 private:
  char buffer_[512];
  std::size_t length_ = 0;
};

[[noreturn]] void report_overflow(const Scheduler& scheduler, std::size_t stack_bytes) {
  Text text;
  text.add("runtime: goroutine stack exceeds ").add(stack_bytes).add("-byte limit\n");
  text.add("fatal error: stack overflow\n\n");
  if (const G* g = scheduler.current()) {
    text.add("goroutine ").add(g->id).add(" [running]:");
    if (g->name[0] != '\0') text.add(" ").add(g->name);
  } else {
    text.add("M").add(static_cast<std::uint64_t>(scheduler.current_m().id)).add(" [running]:");
  }
  text.add("\n").write_to_stderr();
  ::_exit(kExitFatal);
}

std::atomic<FaultClaim> fault_claim = nullptr;

void on_fault(int sig, siginfo_t* info, void* context) {
  if (was_sent(*info)) return chain_signal(sig, info, context);
  if (const FaultClaim claim = fault_claim.load(); claim != nullptr && claim(info, context)) return;
  const Scheduler* const scheduler = scheduler_of_thread;
  if (scheduler != nullptr) {
    const std::size_t stack_bytes = scheduler->stack_of_guard(info->si_addr);
    if (stack_bytes != 0) report_overflow(*scheduler, stack_bytes);
  }
  chain_signal(sig, info, context);
}

}  // namespace

void set_fault_claim(FaultClaim claim) {
  fault_claim = claim;
}

FaultHandler::FaultHandler() {
  take_signal(SIGSEGV, &on_fault, SA_NODEFER);
  take_signal(SIGBUS, &on_fault, SA_NODEFER);
}

FaultHandler::~FaultHandler() {
  give_back_signal(SIGBUS);
  give_back_signal(SIGSEGV);
}

}  // namespace weft::signals
