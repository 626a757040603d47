// SPDX-License-Identifier: Apache-2.0
// What is kept of the output of simulated guests, and what is not.
#include "sim/streams.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

using namespace weft;
using namespace weft::sim;

namespace {

wasip1::Errno write_to(Capture& capture, std::string text) {
  const iovec piece{text.data(), text.size()};
  std::size_t n = 0;
  const wasip1::Errno error = capture.write({&piece, 1}, n);
  if (error == wasip1::Errno::success) CHECK(n == text.size());
  return error;
}

}  // namespace

TEST_CASE("output of any length was kept up to 64 MiB; its end is kept, and the guest never sees") {
  Capture capture{CaptureSettings{}};
  std::string whole;
  for (int i = 0; i < 100'000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    whole += line;
    REQUIRE(write_to(capture, line) == wasip1::Errno::success);
    REQUIRE(capture.text().size() < 2 * Capture::kKeptMax);
  }
  CHECK(capture.is_cut());
  CHECK(capture.text().size() >= Capture::kKeptMax);
  CHECK(whole.ends_with(capture.text()));
  CHECK(capture.text().starts_with("line "));
  REQUIRE(write_to(capture, std::string(5 * Capture::kKeptMax, 'x')) == wasip1::Errno::success);
  CHECK(capture.text().size() < 2 * Capture::kKeptMax);
  CHECK(capture.text().find_first_not_of('x') == std::string::npos);
}

TEST_CASE("what is cut off is told, each byte once and in order") {
  std::string told;
  Capture capture{CaptureSettings{.cut = [&told](std::string_view text) { told += text; }}};
  std::string whole;
  for (int i = 0; i < 30; ++i) {
    const std::string piece(50'000 + static_cast<std::size_t>(i) * 777, static_cast<char>('a' + i));
    whole += piece + (i % 3 == 0 ? "\n" : "");
    REQUIRE(write_to(capture, piece + (i % 3 == 0 ? "\n" : "")) == wasip1::Errno::success);
  }
  CHECK(told + capture.text() == whole);
}

TEST_CASE("what is expected is compared as it comes, however long it is") {
  const std::string expected(3 * Capture::kKeptMax, 'e');
  const auto fits = [&expected](const std::string& first, const std::string& second) {
    Capture capture{CaptureSettings{.expected = &expected}};
    REQUIRE(write_to(capture, first) == wasip1::Errno::success);
    REQUIRE(write_to(capture, second) == wasip1::Errno::success);
    return capture.is_as_expected();
  };
  const std::string half = expected.substr(0, expected.size() / 2);
  const std::string rest = expected.substr(half.size());
  CHECK(fits(half, rest));
  CHECK(fits("", expected));
  CHECK_FALSE(fits(half, rest + "e"));
  CHECK_FALSE(fits(half, rest.substr(1)));
  CHECK_FALSE(fits("x" + half.substr(1), rest));
  CHECK_FALSE(fits(expected, expected));
  Capture sealed{CaptureSettings{.expected = &expected}};
  REQUIRE(write_to(sealed, expected) == wasip1::Errno::success);
  sealed.seal();
  REQUIRE(write_to(sealed, "more") == wasip1::Errno::success);
  CHECK(sealed.is_as_expected());
  CHECK(sealed.text().ends_with("e"));
}

TEST_CASE("a guest is told that an echo failed, unless it is not to see it") {
  const int read_only = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(read_only >= 0);
  Capture told{CaptureSettings{.echo = read_only}};
  CHECK(write_to(told, "text") == wasip1::Errno::badf);
  Capture hidden{CaptureSettings{.echo = read_only, .guest_sees_errors = false}};
  CHECK(write_to(hidden, "text") == wasip1::Errno::success);
  CHECK(write_to(hidden, "text") == wasip1::Errno::success);
  for (const Capture* one : {&told, &hidden}) {
    CHECK(one->error() == EBADF);
    CHECK(one->text().empty());
  }
  hidden.keep();
  CHECK(write_to(hidden, "kept") == wasip1::Errno::success);
  CHECK(hidden.text() == "kept");
  ::close(read_only);
}
