// SPDX-License-Identifier: Apache-2.0
// use_park: a completion token of Asio's that parks the G which starts the operation.
//
//   std::size_t n = asio::async_read(socket, asio::buffer(bytes), weft::use_park);
//   timer.async_wait(weft::use_park[error]);
//
//   a G: starts the operation ─▶ ParkedOperation, on its stack ─▶ park ···▶ goes on with the result
//                                handler, on g0 ─▶ results, ready() ─────────┘
//
// The result is what the operation's handler would get: nothing, a value, or a tuple of several. An
// error_code comes first in most: it is thrown as boost::system::system_error, or with
// use_park[error] stored there. asio::as_tuple and asio::redirect_error work on it as on other
// tokens.
//
// On a G only, a guest's in a host function among them, and with objects on the loop of its Runtime
// (Reactor::io()). A kill cancels the operation (cancellation_type::terminal), waits until Asio has
// let go of it and of its buffers, and leaves by the exception Killed. An operation that can't be
// cancelled, as a resolver's, is waited for.
//
// Allocates nothing itself: Asio's own memory for an operation of up to kOperationBytes lies on the
// G's stack.
//
// From: a G.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "os/agreement.h"
#include "scheduler/api.h"

namespace weft {

// The type of use_park.
struct use_park_t {
  boost::system::error_code* error = nullptr;  // nullptr: errors are thrown.

  // Errors go there, and nothing is thrown.
  constexpr use_park_t operator[](boost::system::error_code& to) const { return {&to}; }
};
// The token: the last argument of an asynchronous operation.
inline constexpr use_park_t use_park;

namespace detail {

// Room for one thing at a time that Asio keeps for an operation; else the heap.
class OperationMemory {
 public:
  static constexpr std::size_t kOperationBytes = 384;

  void* allocate(std::size_t bytes) {
    if (used_ || bytes > kOperationBytes) return ::operator new(bytes);
    used_ = true;
    return bytes_;
  }
  void deallocate(void* at) noexcept {
    if (at == static_cast<void*>(bytes_)) {
      used_ = false;
    } else {
      ::operator delete(at);
    }
  }

 private:
  alignas(std::max_align_t) std::byte bytes_[kOperationBytes];
  bool used_ = false;
};

template <class T>
struct OperationAllocator {
  using value_type = T;

  explicit OperationAllocator(OperationMemory& of) : memory(&of) {}
  template <class U>
  explicit OperationAllocator(const OperationAllocator<U>& other) : memory(other.memory) {}

  T* allocate(std::size_t n) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    return static_cast<T*>(memory->allocate(n * sizeof(T)));
  }
  void deallocate(T* at, std::size_t) noexcept { memory->deallocate(at); }
  template <class U>
  bool operator==(const OperationAllocator<U>& other) const {
    return memory == other.memory;
  }

  OperationMemory* memory;
};

// What an operation gives its G: what its handler gets, without the error.
template <class... Args>
struct ParkedResult {
  static constexpr std::size_t kFirst = [] {
    if constexpr (sizeof...(Args) > 0) {
      using First = std::tuple_element_t<0, std::tuple<Args...>>;
      return std::is_same_v<First, boost::system::error_code> ? 1 : 0;
    }
    return 0;
  }();

  static auto of(std::tuple<Args...>&& results) {
    return values(std::move(results), std::make_index_sequence<sizeof...(Args) - kFirst>{});
  }
  template <std::size_t... i>
  static auto values([[maybe_unused]] std::tuple<Args...>&& results, std::index_sequence<i...>) {
    if constexpr (sizeof...(i) == 0) {
      return;
    } else if constexpr (sizeof...(i) == 1) {
      return std::get<kFirst>(std::move(results));
    } else {
      return std::tuple(std::get<kFirst + i>(std::move(results))...);
    }
  }
  using Type = decltype(of(std::declval<std::tuple<Args...>>()));
};

// One operation that a G waits for, on its stack. It stays there until its handler was called.
template <class... Args>
class ParkedOperation {
 public:
  struct Handler {
    using cancellation_slot_type = boost::asio::cancellation_slot;
    using allocator_type = OperationAllocator<std::byte>;

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
      return operation->cancel_.slot();
    }
    [[nodiscard]] allocator_type get_allocator() const noexcept {
      return OperationAllocator<std::byte>(operation->memory_);
    }
    void operator()(Args... args) { operation->complete(std::move(args)...); }

    ParkedOperation* operation;
  };

  ParkedOperation() : scheduler_(this_scheduler()), g_(this_g()) {}
  ParkedOperation(const ParkedOperation&) = delete;
  ParkedOperation& operator=(const ParkedOperation&) = delete;

  Handler handler() { return {this}; }

  // On its G, once.
  typename ParkedResult<Args...>::Type wait(use_park_t token) {
    scheduler_.hold();  // Somebody outside will ready it.
    try {
      while (!results_) scheduler_.park(WaitReason::io_wait);
    } catch (const Killed&) {
      let_go();
      scheduler_.release_hold();
      throw;
    }
    scheduler_.release_hold();
    return take(token);
  }

 private:
  void complete(Args&&... args) {
    results_.emplace(std::move(args)...);
    if (g_.is_waiting()) scheduler_.ready(g_);
  }

  // Until Asio no longer has the operation, however often the G is killed meanwhile.
  void let_go() {
    cancel_.emit(boost::asio::cancellation_type::terminal);
    while (!results_) {
      try {
        scheduler_.park(WaitReason::io_wait);
      } catch (const Killed&) {  // It will be thrown once it is over.
      }
    }
  }

  using Result = ParkedResult<Args...>;

  typename Result::Type take(use_park_t token) {
    if constexpr (Result::kFirst == 1) {
      const boost::system::error_code error = std::get<0>(*results_);
      if (token.error != nullptr) {
        *token.error = error;
      } else if (error) {
        throw boost::system::system_error(error);
      }
    }
    return Result::of(std::move(*results_));
  }

  Scheduler& scheduler_;
  G& g_;
  boost::asio::cancellation_signal cancel_;
  OperationMemory memory_;
  std::optional<std::tuple<Args...>> results_;
};

}  // namespace detail
}  // namespace weft

template <class R, class... Args>
class boost::asio::async_result<weft::use_park_t, R(Args...)> {
 public:
  using return_type = typename weft::detail::ParkedResult<std::decay_t<Args>...>::Type;

  template <class Initiation, class... InitArgs>
  static return_type initiate(Initiation&& initiation, weft::use_park_t token, InitArgs&&... args) {
    weft::detail::ParkedOperation<std::decay_t<Args>...> operation;
    std::forward<Initiation>(initiation)(operation.handler(), std::forward<InitArgs>(args)...);
    return operation.wait(token);
  }
};
