// SPDX-License-Identifier: Apache-2.0
// Host functions: what an embedder gives guests to import, beside WASI.
//
//   runtime.define("env", "add", [](std::int32_t a, std::int32_t b) { return a + b; });
//   runtime.define("env", "wait", [](weft::Caller& caller, std::uint32_t ms) {
//     weft::sleep_for(weft::milliseconds(ms));   // Parks this guest; the others run.
//   });
//
//   guest ─ import ─▶ engine ─▶ Import::call ─┬─ a function of WASI (os/wasip1/functions.h)
//                                             └─ HostFunction::call ─▶ the embedder's callable
//
// A host function runs on the guest's G, and its call is a safe point. So it may do whatever native
// code on a G may: sleep, use channels, wait for Asio's operations, spawn guests; while it waits
// the other guests run. A kill, or the guest's deadline, ends such a wait with the exception
// Killed, which must pass. It has 48 KiB of stack for certain.
//
// An exception that leaves it ends the guest with a trap host_function, and its text: Caller::trap,
// an error in a Result that it returned, any std::exception. The other guests and the host go on.
//
// From: the thread of the Runtime; a Caller's functions from the G that called, in the host
// function.
#pragma once

#include <any>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "guest/engine.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/memory.h"

namespace weft {

class Guest;

// Thrown in a host function, it ends the guest that called it.
struct HostTrap {
  std::string message;  // Why, for the guest's report.
};

// Who called a host function. Good until that returns; what it gives of the guest's memory too, as
// the guest does not run meanwhile. On the guest's G.
class Caller {
 public:
  // For engines: a host function is given one.
  explicit Caller(wasip1::Memory memory) : memory_(memory) {}

  // [at, at + length) of its memory. Those that take addresses end the guest with a trap
  // host_function when a byte lies outside.
  [[nodiscard]] std::span<std::byte> bytes(std::uint32_t at, std::uint32_t length) const {
    std::span<std::byte> out;
    within(memory_.bytes(at, length, out));
    return out;
  }
  // The same as text. What the characters are is not checked.
  [[nodiscard]] std::string_view text(std::uint32_t at, std::uint32_t length) const {
    std::string_view out;
    within(memory_.text(at, length, out));
    return out;
  }
  // A number at that address; it need not be aligned.
  template <class T>
  [[nodiscard]] T load(std::uint32_t at) const {
    T value{};
    within(memory_.load(at, value));
    return value;
  }
  // Writes one there.
  template <class T>
  void store(std::uint32_t at, const T& value) const {
    within(memory_.store(at, value));
  }
  // The memory itself. Its functions answer EFAULT where those above trap.
  [[nodiscard]] wasip1::Memory memory() const { return memory_; }

  // Ends the guest with a trap host_function and this text.
  [[noreturn]] void trap(std::string message) const { throw HostTrap{std::move(message)}; }
  // Ends the guest as its proc_exit would.
  [[noreturn]] void exit(std::uint32_t code) const { throw wasip1::Exit{code}; }

  // The guest that called.
  [[nodiscard]] Guest& guest() const;
  // GuestOptions::data of that guest, if it is a T; else nullptr.
  template <class T>
  [[nodiscard]] T* data() const {
    return std::any_cast<T>(&any_data());
  }

 private:
  [[nodiscard]] std::any& any_data() const;
  static void within(wasip1::Errno error) {
    if (error != wasip1::Errno::success) {
      throw HostTrap{"it was given an address outside of the guest's memory"};
    }
  }

  wasip1::Memory memory_;
};

// A host function without the types of C++: for callables whose type is known only when the
// program runs. make_host_function() makes one of any callable.
struct HostFunction {
  std::string module;   // What guests import it from.
  std::string name;     // And by which name.
  std::string params;   // A letter for each: i I f F = i32 i64 f32 f64. At most kParamsMax.
  std::string results;  // The same; at most one.
  // Values are bits, in the low ones where there are 32.
  std::function<std::uint64_t(Caller& caller, const std::uint64_t* args)> call;

  // How many parameters there may be.
  static constexpr std::size_t kParamsMax = 16;
};

namespace detail {

template <class T>
concept GuestValue = std::same_as<T, std::int32_t> || std::same_as<T, std::uint32_t> ||
                     std::same_as<T, std::int64_t> || std::same_as<T, std::uint64_t> ||
                     std::same_as<T, float> || std::same_as<T, double>;

template <GuestValue T>
constexpr char letter_of() {
  if (std::is_floating_point_v<T>) return sizeof(T) == 4 ? 'f' : 'F';
  return sizeof(T) == 4 ? 'i' : 'I';
}

template <GuestValue T>
T from_bits(std::uint64_t bits) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<T>(static_cast<Bits>(bits));
}

template <GuestValue T>
std::uint64_t to_bits(T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Bits>(value);
}

template <class T>
struct ResultOf {
  static constexpr bool kMayFail = false;
  using Value = T;
};
template <class T>
struct ResultOf<Result<T>> {
  static constexpr bool kMayFail = true;
  using Value = T;
};

template <class R, class... Args>
struct HostCallable {
  using Value = typename ResultOf<R>::Value;
  static constexpr bool kReturns = !std::is_void_v<Value> && !std::is_same_v<Value, Nothing>;
  static_assert((GuestValue<Args> && ...),
                "a host function takes 32 and 64 bit integers, float and double");
  static_assert(sizeof...(Args) <= HostFunction::kParamsMax, "a host function takes 16 at most");

