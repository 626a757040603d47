// SPDX-License-Identifier: Apache-2.0
// The reactor: the scheduler's Poller on Boost.Asio, and the way a G waits for a file descriptor.
//
//   a G                      Watch                      io_context     the loop (g0)
//   ReadyWait(watch, dir) ─▶ list for dir ─ async_wait ─▶ epoll
//   park(...)                                             event ◀───── Reactor::poll(deadline)
//                            every ReadyWait of dir fires: fired() becomes true, its G is readied
//   ~ReadyWait  ◀──────────────────────────────────────── the G runs when its turn comes
//
// An Asio handler here only marks waits and readies Gs; no guest code runs inside one. Descriptors
// that epoll does not take (regular files, some devices) count as ready at once.
//
// The Reactor owns an io_context or uses the embedder's. In the latter case the embedder's handlers
// run on g0, when the loop polls; or it is the embedder who runs the io_context, the loop takes
// turns in it and never polls (os/turns.h).
//
// Invariants:
//   I1. waits_ counts the ReadyWaits that exist and have not fired.
//   I2. A Watch has at most one async_wait under way for each direction; it has one while that
//       direction's list is not empty.
//   I3. While the loop is kept, it is the scheduler's: wake() is watched and the io_context never
//       ends by itself. Else it is the embedder's, whose run() must be able to end: only ReadyWaits
//       count as work, and the wait for wake() while a listener is set.
//
// From: the scheduler's thread, on a G or not. wake() alone: anywhere, also in signal handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/list.h"
#include "base/result.h"
#include "os/agreement.h"
#include "scheduler/poller.h"

// Only a name of Asio: its headers take seconds to compile.
namespace boost::asio {
class io_context;
}

namespace weft {

struct G;
class Reactor;
class Scheduler;

// What a G waits for: that there is something to read, or room to write.
enum class Direction : std::uint8_t { read, write };

struct ReadyListTag {};

// One wait of one G for one direction of one Watch. Lives on the G's stack while the G is parked:
// destroying it takes the wait back. May outlive neither the Watch nor the park it was made for.
class ReadyWait : public ListLink<ReadyListTag> {
 public:
  // Starts to wait on behalf of g: when the descriptor is ready, has hung up or failed, fired()
  // becomes true and g, if it is parked, is readied.
  ReadyWait(class Watch& watch, Direction direction, G& g);
  ~ReadyWait();
  ReadyWait(const ReadyWait&) = delete;
  ReadyWait& operator=(const ReadyWait&) = delete;

  // Whether it has happened.
  [[nodiscard]] bool fired() const { return !linked(); }

 private:
  friend class Watch;
  Reactor& reactor_;
  Scheduler& scheduler_;
  G& g_;
};

// A descriptor registered with the reactor. Must not outlive the Reactor.
//
// Asio makes what it waits for non-blocking, and that holds for the open file description, which
// other processes may share (a terminal). For those watch a private epoll descriptor that holds it,
// as os/wasip1/host_file.cpp does.
class Watch {
 public:
  // Keeps its own duplicate, so that several may watch the same descriptor and closing the original
  // is safe. Fails when the system has no descriptor left.
  static Result<std::unique_ptr<Watch>> open(Reactor& reactor, int fd);
  // Keeps none: fd must be open as long as the watch is, which is the only one that it has.
  static Result<std::unique_ptr<Watch>> open_itself(Reactor& reactor, int fd);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  friend class ReadyWait;
  struct State;

  Watch(std::shared_ptr<State> state, bool owns) : state_(std::move(state)), owns_(owns) {}
  static void arm(const std::shared_ptr<State>& state, Direction direction);
  static void fire(State& state, Direction direction);

  std::shared_ptr<State> state_;
  bool owns_;  // Its descriptor.
};

// The events of descriptors and timers, from a loop of Asio's.
class Reactor final : public Poller {
 public:
  // With its own io_context.
  Reactor();
  // On the embedder's, which must outlive the Reactor.
  explicit Reactor(boost::asio::io_context& io);
  ~Reactor() override;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // What the scheduler asks of its Poller: scheduler/poller.h.
  void poll(Instant deadline) override;
  [[nodiscard]] std::size_t waits() const override { return waits_; }
  void wake() noexcept override;
  [[nodiscard]] bool is_quiet() const override;

  // The loop: make sockets and timers of Asio's on it.
  [[nodiscard]] boost::asio::io_context& io();

  // Others have handlers on its own loop, too (control/control_server.h): the loop then looks for
  // their events also while no G waits. How many more, or fewer, there are.
  void others_listen(int change) { others_ += change; }

  // Whether the loop is kept, for poll(), as it is at first. Only an embedder's can be let go.
  void keep_loop(bool keep);

  // While the loop is not kept: f(context) is called, as a handler, after each wake(). nullptr: no
  // longer.
  void listen(void (*f)(void* context), void* context);

 private:
  friend class ReadyWait;
  friend class Watch;
  void watch_wakes();
  void watch_wakes_if_needed();
  void handle_ready_events(std::size_t handled);

  struct Loop;
  explicit Reactor(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
  std::shared_ptr<void> wakes_wait_;  // Of the wait for wake() under way; nullptr: none.
  void (*listener_)(void* context) = nullptr;
  void* listener_context_ = nullptr;
  std::size_t waits_ = 0;
  int others_ = 0;
};

}  // namespace weft
