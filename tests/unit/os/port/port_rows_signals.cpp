// SPDX-License-Identifier: Apache-2.0
// The names of os_wasm.go that are about signals. "Nothing" is asserted as: no handler of any
// signal and no mask of this thread changed.
#include <pthread.h>

#include <csignal>
#include <cstring>
#include <type_traits>

#include "signals/os_wasm_signals.h"
#include "tests/unit/os/port/port_rows.h"
#include "tests/unit/os/port/port_world.h"

using namespace weft;
using weft::test::PortWorld;

namespace {

template <class F>
void changes_nothing(F&& f) {
  const auto handler_of = [](int sig) {
    struct sigaction action = {};
    ::sigaction(sig, nullptr, &action);
    return action.sa_handler;
  };
  sigset_t mask_before;
  sigset_t mask_after;
  std::memset(&mask_before, 0, sizeof mask_before);
  std::memset(&mask_after, 0, sizeof mask_after);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
  decltype(handler_of(1)) before[32];
  for (int sig = 1; sig < 32; ++sig) before[sig] = handler_of(sig);
  f();
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
  CHECK(std::memcmp(&mask_before, &mask_after, sizeof mask_before) == 0);
  for (int sig = 1; sig < 32; ++sig) CHECK((handler_of(sig) == before[sig]));
}

void check_sigset() {
  CHECK(std::is_empty_v<port::sigset>);
}
void check_gsignal_stack() {
  CHECK(std::is_empty_v<port::gsignalStack>);
}
void check_sigsave() {
  port::sigset set;
  changes_nothing([&] { port::sigsave(&set); });
}
void check_msigrestore() {
  changes_nothing([] { port::msigrestore({}); });
}
void check_clear_signal_handlers() {
  changes_nothing(&port::clearSignalHandlers);
}
void check_sigblock() {
  changes_nothing([] { port::sigblock(true); });
}
void check_initsig() {
  changes_nothing([] { port::initsig(false); });
}
void check_sigenable() {
  CHECK(port::kNSIG == 0);
  changes_nothing([] { port::sigenable(SIGUSR1); });
}
void check_sigdisable() {
  changes_nothing([] { port::sigdisable(SIGUSR1); });
}
void check_sigignore() {
  changes_nothing([] { port::sigignore(SIGUSR1); });
}
void check_os_sigpipe() {
  changes_nothing(&port::os_sigpipe);
}
void check_signame() {
  for (const std::uint32_t sig : {0u, 2u, 11u, 999u})
    CHECK(std::string(port::signame(sig)).empty());
}

void check_sigpanic() {
  PortWorld w;
  w.on_g([&] {
    try {
      port::sigpanic();
    } catch (const port::Panic& p) {
      w.say(p.what());
      CHECK(p.signal == 0xb);
    }
    port::mutex l{};
    port::lock(&l);
    CHECK_THROWS_WITH_AS(port::sigpanic(), "unexpected signal during runtime execution",
                         port::Throw);
    port::unlock(&l);
  });
  CHECK(w.trace == "runtime error: invalid memory address or nil pointer dereference");
  CHECK_THROWS_AS(port::sigpanic(), port::Throw);  // No G.
}

}  // namespace

std::vector<test::PortRow> test::port_signal_rows() {
  return {
      {"sigset", "type", &check_sigset},
      {"gsignalStack", "type", &check_gsignal_stack},
      {"sigpanic", "function", &check_sigpanic},
      {"sigsave", "function", &check_sigsave},
      {"msigrestore", "function", &check_msigrestore},
      {"clearSignalHandlers", "function", &check_clear_signal_handlers},
      {"sigblock", "function", &check_sigblock},
      {"signame", "function", &check_signame},
      {"initsig", "function", &check_initsig},
      {"os_sigpipe", "function", &check_os_sigpipe},
      {"sigdisable", "function", &check_sigdisable},
      {"sigenable", "function", &check_sigenable},
      {"sigignore", "function", &check_sigignore},
  };
}
