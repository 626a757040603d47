// SPDX-License-Identifier: Apache-2.0
// CodeTrace: what one function of a Go module loads, stores and calls, with what is known of the
// values: "the byte at (g.m).curg + 183". It is how offsets are discovered (guest/go/offsets.h).
//
// The code is walked once, from its beginning to its end, as if no branch was taken. That is not
// what runs, so what comes out is a reading, not a proof: who uses it checks it against other code.
// It is a good reading because of how Go's compiler writes wasm: local 1 is the stack pointer, what
// lives across a call lies in the frame, and every call stores its arguments right before it.
//
// A value is a node: a constant, the entry's stack pointer, a global, something loaded, a sum.
// Equal nodes have equal numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "guest/wasm/decoder.h"
#include "guest/wasm/module_view.h"

namespace weft::guest::go {

using NodeId = std::uint32_t;

struct Node {
  enum class Kind : std::uint8_t {
    unknown,   // Of its own: equal to no other.
    constant,  // value
    entry_sp,  // Global 0 as the function is entered: the return address lies there.
    global,    // value: its index.
    load,      // From left + value, `width` bytes.
    sum,       // left + right
    bits,      // left & value
    shifted,   // left << value
  };
  Kind kind = Kind::unknown;
  std::uint8_t width = 0;
  NodeId left = 0;
  NodeId right = 0;
  std::int64_t value = 0;

  friend auto operator<=>(const Node&, const Node&) = default;
};

// An address: what it starts from, and how far behind. An absolute one starts from kNothing.
struct Place {
  NodeId base = 0;
  std::int64_t offset = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

struct CodeEvent {
  enum class Kind : std::uint8_t { load, store, call };
  Kind kind = Kind::load;
  std::uint8_t width = 0;      // Of load and store: bytes.
  std::uint32_t function = 0;  // Of a call.
  Place place;                 // Of load and store.
  NodeId value = 0;            // What was loaded or stored.
  // Of a call: what lies where the callee has its arguments, by their offset (8 is the first's less
  // the return address: 0).
  std::map<std::int64_t, NodeId> arguments;
};

class CodeTrace {
 public:
  // A larger function is not traced: none of those that are looked at comes near.
  static constexpr std::uint32_t kBodyBytesMax = 64 << 10;
  static constexpr NodeId kNothing = 0;

  // Of a function that the module defines, whose code is valid. No events when it is too large.
  CodeTrace(const wasm::ModuleView& module, std::uint32_t function);

  [[nodiscard]] const std::vector<CodeEvent>& events() const { return events_; }
  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }

  // Nodes to compare with.
  NodeId global(std::uint32_t index);
  NodeId load(NodeId base, std::int64_t offset, std::uint8_t width = 8);
  // An argument that the function got: the one `offset` bytes behind the first.
  NodeId argument(std::int64_t offset, std::uint8_t width = 8);
  // The value of a constant.
  [[nodiscard]] std::optional<std::uint64_t> constant(NodeId id) const;
  // What a node is as an address.
  [[nodiscard]] Place place(NodeId id) const;

 private:
  struct Slot {
    NodeId value;
    std::uint8_t width;
    bool is_argument;  // Stored for a call; gone when it returns.
  };
  // What a conditional block that is left by a branch gives back.
  struct Block {
    bool is_if;
    std::vector<NodeId> locals;
    NodeId sp;
  };

  NodeId add_node(const Node& node);
  NodeId unknown();
  NodeId constant_node(std::int64_t value);
  NodeId sum(NodeId left, NodeId right);
  void push(NodeId id) { stack_.push_back(id); }
  NodeId pop();
  void pop(std::size_t count);

  void walk(const wasm::ModuleView& module, std::uint32_t function);
  void step(const wasm::ModuleView& module, const wasm::Instruction& in);
  void step_control(const wasm::ModuleView& module, const wasm::Instruction& in);
  void step_local(const wasm::Instruction& in);
  void step_arithmetic(const wasm::Instruction& in);
  void step_load(const wasm::Instruction& in);
  void step_store(const wasm::Instruction& in);
  void step_call(const wasm::FuncType& type, std::optional<std::uint32_t> function);
  void step_end();
  void settle_frame();
  [[nodiscard]] std::optional<std::int64_t> in_frame(const Place& place) const;

  std::vector<Node> nodes_;
  std::map<Node, NodeId> known_;
  std::vector<CodeEvent> events_;
  std::vector<NodeId> stack_;
  std::vector<NodeId> locals_;
  std::map<std::int64_t, Slot> slots_;  // By their distance from the entry's stack pointer.
  std::vector<Block> blocks_;
  NodeId entry_sp_ = 0;
  NodeId sp_ = 0;                     // Global 0.
  std::optional<NodeId> pending_sp_;  // Set and not settled: a call's, or the frame's.
  NodeId frame_sp_ = 0;
  bool is_dead_ = false;  // Behind a branch that is always taken.
};

}  // namespace weft::guest::go
