// SPDX-License-Identifier: Apache-2.0
// single_flight: of several Gs that ask for the same thing at the same time, one does the work and
// all get the result; as Go's golang.org/x/sync/singleflight.
//
//   weft::single_flight<std::string, Page> pages;
//   Page page = pages.run(url, [&] { return fetch(url); }).value;
//
// Nothing is remembered: a call that comes after the work has ended starts it again. If the
// function leaves by an exception, all waiting callers get that exception; if its G is killed, they
// get TaskKilled.
//
// A call that does the work allocates its entry, one that joins it nothing. T must copy, as each
// caller gets its own.
//
// From: a G.
#pragma once

#include <concepts>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "scheduler/sync/task.h"

namespace weft {

// Work by keys: for each key at most one call is under way.
template <class Key, std::copy_constructible T>
class single_flight {
 public:
  // What a call gave.
  struct Outcome {
    T value;      // The result, or a copy of it.
    bool shared;  // More than one caller got it.
  };

  single_flight() = default;
  single_flight(const single_flight&) = delete;
  single_flight& operator=(const single_flight&) = delete;

  // Calls f() if no call for this key is under way; else waits for that call. On a G only.
  template <std::invocable F>
  Outcome run(const Key& key, F&& f) {
    if (const auto found = flights_.find(key); found != flights_.end()) {
      const std::shared_ptr<Flight> flight = found->second;
      flight->shared = true;
      flight->work.wait_for_end();
      return {*flight->result, true};
    }
    const auto flight = std::make_shared<Flight>();
    flights_.emplace(key, flight);
    struct Land {
      single_flight& group;
      const Key& key;
      Flight& flight;
      ~Land() {
        group.forget(key, &flight);
        flight.work.end();
      }
    } land{*this, key, *flight};
    flight->work.call([&] { flight->result.emplace(f()); });
    return {*flight->result, flight->shared};
  }

  // The next call for this key starts the work again, even while one is under way.
  void forget(const Key& key) { flights_.erase(key); }

 private:
  // The work under way: one G calls it, the others wait for it.
  struct Work {
    bool killed = false;
    std::exception_ptr exception;
    WaitList<Waiter> waiters;

    template <class F>
    void call(F&& f) {
      try {
        f();
      } catch (const Killed&) {
        killed = true;
        throw;
      } catch (...) {
        exception = std::current_exception();
        throw;
      }
    }
    void end() {
      while (Waiter* waiter = pop_waiting(waiters)) ready(waiter->g());
    }
    void wait_for_end() {
      Waiter waiter(this_g());
      waiters.push_back(waiter);
      park(WaitReason::join);
      if (exception != nullptr) std::rethrow_exception(exception);
      if (killed) throw TaskKilled();
    }
  };
  struct Flight {
    Work work;
    std::optional<T> result;
    bool shared = false;
  };

  void forget(const Key& key, const Flight* flight) {
    const auto found = flights_.find(key);
    if (found != flights_.end() && found->second.get() == flight) flights_.erase(found);
  }

  std::map<Key, std::shared_ptr<Flight>> flights_;
};

}  // namespace weft
