// SPDX-License-Identifier: Apache-2.0
// What guests have as stdin, stdout and stderr, and who waits for their end.
#include "guest/streams.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/guest/guests.h"

using namespace weft;
using namespace weft::test;

namespace {

struct Cats {
  Runtime runtime;

  // Copies stdin to stdout.
  Guest& spawn(GuestOptions options) {
    auto module = runtime.load(guest_path("c_cat"));
    REQUIRE(module.ok());
    options.stderr_to = -1;
    auto guest = runtime.spawn(*module, std::move(options));
    REQUIRE(guest.ok());
    return **guest;
  }
  void run() { CHECK(runtime.run().end == RunEnd::finished); }
};

}  // namespace

TEST_CASE("a guest reads a string and writes into one") {
  Cats cats;
  std::string text;
  const std::string given(200'000, 'x');
  cats.spawn({.stdin_from = from_text(given), .stdout_to = to_text(text)});
  cats.run();
  CHECK(text == given);
}

TEST_CASE("a guest's lines come one by one, the last one without its end too") {
  Cats cats;
  std::vector<std::string> lines;
  cats.spawn({.stdin_from = from_text("one\n\ntwo\nthr" + std::string(70'000, 'e')),
              .stdout_to = to_lines([&](std::string_view line) { lines.emplace_back(line); })});
  cats.run();
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "one");
  CHECK(lines[1].empty());
  CHECK(lines[2] == "two");
  CHECK(lines[3].size() == 65'536);
  CHECK(lines[3].size() + lines[4].size() == 70'003);
}

TEST_CASE("a callback that parks holds its guest back, not the others") {
  Cats cats;
  std::string trace;
  chan<Nothing> go_on = make_chan<Nothing>();
  int asked = 0;
  cats.spawn({.stdin_from = from_callback([&](std::span<std::byte> to) -> std::size_t {
                if (++asked > 1) return 0;
                trace += "asked ";
                (void)go_on.recv();
                to[0] = std::byte{'!'};
                return 1;
              }),
              .stdout_to = to_callback([&](std::string_view bytes) { trace += bytes; })});
  cats.spawn(
      {.stdin_from = from_text("other "), .stdout_to = to_callback([&](std::string_view bytes) {
                                            trace += bytes;
                                            go_on.close();
                                          })});
  cats.run();
  CHECK(trace == "asked other !");
}

TEST_CASE("an exception of a stream's callback is an error to the guest, which goes on") {
  Cats cats;
  const Guest& guest = cats.spawn(
      {.stdin_from = from_text("x"),
       .stdout_to = to_callback([](std::string_view) { throw std::runtime_error("no room"); })});
  cats.run();
  CHECK(guest.end()->kind == GuestEnd::Kind::exited);
}

TEST_CASE("channels carry a guest's input and output, and the guest waits for both ends") {
  Cats cats;
  chan<std::string> in = make_chan<std::string>();
  chan<std::string> out = make_chan<std::string>();
  auto source = from_channel(cats.runtime.scheduler(), in);
  REQUIRE(source.ok());
  Guest& guest = cats.spawn({.stdin_from = std::move(*source), .stdout_to = to_channel(out)});
  std::string got;
  (void)cats.runtime.scheduler().spawn([&] {
    for (const char* text : {"a", "bc", "def"}) {
      in.send(text);
      got += *out.recv() + "|";
    }
    in.close();
    CHECK(guest.wait().kind == GuestEnd::Kind::exited);
    got += "ended";
  });
  cats.run();
  CHECK(got == "a|bc|def|ended");
}

TEST_CASE("a pipe between two guests carries more than it holds, and ends with its writer") {
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{7}, kPipeBytes}) {
    CAPTURE(capacity);
    Cats cats;
    std::string given;
    for (int i = 0; i < 3'000; ++i) given += std::to_string(i) + " ";
    std::string text;
    {
      Pipe link = pipe(capacity);
      cats.spawn({.stdin_from = from_text(given), .stdout_to = std::move(link.to)});
      cats.spawn({.stdin_from = std::move(link.from), .stdout_to = to_text(text)});
    }
    cats.run();
    CHECK(text == given);
  }
}

TEST_CASE("a guest that writes into a pipe whose reader was killed does not wait for ever") {
  Cats cats;
  Guest* reader = nullptr;
  Guest* writer = nullptr;
  {
    Pipe link = pipe(16);
    writer = &cats.spawn(
        {.stdin_from = from_text(std::string(1'000, 'x')), .stdout_to = std::move(link.to)});
    reader = &cats.spawn({.stdin_from = std::move(link.from), .stdout_to = -1});
  }
  cats.runtime.kill(*reader);
  cats.run();
  CHECK(reader->end()->kind == GuestEnd::Kind::killed);
  CHECK(writer->end()->kind == GuestEnd::Kind::exited);
}

TEST_CASE("everybody who waits for a guest's end gets it, though it is forgotten meanwhile") {
  Cats cats;
  int told = 0;
  const auto when_others_wait = [](std::span<std::byte>) -> std::size_t {
    yield();
    return 0;
  };
  Guest& guest = cats.spawn({.stdin_from = from_callback(when_others_wait),
                             .stdout_to = -1,
                             .on_end = [&](Guest& ended) { cats.runtime.forget(ended); }});
  guest.when_ended([&](const GuestEnd& end) { told += end.exit_code == 0 ? 1 : 100; });
  for (int i = 0; i < 3; ++i) {
    (void)cats.runtime.scheduler().spawn([&] { told += guest.wait().exit_code == 0 ? 1 : 100; });
  }
  cats.run();
  CHECK(told == 4);
}