  static void describe(HostFunction& function) {
    function.params = std::string{letter_of<Args>()...};
    if constexpr (kReturns) function.results = std::string{letter_of<Value>()};
  }

  // Calls f(values...), which is the callable with its Caller bound.
  template <class F>
  static std::uint64_t call(F&& f, [[maybe_unused]] const std::uint64_t* args) {
    const auto with = [&]<std::size_t... i>(std::index_sequence<i...>) -> R {
      return f(from_bits<Args>(args[i])...);
    };
    const auto in_order = std::index_sequence_for<Args...>{};
    if constexpr (std::is_void_v<R>) {
      with(in_order);
      return 0;
    } else if constexpr (ResultOf<R>::kMayFail) {
      R result = with(in_order);
      if (!result) throw HostTrap{result.error().message};
      if constexpr (kReturns) return to_bits<Value>(*result);
      return 0;
    } else {
      return to_bits<Value>(with(in_order));
    }
  }
};

template <class R, class... Args>
HostFunction host_function(std::function<R(Caller&, Args...)> f) {
  using Typed = HostCallable<R, Args...>;
  HostFunction made;
  Typed::describe(made);
  made.call = [f = std::move(f)](Caller& caller, const std::uint64_t* args) {
    return Typed::call([&](Args... values) -> R { return f(caller, values...); }, args);
  };
  return made;
}

template <class R, class... Args>
HostFunction host_function(std::function<R(Args...)> f) {
  using Typed = HostCallable<R, Args...>;
  HostFunction made;
  Typed::describe(made);
  made.call = [f = std::move(f)](Caller&, const std::uint64_t* args) {
    return Typed::call(f, args);
  };
  return made;
}

}  // namespace detail

// A host function of a copyable callable. It takes any of int32_t, uint32_t, int64_t, uint64_t,
// float and double, and before them a Caller& if it wants one; it returns one of those or nothing,
// or a Result of such. Both signs are the guest's i32 and i64.
template <class F>
HostFunction make_host_function(std::string module, std::string name, F&& f) {
  HostFunction made = detail::host_function(std::function{std::forward<F>(f)});
  made.module = std::move(module);
  made.name = std::move(name);
  return made;
}

// All that an embedder has defined.
class HostFunctions {
 public:
  // In the place of an earlier one of these names, for modules that are loaded from now on.
  void define(HostFunction function);
  // nullptr: there is none.
  [[nodiscard]] std::shared_ptr<const HostFunction> find(std::string_view module,
                                                         std::string_view name) const;

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const HostFunction>, std::less<>>
      functions_;
};

// What is behind an import: a function of WASI or of the embedder's.
class Import {
 public:
  // Of WASI, and of the embedder's.
  explicit Import(const wasip1::Function& function) : wasi_(&function) {}
  explicit Import(std::shared_ptr<const HostFunction> function) : host_(std::move(function)) {}

  // Its type: a letter for each value, as in HostFunction.
  [[nodiscard]] std::string_view params() const {
    return wasi_ != nullptr ? wasi_->params : std::string_view(host_->params);
  }
  // The same of what it returns.
  [[nodiscard]] std::string_view results() const {
    if (wasi_ == nullptr) return host_->results;
    return wasi_->returns_errno ? "i" : "";
  }
  // nullptr: the embedder's.
  [[nodiscard]] const wasip1::Function* wasi() const { return wasi_; }
  // May this call, which was just made, have held the thread while a disk worked?
  [[nodiscard]] bool waited_for_disk(wasip1::Process& process, const std::uint64_t* args) const {
    return wasi_ != nullptr && wasip1::waited_for_disk(*wasi_, process, args);
  }

  // On the guest's G. Throws what functions of WASI throw, and HostTrap.
  std::uint64_t call(wasip1::Process& process, wasip1::Memory memory,
                     const std::uint64_t* args) const {
    return wasi_ != nullptr ? wasi_->call(process, memory, args) : call_host(memory, args);
  }

 private:
  std::uint64_t call_host(wasip1::Memory memory, const std::uint64_t* args) const;

  const wasip1::Function* wasi_ = nullptr;
  std::shared_ptr<const HostFunction> host_;
};

}  // namespace weft
