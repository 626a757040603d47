// SPDX-License-Identifier: Apache-2.0
// An intrusive, circular, doubly linked list: linking and unlinking allocate nothing and cost O(1).
//
// A type that wants to be on a list derives from ListLink<Tag>, one Tag for each list it may be on
// at a time.
//
// Invariants:
//   I1. A link that is on no list points at itself.
//   I2. For every link l: l.next->prev == &l and l.prev->next == &l.
#pragma once

#include "base/check.h"

namespace weft {

template <class Tag>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { WEFT_CHECK(!linked(), "an object died while it was on a list"); }

  [[nodiscard]] bool linked() const { return next_ != this; }

  // Takes this object off its list; does nothing when it is on no list.
  void unlink() {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = this;
  }

 private:
  template <class T, class U>
  friend class List;
  ListLink* next_ = this;
  ListLink* prev_ = this;
};

// A FIFO of T by default: push_back and pop_front. T must derive from ListLink<Tag>.
template <class T, class Tag>
class List {
 public:
  using Link = ListLink<Tag>;

  List() = default;
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() { WEFT_CHECK(empty(), "a list died with members on it"); }

  [[nodiscard]] bool empty() const { return !head_.linked(); }
  [[nodiscard]] T* front() const { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  void push_back(T& item) { insert(item, *head_.prev_, head_); }
  void push_front(T& item) { insert(item, head_, *head_.next_); }

  // Returns the oldest member after taking it off, or nullptr.
  T* pop_front() {
    T* item = front();
    if (item != nullptr) static_cast<Link*>(item)->unlink();
    return item;
  }

  // Calls f on each member in order. f may unlink the member it is given, and no other.
  template <class F>
  void for_each(F&& f) {
    for (Link* link = head_.next_; link != &head_;) {
      Link* next = link->next_;
      f(static_cast<T&>(*link));
      link = next;
    }
  }

 private:
  static void insert(Link& link, Link& before, Link& after) {
    WEFT_CHECK(!link.linked(), "an object was put on a list twice");  // I1
    link.prev_ = &before;
    link.next_ = &after;
    before.next_ = &link;
    after.prev_ = &link;
  }

  Link head_;
};

}  // namespace weft
