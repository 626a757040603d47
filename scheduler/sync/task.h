// SPDX-License-Identifier: Apache-2.0
// task<T>: a G with a result, and the handle that waits for it.
//
//   weft::task<int> sum = weft::spawn([=] { return add_up(part); });
//   ...
//   total += sum.join();
//
// What becomes of an exception that leaves the function:
//   join()                           throws it, on the G that joins
//   the handle is gone already       a panic: it ends run(), as one that leaves any other G
//   the handle goes without a join   a panic then; dropped when no scheduler runs any more
// So no exception is lost while the program runs, and none ends the program while a join() may
// still take it.
//
// The G and the handle share a block of memory; the last of the two gives it back. spawn() takes a
// block that was given back on this thread before it allocates.
// join() of a task that has ended switches nothing.
//
// From: a G, unless it says otherwise.
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/inline.h"
#include "base/recycled.h"
#include "base/unwinding.h"
#include "scheduler/sync/panic.h"
#include "scheduler/sync/wait_list.h"

namespace weft {

// What join() throws when the task was killed, or ended itself by goexit(): it has no result.
struct TaskKilled : std::runtime_error {
  TaskKilled() : std::runtime_error("the task was killed") {}
};

namespace detail {

// What a task's G and its handle share, without the result.
struct TaskState {
  std::uint64_t g_id = 0;
  G* g = nullptr;  // nullptr when the function has ended.
  bool has_handle = true;
  bool has_body = true;  // The G's function has not been destroyed.
  bool killed = false;
  std::exception_ptr exception;  // Left the function, and was not taken yet.
  WaitList<Waiter> joiners;

  // The function has ended.
  void end() {
    g = nullptr;
    while (Waiter* joiner = pop_waiting(joiners)) ready(joiner->g());
  }

  WEFT_INLINE void wait() {
    while (g != nullptr) {
      Waiter joiner(this_g());
      joiners.push_back(joiner);
      park(WaitReason::join);
    }
    if (exception != nullptr) std::rethrow_exception(std::exchange(exception, nullptr));
    if (killed) throw TaskKilled();
  }

  // An exception that can't be taken any more is a panic.
  void fail_if_untaken() {
    if (exception == nullptr || scheduler_of_thread == nullptr) return;
    scheduler_of_thread->fail(std::exchange(exception, nullptr), g_id);
  }
};

// How a handle holds a task, and the G's function does: the last of the two deletes it.
struct DropHandle {
  template <class State>
  void operator()(State* state) const {
    state->has_handle = false;
    state->fail_if_untaken();
    if (!state->has_body) delete state;
  }
};
struct DropBody {
  template <class State>
  void operator()(State* state) const {
    state->has_body = false;
    if (!state->has_handle) delete state;
  }
};

struct NoResult {};

template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, NoResult, T>;

template <class T>
struct TaskStateOf;

// What malloc does not align as it must is left to operator new.
template <class T>
using Allocation = std::conditional_t<alignof(Stored<T>) <= alignof(std::max_align_t),
                                      Recycled<TaskStateOf<T>>, NoResult>;

template <class T>
struct TaskStateOf : TaskState, Allocation<T> {
  std::optional<Stored<T>> result;

  template <class F>
  void run(F& function) {
    struct End {
      TaskState& state;
      ~End() { state.end(); }
    } at_end{*this};
    try {
      if constexpr (std::is_void_v<T>) {
        function();
        result.emplace();
      } else {
        result.emplace(function());
      }
    } catch (const Killed&) {
      killed = true;
      throw;
    } catch (...) {
      if (!has_handle) throw;
      exception = std::current_exception();
    }
  }
};

}  // namespace detail

// The handle of a task. Movable; without one the G runs on by itself.
template <class T>
class task {
 public:
  task() = default;
  // The handle goes over; what is assigned to lets its own go, as detach() does.
  task(task&&) noexcept = default;
  task& operator=(task&&) noexcept = default;

  // Waits until the function has ended and returns its result, once. Throws what left the function,
  // or TaskKilled. On a G only.
  WEFT_INLINE T join() {
    WEFT_CHECK(state_ != nullptr, "a task was joined that was not spawned, or twice");
    const auto state = std::move(state_);
    state->wait();
    if constexpr (!std::is_void_v<T>) return std::move(*state->result);
  }

  // Gives up the handle: the G runs on. An exception that has left its function already is a panic
  // now.
  void detach() { state_.reset(); }

  // Ends the G as Scheduler::kill does; does nothing when it has ended.
  WEFT_NEEDS_UNWINDING void kill() {
    if (state_ != nullptr && state_->g != nullptr) this_scheduler().kill(*state_->g);
  }

  // Whether join() may be called.
  [[nodiscard]] bool joinable() const { return state_ != nullptr; }
  // Whether the function has ended: then join() does not wait.
  [[nodiscard]] bool done() const { return state_ != nullptr && state_->g == nullptr; }

  // The id of its G, as reports show it; 0 without one.
  [[nodiscard]] std::uint64_t id() const { return state_ != nullptr ? state_->g_id : 0; }

 private:
  using State = std::unique_ptr<detail::TaskStateOf<T>, detail::DropHandle>;
  template <std::invocable F>
  friend task<std::invoke_result_t<std::decay_t<F>&>> spawn(F&& f, const SpawnOptions& options);
  explicit task(State state) : state_(std::move(state)) {}

  State state_;
};

// Starts a G that calls f() and returns the handle to its result. Also callable on g0. Throws
// std::bad_alloc when there is no memory for its stack.
template <std::invocable F>
task<std::invoke_result_t<std::decay_t<F>&>> spawn(F&& f, const SpawnOptions& options = {}) {
  using T = std::invoke_result_t<std::decay_t<F>&>;
  using State = detail::TaskStateOf<T>;
  // Killed before it ran, the G only destroys its function: the guard ends the task then.
  struct Body {
    std::unique_ptr<State, detail::DropBody> state;
    std::decay_t<F> function;
    bool ran = false;
    Body(State* s, F&& f) : state(s), function(std::forward<F>(f)) {}
    Body(Body&&) noexcept = default;
    ~Body() {
      if (state == nullptr || ran) return;
      state->killed = true;
      state->end();
    }
    void operator()() {
      ran = true;
      state->run(function);
    }
  };
  std::unique_ptr<State, detail::DropHandle> handle(new State);
  Result<G*> g = go(Body(handle.get(), std::forward<F>(f)), options);
  if (!g) throw std::bad_alloc();
  handle->g = *g;
  handle->g_id = (*g)->id;
  return task<T>(std::move(handle));
}

}  // namespace weft
