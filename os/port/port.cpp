// SPDX-License-Identifier: Apache-2.0
#include "os/port/port.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "base/unwinding.h"
#include "base/unwritten.h"
#include "os/port/failure.h"
#if !WEFT_UNWINDS
#include "scheduler/no_unwinding.h"
#endif

namespace weft {
namespace {

// The ports made on this thread, newest first. A thread has one, or few.
thread_local constinit Port* ports_of_thread = nullptr;

#if WEFT_UNWINDS
std::exception_ptr make_failure(port::Throw failure) {
  return std::make_exception_ptr(std::move(failure));
}
#endif

}  // namespace

namespace port {

std::optional<uintptr32> Window::address(const void* p, std::uint64_t length) const {
  const auto at = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(p) -
                                             reinterpret_cast<std::uintptr_t>(base));
  if (length > bytes || at > bytes - length || at > UINT32_MAX) return std::nullopt;
  return static_cast<uintptr32>(at);
}

}  // namespace port

Port::Port(Scheduler& scheduler, wasip1::Process& process, Config config)
    : scheduler_(scheduler),
      process_(process),
      config_(std::move(config)),
      next_of_thread_(ports_of_thread) {
  std::span<std::byte> window = config_.window;
  if (window.empty()) {
    own_memory_ = std::make_unique<std::byte[]>(port::kPhysPageSize);
    window = {own_memory_.get(), port::kPhysPageSize};
  }
  window_ = {window.data(), std::min<std::uint64_t>(window.size(), std::uint64_t{1} << 32)};
  ports_of_thread = this;
  scheduler_.for_each_m([this](M& m) {
    mpreinit(m);
    minit(m);
  });
  scheduler_.set_hooks(this);
}

Port::~Port() {
  scheduler_.wind_up();
  scheduler_.set_hooks(nullptr);
  for (const auto& gsignal : gsignals_) gsignal->m->gsignal = nullptr;  // I1
  Port** link = &ports_of_thread;
  while (*link != nullptr && *link != this) link = &(*link)->next_of_thread_;
  WEFT_CHECK(*link == this, "a port died on another thread than it was made on");
  *link = next_of_thread_;
}

Port& this_port() {
  for (Port* port = ports_of_thread; port != nullptr; port = port->next_of_thread_) {
    if (scheduler_of_thread == nullptr || &port->scheduler_ == scheduler_of_thread) return *port;
  }
  port::throw_("no port on this thread");
}

void Port::host_sleep(Duration d) const {
  if (config_.host_sleep) return config_.host_sleep(d);
  timespec left{.tv_sec = static_cast<time_t>(d.ns / 1'000'000'000),
                .tv_nsec = static_cast<long>(d.ns % 1'000'000'000)};
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

void Port::answer(std::string_view import, std::optional<port::errno_> e) {
  std::erase_if(answers_, [&](const auto& row) { return row.first == import; });
  if (e) answers_.emplace_back(import, *e);
}

std::optional<port::errno_> Port::answer_for(std::string_view import) const {
  for (const auto& [name, e] : answers_) {
    if (name == import) return e;
  }
  return std::nullopt;
}

std::string Port::lacking() const {
  std::string text;
  for (std::size_t i = 0; i < port::kLackingCalls; ++i) {
    const std::uint64_t times = lacking_[i].load(std::memory_order_relaxed);
    if (times == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::string(port::kLackingNames[i]) + " " + std::to_string(times);
  }
  return text;
}

port::FutexBucket& Port::futex_bucket(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address) >> 2;
  return futexes_[(bits ^ (bits >> 8)) % port::kFutexBuckets];
}

port::Gsignal& Port::gsignal_of(M& m) {
  if (m.gsignal == nullptr) {
    auto gsignal = std::make_unique<port::Gsignal>();
    gsignal->m = &m;
    gsignal->port = this;
    // Not written: costs address space only.
    gsignal->stack = make_unwritten<std::byte>(port::kGsignalBytes);
    m.gsignal = gsignals_.emplace_back(std::move(gsignal)).get();  // I1
  }
  return *static_cast<port::Gsignal*>(m.gsignal);
}

// --- MHooks ---

// What Go's mpreinit does: it gives the M a signal stack.
void Port::mpreinit(M& m) {
  (void)gsignal_of(m);
}

// Empty in Go's wasm port, and here.
void Port::minit(M&) {}

// An M that ends with a lock leaves one that can never be unlocked: the run ends, in Go's words.
void Port::unminit(M& m) {
  if (m.locks != 0 && !m.leaving) {
    scheduler_.fail(make_failure(port::Throw("schedule: holding locks")), 0);
  }
}

// Empty in Go's wasm port, and here.
void Port::mdestroy(M&) {}

void Port::newosproc(M&) {
  count(port::Lacking::newosproc);
  if (is_strict()) port::throw_("newosproc: not implemented");
}

// --- where calls come from ---

namespace port {

Place place(const Port& port) {
  const Scheduler& scheduler = port.scheduler();
  if (scheduler_of_thread != &scheduler) return Place::outside;
  if (scheduler.current() != nullptr) return Place::g;
  return scheduler.current_m().start != nullptr ? Place::thread : Place::outside;
}

void require_inside(const Port& port, const char* call) {
  if (place(port) == Place::outside) {
    throw Throw(std::string(call) + ": called outside of a G and of a thread");
  }
}

void sleep_with_g(const Port& port, const char* call, std::uint32_t usec) {
  require_inside(port, call);
  Scheduler& scheduler = port.scheduler();
  if (usec == 0) return scheduler.yield_m();
  (void)scheduler.sleep_m(call, scheduler.now() + microseconds(usec));
}

}  // namespace port
}  // namespace weft
