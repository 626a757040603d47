// SPDX-License-Identifier: Apache-2.0
// The names of os_wasm.go that are not about signals.
#include <type_traits>

#include "tests/unit/os/port/port_rows.h"
#include "tests/unit/os/port/port_world.h"

using namespace weft;
using weft::test::PortWorld;

namespace {

void check_m_os() {
  CHECK(std::is_empty_v<port::mOS>);
}

void check_osinit() {
  PortWorld w;
  port::osinit();
  CHECK(w.port.physPageSize == 65536);
  CHECK(w.port.ncpu == 1);
  CHECK(w.port.gsignal_of(w.scheduler.current_m()).procid == 2);
}

void check_exit_thread() {
  PortWorld w;
  std::atomic<std::uint32_t> wait = 1;
  struct Say {
    PortWorld& w;
    ~Say() { w.say("unwound"); }
  };
  w.m([&] {
    Say say{w};
    port::exitThread(&wait);
  });
  CHECK(w.run() == "unwound");
  CHECK(wait == 0);
  CHECK(w.scheduler.mcount() == 1);

  PortWorld strict(Port::strict());
  strict.on_g([] { CHECK_THROWS_AS(port::exitThread(nullptr), port::Trap); });
}

void check_osyield() {
  PortWorld w;
  w.go("a", [&] {
    w.say("a1");
    port::osyield();
    w.say("a2");
  });
  w.go("b", [&] { w.say("b"); });
  CHECK(w.run() == "a1 b a2");
  CHECK_THROWS_AS(port::osyield(), port::Throw);  // Nobody to yield: outside of run().

  PortWorld strict(Port::strict());
  strict.on_g([] { CHECK_THROWS_AS(port::osyield(), port::Trap); });
}

// The G stays the current one of its M while the others run.
void check_osyield_no_g() {
  PortWorld w;
  w.go("a", [&] {
    w.say("a1");
    G& g = this_g();
    w.m([&] {
      CHECK(g.state() == GState::running);
      w.say("m");
    });
    port::osyield_no_g();
    w.say("a2");
  });
  CHECK(w.run() == "a1 m a2");

  PortWorld strict(Port::strict());
  strict.on_g([] { CHECK_THROWS_AS(port::osyield_no_g(), port::Trap); });
}

void check_usleep_no_g() {
  PortWorld w;
  G& g = w.go("a", [&] {
    port::usleep_no_g(1000);
    w.say("slept");
  });
  w.go("b", [&] {
    CHECK(g.state() == GState::running);
    CHECK(g.stack->m->state == MState::sleeping);
    w.say("b");
  });
  CHECK(w.run() == "b slept");
  CHECK(w.clock.now() == Instant{} + milliseconds(1));

  Port::Config config = Port::strict();
  Duration slept;
  config.host_sleep = [&](Duration d) { slept = d; };
  PortWorld strict(config);
  strict.on_g([] { port::usleep_no_g(7); });
  CHECK(slept == microseconds(7));
}

void check_mpreinit() {
  PortWorld w;
  M& m = w.m([] {});
  auto* gsignal = static_cast<port::Gsignal*>(m.gsignal);
  REQUIRE(gsignal != nullptr);
  CHECK(port::kGsignalBytes == 32 * 1024);
  CHECK(gsignal->stack != nullptr);
  CHECK(gsignal->m == &m);
  w.run();
}

void check_minit() {
  PortWorld w;
  port::minit();
  CHECK(w.scheduler.mcount() == 1);
}

void check_unminit() {
  PortWorld w;
  port::unminit();
  CHECK(w.scheduler.current_m().gsignal != nullptr);
}

void check_mdestroy() {
  PortWorld w;
  M& m = w.m([] {});
  port::mdestroy(&m);
  CHECK(m.gsignal != nullptr);
  w.run();
}

void check_crash() {
  CHECK_THROWS_AS(port::crash(), port::Trap);
}

void check_newosproc() {
  PortWorld w;
  w.m([&] { w.say("thread"); });
  CHECK(w.run() == "thread");

  PortWorld strict(Port::strict());
  CHECK_THROWS_WITH_AS(port::newosproc([](void*) {}, nullptr), "newosproc: not implemented",
                       port::Throw);
  CHECK(strict.scheduler.mcount() == 1);
}

void check_syscall_now() {
  PortWorld w;
  w.clock.advance(milliseconds(1500));
  CHECK(port::syscall_now().sec == 1);
  CHECK(port::syscall_now().nsec == 500'000'000);
}

void check_cputicks() {
  PortWorld w;
  w.clock.advance(nanoseconds(42));
  CHECK(port::cputicks() == 42);
}

void check_preempt_m() {
  for (const bool is_strict : {false, true}) {
    PortWorld w(is_strict ? Port::strict() : Port::emulated());
    w.go("a", [&] {
      port::preemptM(&w.scheduler.current_m());
      checkpoint();
      w.say("a");
    });
    w.go("b", [&] { w.say("b"); });
    CHECK(w.run() == (is_strict ? "a b" : "b a"));
  }
}

void check_getcallerfp() {
  CHECK(port::getcallerfp() == 0);
}

void check_set_process_cpu_profiler() {
  CHECK(std::is_same_v<decltype(&port::setProcessCPUProfiler), void (*)(std::int32_t)>);
  port::setProcessCPUProfiler(100);
}

void check_set_thread_cpu_profiler() {
  CHECK(std::is_same_v<decltype(&port::setThreadCPUProfiler), void (*)(std::int32_t)>);
  port::setThreadCPUProfiler(100);
}

void check_open() {
  CHECK_THROWS_WITH_AS(port::open("/etc/passwd", 0, 0), "not implemented", port::Panic);
}

void check_closefd() {
  CHECK_THROWS_WITH_AS(port::closefd(0), "not implemented", port::Panic);
}

void check_read() {
  char byte = 0;
  CHECK_THROWS_WITH_AS(port::read(0, &byte, 1), "not implemented", port::Panic);
}

}  // namespace

std::vector<test::PortRow> test::port_wasm_rows() {
  return {
      {"mOS", "type", &check_m_os},
      {"osinit", "function", &check_osinit},
      {"exitThread", "function", &check_exit_thread},
      {"osyield", "function", &check_osyield},
      {"osyield_no_g", "function", &check_osyield_no_g},
      {"mpreinit", "function", &check_mpreinit},
      {"usleep_no_g", "function", &check_usleep_no_g},
      {"minit", "function", &check_minit},
      {"unminit", "function", &check_unminit},
      {"mdestroy", "function", &check_mdestroy},
      {"crash", "function", &check_crash},
      {"newosproc", "function", &check_newosproc},
      {"syscall_now", "function", &check_syscall_now},
      {"cputicks", "function", &check_cputicks},
      {"preemptM", "function", &check_preempt_m},
      {"getcallerfp", "function", &check_getcallerfp},
      {"setProcessCPUProfiler", "function", &check_set_process_cpu_profiler},
      {"setThreadCPUProfiler", "function", &check_set_thread_cpu_profiler},
      {"open", "function", &check_open},
      {"closefd", "function", &check_closefd},
      {"read", "function", &check_read},
  };
}
