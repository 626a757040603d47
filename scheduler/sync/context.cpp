// SPDX-License-Identifier: Apache-2.0
// The tree beneath scheduler/sync/context.h.
//
// Invariants:
//   I1. A node is on its parent's list of children exactly while neither of them is cancelled.
//   I2. A node's deadline is not after its parent's.
//   I3. A node's timer is armed exactly while it has a deadline of its own and is not cancelled.
//   I4. A function waits on a node's list, and owns itself, exactly until it is started or stopped,
//   or the node dies.
#include "scheduler/sync/context.h"

namespace weft {

struct ContextChildTag {};
struct ContextFuncTag {};

// A function that runs once its context is cancelled.
class AfterFunc : public ListLink<ContextFuncTag> {
 public:
  explicit AfterFunc(std::function<void()> f) : function_(std::move(f)) {}

  void wait_on(List<AfterFunc, ContextFuncTag>& list, const std::shared_ptr<AfterFunc>& self) {
    self_ = self;
    list.push_back(*this);
  }
  // Returns false when it does not wait any more.
  bool stop() {
    unlink();
    return std::exchange(self_, nullptr) != nullptr;
  }
  // On a G of its own.
  void start() {
    unlink();
    const auto self = std::exchange(self_, nullptr);
    if (!go(std::move(function_), {.name = "context.AfterFunc"})) throw std::bad_alloc();
  }

 private:
  std::function<void()> function_;
  std::shared_ptr<AfterFunc> self_;
};

class ContextNode : public ListLink<ContextChildTag>, public Timer {
 public:
  explicit ContextNode(const context& parent) : Timer(&on_deadline), parent_(parent.node_) {
    if (parent_ == nullptr) return;
    deadline = parent_->deadline;  // I2
    if (parent_->end_ == ContextEnd::none) {
      parent_->children_.push_back(*this);  // I1
    } else {
      end_ = parent_->end_;
      cause = parent_->cause;
    }
  }
  ContextNode(const ContextNode&) = delete;
  ContextNode& operator=(const ContextNode&) = delete;
  ~ContextNode() {
    // Children hold their parent: there are none left.
    while (AfterFunc* function = functions_.front()) function->stop();  // I4
    if (scheduler_ != nullptr) scheduler_->cancel(*this);
    unlink();
  }

  static context handle(std::shared_ptr<ContextNode> node) { return context(std::move(node)); }
  static CancelContext with_cancel(const std::shared_ptr<ContextNode>& node) {
    return {context(node), CancelFunction(node)};
  }

  [[nodiscard]] ContextEnd end() const { return end_; }
  [[nodiscard]] const ContextNode* parent() const { return parent_.get(); }

  void arm_deadline(Instant when) {
    if (end_ != ContextEnd::none || (deadline && *deadline <= when)) return;
    deadline = when;
    scheduler_ = &this_scheduler();
    if (when <= scheduler_->now()) {
      cancel(ContextEnd::deadline_exceeded, {});
    } else {
      scheduler_->arm(*this, when);
    }
  }

  // As in Go: first this one's channel is closed, then each child is cancelled.
  void cancel(ContextEnd end, const std::string& why) {
    if (end_ != ContextEnd::none) return;
    end_ = end;
    cause = why;
    if (scheduler_ != nullptr) scheduler_->cancel(*this);  // I3
    if (done_) done_.close();
    unlink();  // I1
    while (AfterFunc* function = functions_.front()) function->start();
    while (ContextNode* child = children_.pop_front()) child->cancel(end, why);
  }

  // A node that only carries a value ends when the nearest one above that can be cancelled does.
  chan<Nothing> done() {
    if (key != nullptr) return parent_ != nullptr ? parent_->done() : chan<Nothing>();
    if (!done_) {
      done_ = make_chan<Nothing>();
      if (end_ != ContextEnd::none) done_.close();
    }
    return done_;
  }

  static StopFunction after(ContextNode* node, std::function<void()> f) {
    auto function = std::make_shared<AfterFunc>(std::move(f));
    // A node that only carries a value is not held.
    while (node != nullptr && node->key != nullptr) node = node->parent_.get();
    if (node != nullptr && node->end_ != ContextEnd::none) {
      function->start();
    } else if (node != nullptr) {
      function->wait_on(node->functions_, function);  // I4
    }
    return StopFunction(std::move(function));
  }

  std::optional<Instant> deadline;
  std::string cause;
  const void* key = nullptr;
  std::any value;

 private:
  static void on_deadline(Timer& timer) {
    static_cast<ContextNode&>(timer).cancel(ContextEnd::deadline_exceeded, {});
  }

  const std::shared_ptr<ContextNode> parent_;
  List<ContextNode, ContextChildTag> children_;
  List<AfterFunc, ContextFuncTag> functions_;
  ContextEnd end_ = ContextEnd::none;
  chan<Nothing> done_;
  Scheduler* scheduler_ = nullptr;
};

chan<Nothing> context::done() const {
  return node_ ? node_->done() : chan<Nothing>();
}

ContextEnd context::end() const {
  return node_ ? node_->end() : ContextEnd::none;
}

std::string context::cause() const {
  return node_ && !node_->cause.empty() ? node_->cause : why();
}

std::optional<Instant> context::deadline() const {
  return node_ ? node_->deadline : std::optional<Instant>();
}

const std::any* context::find(const void* key) const {
  for (const ContextNode* node = node_.get(); node != nullptr; node = node->parent()) {
    if (node->key == key) return &node->value;
  }
  return nullptr;
}

void CancelFunction::operator()(const std::string& cause) const {
  node_->cancel(ContextEnd::canceled, cause);
}

bool StopFunction::operator()() const {
  return function_->stop();
}

StopFunction after_func(const context& ctx, std::function<void()> f) {
  return ContextNode::after(ctx.node_.get(), std::move(f));
}

CancelContext with_cancel(const context& parent) {
  return ContextNode::with_cancel(std::make_shared<ContextNode>(parent));
}

CancelContext with_deadline(const context& parent, Instant deadline) {
  const auto node = std::make_shared<ContextNode>(parent);
  node->arm_deadline(deadline);
  return ContextNode::with_cancel(node);
}

CancelContext with_timeout(const context& parent, Duration timeout) {
  return with_deadline(parent, now() + timeout);
}

context with_any_value(const context& parent, const void* key, std::any value) {
  const auto node = std::make_shared<ContextNode>(parent);
  node->key = key;
  node->value = std::move(value);
  return ContextNode::handle(node);
}

}  // namespace weft
