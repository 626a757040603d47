// SPDX-License-Identifier: Apache-2.0
// Process::watch: a hook that comes when the guest runs already, and goes before it ends.
#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

// Writes down what it is told.
class Told final : public CallHook {
 public:
  explicit Told(std::optional<Errno> answer = {}) : answer_(answer) {}
  std::optional<Errno> before(const Call& call) override {
    text += "<" + std::string(call.function.name);
    return answer_;
  }
  void after(const Call& call, Errno result) override {
    text += " " + std::string(name(result)) + ">";
    (void)call;
  }
  std::string text;

 private:
  const std::optional<Errno> answer_;
};

}  // namespace

TEST_CASE("a watcher that comes late is told of the calls from then on, until it goes") {
  TestGuest guest;
  Told told;
  guest.run([&] {
    CHECK(guest.call("sched_yield", {}) == Errno::success);
    guest.process().watch(&told);
    CHECK(guest.call("fd_close", {99}) == Errno::badf);
    guest.process().watch(nullptr);
    CHECK(guest.process().hook() == nullptr);
    CHECK(guest.call("sched_yield", {}) == Errno::success);
  });
  CHECK(told.text == "<fd_close EBADF>");
}

TEST_CASE("a watcher of one process is not told of another's calls on the same thread") {
  TestGuest guest;
  TestGuest other;
  Told told;
  guest.process().watch(&told);
  other.run([&] { CHECK(other.call("sched_yield", {}) == Errno::success); });
  CHECK(told.text.empty());
}

TEST_CASE("the hook that a guest was made with decides, whatever its watcher answers") {
  Told own(Errno::perm);
  ProcessConfig config;
  config.hook = &own;
  TestGuest guest(std::move(config));
  Told told(Errno::io);
  guest.run([&] {
    guest.process().watch(&told);
    CHECK(guest.call("sched_yield", {}) == Errno::perm);
    guest.process().watch(nullptr);
    CHECK(guest.call("sched_yield", {}) == Errno::perm);
  });
  CHECK(own.text == "<sched_yield EPERM><sched_yield EPERM>");
  CHECK(told.text == "<sched_yield EPERM>");
}

TEST_CASE("a watcher may go while a call is under way, which then ends untold") {
  Pipe pipe;
  ProcessConfig config;
  config.stdin_fd = pipe.read.get();
  TestGuest guest(std::move(config));
  std::optional<Told> told(std::in_place);
  guest.process().watch(&*told);
  guest.run([&] {
    CHECK(go([&] {
            CHECK(told->text == "<fd_read");
            guest.process().watch(nullptr);
            told.reset();
            CHECK(::write(pipe.write.get(), "hello", 5) == 5);
          }).ok());
    std::string text;
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text == "hello");
  });
}
