// SPDX-License-Identifier: Apache-2.0
// context: a deadline, a cancellation and values that travel down a tree of calls, as Go's context
// package.
//
//   auto [ctx, cancel] = weft::with_timeout(weft::background(), weft::seconds(2));
//   weft::select(weft::on_recv(reply), weft::on_recv(ctx.done()));
//   if (ctx.cancelled()) return ctx.why();               // "context deadline exceeded"
//
//   background ◀── with_cancel ◀── with_timeout ◀── with_value       each keeps its parent alive
//                       │  cancel: children are cancelled too, in the order in which they were made
//                       └──────────────▶ done() is closed: every G that waits for it goes on,
//                                        and each function of after_func gets a G
//
// A context is a handle: copies mean the same context. When the last handle to a child goes, the
// child leaves its parent, and its timer goes too: nothing leaks when cancel is not called. A
// context with a deadline must not outlive the scheduler it was made on.
//
// Each with_... allocates its context once, and done() its channel when it is first asked for.
// Everything here may also be called on g0.
//
// From: the scheduler's thread, on a G or on g0.
#pragma once

#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "scheduler/sync/chan.h"

namespace weft {

// Why a context is cancelled.
enum class ContextEnd : std::uint8_t { none, canceled, deadline_exceeded };

// Go's text of it; "" while it is not cancelled.
constexpr const char* name(ContextEnd end) {
  constexpr const char* names[] = {"", "context canceled", "context deadline exceeded"};
  return names[static_cast<std::size_t>(end)];
}

// Names a value of type T that contexts carry: a global, told from others by its address.
template <class T>
struct ContextKey {
  ContextKey() = default;
  ContextKey(const ContextKey&) = delete;
  ContextKey& operator=(const ContextKey&) = delete;
};

class ContextNode;
class AfterFunc;
class StopFunction;

// A context: a handle, to copy freely.
class context {
 public:
  // The same as background().
  context() = default;

  // A channel that is closed when this is cancelled. nil, and so never ready, when that cannot be.
  [[nodiscard]] chan<Nothing> done() const;

  // Whether, and why, it is cancelled.
  [[nodiscard]] bool cancelled() const { return end() != ContextEnd::none; }
  [[nodiscard]] ContextEnd end() const;
  // Go's text: "context canceled", "context deadline exceeded", or "" while it is not cancelled.
  [[nodiscard]] const char* why() const { return name(end()); }
  // What was given to cancel, here or in the parent that was cancelled; else as why().
  [[nodiscard]] std::string cause() const;

  // The earliest deadline here and above.
  [[nodiscard]] std::optional<Instant> deadline() const;

  // The value that the nearest with_value here or above gave for this key, or nullptr.
  template <class T>
  [[nodiscard]] const T* value(const ContextKey<T>& key) const {
    return std::any_cast<T>(find(&key));
  }

 private:
  friend class ContextNode;
  friend StopFunction after_func(const context& ctx, std::function<void()> f);
  explicit context(std::shared_ptr<ContextNode> node) : node_(std::move(node)) {}
  [[nodiscard]] const std::any* find(const void* key) const;

  std::shared_ptr<ContextNode> node_;
};

// Cancels the context it came with; does nothing the second time. Copies do the same.
class CancelFunction {
 public:
  // Cancels it now. `cause` is what context::cause() tells; empty: as why().
  void operator()(const std::string& cause = {}) const;

 private:
  friend class ContextNode;
  explicit CancelFunction(std::shared_ptr<ContextNode> node) : node_(std::move(node)) {}
  std::shared_ptr<ContextNode> node_;
};

// Takes an after_func back. May go itself: the function stays.
class StopFunction {
 public:
  // Returns true if the function will not run because of this; false when it was started or stopped
  // already.
  bool operator()() const;

 private:
  friend class ContextNode;
  explicit StopFunction(std::shared_ptr<AfterFunc> f) : function_(std::move(f)) {}
  std::shared_ptr<AfterFunc> function_;
};

// A context and its cancel function: auto [ctx, cancel] = with_cancel(...).
struct CancelContext {
  context ctx;            // The child.
  CancelFunction cancel;  // Cancels it.
};

// The root: never cancelled, no deadline, no values. Costs nothing.
inline context background() {
  return {};
}

// A child of `parent` that is cancelled by hand, with its parent, or when its time comes.
CancelContext with_cancel(const context& parent);
CancelContext with_deadline(const context& parent, Instant deadline);
CancelContext with_timeout(const context& parent, Duration timeout);

// Calls f() on a G of its own once the context is cancelled; at once when it is. Functions of one
// context start in the order of these calls, before those of its children. A context forgets them
// when the last handle to it, its children and its cancel function has gone. Throws std::bad_alloc
// when there is no memory for the G's stack, at that time.
StopFunction after_func(const context& ctx, std::function<void()> f);

// As with_value, of any type: the key is an address.
context with_any_value(const context& parent, const void* key, std::any value);

// A child that carries a value; context::value() finds it by the key.
template <class T>
context with_value(const context& parent, const ContextKey<T>& key, std::type_identity_t<T> value) {
  return with_any_value(parent, &key, std::any(std::move(value)));
}

}  // namespace weft
