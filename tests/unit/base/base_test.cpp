// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>

#include <string>

#include "base/budget.h"
#include "base/instant.h"
#include "base/list.h"
#include "base/printable.h"
#include "base/result.h"
#include "base/unique_fd.h"

using namespace weft;

namespace {

struct Tag {};
struct Item : ListLink<Tag> {
  explicit Item(char n) : name(n) {}
  char name;
};

std::string names(List<Item, Tag>& list) {
  std::string text;
  list.for_each([&](Item& item) { text += item.name; });
  return text;
}

}  // namespace

TEST_CASE("a list gives its members back first in, first out") {
  Item a('a'), b('b'), c('c');
  List<Item, Tag> list;
  list.push_back(a);
  list.push_back(b);
  list.push_front(c);
  CHECK(names(list) == "cab");
  CHECK(list.pop_front() == &c);
  CHECK(list.pop_front() == &a);
  CHECK(list.pop_front() == &b);
  CHECK(list.pop_front() == nullptr);
}

TEST_CASE("a member can leave a list from the middle, and while the list is walked") {
  Item a('a'), b('b'), c('c');
  List<Item, Tag> list;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  b.unlink();
  CHECK_FALSE(b.linked());
  CHECK(names(list) == "ac");
  list.for_each([](Item& item) { item.unlink(); });
  CHECK(list.empty());
}

TEST_CASE("time saturates instead of wrapping around") {
  CHECK(Instant::far_future() + seconds(1) == Instant::far_future());
  CHECK(Instant{5} + Duration{INT64_MAX} == Instant::far_future());
  CHECK(Instant::far_past() + Duration{-1} == Instant::far_past());
  CHECK((Instant{INT64_MAX} - Instant{INT64_MIN}).ns == INT64_MAX);
  CHECK((Instant{10} - Instant{3}) == nanoseconds(7));
}

TEST_CASE("a result is a value or an error that says what failed") {
  const Result<int> good = 7;
  const Result<int> bad = Error{"guest.wasm: no such file"};
  CHECK(good.ok());
  CHECK(good.value() == 7);
  CHECK_FALSE(bad.ok());
  CHECK(bad.error().message == "guest.wasm: no such file");
}

TEST_CASE("a descriptor is closed exactly once, by its last owner") {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    UniqueFd first(raw);
    UniqueFd second(std::move(first));
    CHECK_FALSE(first.valid());  // NOLINT: the moved-from state is what is tested.
    CHECK(second.get() == raw);
  }
  CHECK(::fcntl(raw, F_GETFD) == -1);
}

TEST_CASE("a budget gives all that is asked for or nothing, and from the one above too") {
  Budget all(10);
  {
    Budget one(6, &all);
    Budget two(6, &all);
    CHECK(one.take(6));
    CHECK_FALSE(one.take(1));
    CHECK(one.lacks_itself(1));
    CHECK_FALSE(two.take(5));
    CHECK_FALSE(two.lacks_itself(5));
    CHECK(two.take_up_to(5) == 4);
    CHECK(two.left() == 0);
    CHECK(all.used() == 10);
    one.give_back(2);
    CHECK(two.left() == 2);
    CHECK(all.left() == 2);
  }
  Budget unlimited;
  CHECK(unlimited.take(UINT64_MAX - 1));
  CHECK(unlimited.take(1));
  CHECK_FALSE(unlimited.take(1));
}

TEST_CASE("what a guest held goes back to the budgets of all; what it spent does not") {
  Budgets all({.memory_bytes = 100, .output_bytes = 100});
  {
    Budgets guest({}, &all);
    CHECK(guest.memory_bytes.take(60));
    CHECK(guest.output_bytes.take(60));
  }
  CHECK(all.memory_bytes.left() == 100);
  CHECK(all.output_bytes.left() == 40);
}

TEST_CASE("what is no UTF-8 becomes U+FFFD, a byte at a time, and all else stays") {
  CHECK(as_utf8("plain") == "plain");
  CHECK(as_utf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa2") == "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa2");
  CHECK(as_utf8("a\xff!") == "a\xef\xbf\xbd!");
  CHECK(as_utf8("\xc3") == "\xef\xbf\xbd");                  // Cut off.
  CHECK(as_utf8("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");  // An overlong form.
  CHECK(as_utf8("\xed\xa0\x80").size() == 9);                // Half of a surrogate pair.
  CHECK(as_utf8("\xf4\x90\x80\x80").size() == 12);           // Beyond the last character.
}

TEST_CASE("text for a terminal has no control characters; a line of it is cut, lines are not") {
  CHECK(printable("a\x1b[31m\n") == "a\\x1b[31m\\x0a");
  CHECK(printable(std::string(300, 'x')) == std::string(200, 'x') + "...");
  CHECK(printable_lines("a\x1b\nb\n") == "a\\x1b\nb\n");
  CHECK(printable_lines(std::string(300, 'x')).size() == 300);
}
