// SPDX-License-Identifier: Apache-2.0
#include "tools/top_screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "tools/guest_table.h"
#include "tools/noted_signals.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

// Keys come one by one and unseen, for as long as this lives.
class Keys {
 public:
  Keys() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_terminal_) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~Keys() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  // Waits so long. True: q was pressed.
  [[nodiscard]] bool quit_within(Duration time) const {
    pollfd polled{.fd = is_terminal_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    const timespec limit{time.ns / 1'000'000'000, time.ns % 1'000'000'000};
    if (::ppoll(&polled, 1, &limit, nullptr) <= 0) return false;
    char key = 0;
    return ::read(STDIN_FILENO, &key, 1) == 1 && (key == 'q' || key == 'Q');
  }

 private:
  termios before_ = {};
  const bool is_terminal_;
};

std::size_t lines_of_terminal() {
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return 0;
  return size.ws_row - 1U;
}

Result<GuestSample> sample_of(ControlClient& client) {
  const auto answer = client.ask({{"request", "guests"}});
  if (!answer) return answer.error();
  return read_sample(*answer);
}

}  // namespace

Status show_top(ControlClient& client, Duration every, std::uint64_t times) {
  const NotedSignals signals;
  const Keys keys;
  const bool on_terminal = ::isatty(STDOUT_FILENO) == 1;
  auto before = sample_of(client);
  if (!before) return before.error();
  for (std::uint64_t shown = 0; times == 0 || shown < times; ++shown) {
    // The first screen comes soon: a figure a second needs a moment to look at.
    constexpr Duration kFirst = milliseconds(200);
    if (keys.quit_within(shown == 0 ? std::min(kFirst, every) : every)) break;
    NotedSignals::check();
    auto now = sample_of(client);
    if (!now && shown > 0) {
      std::fputs("that weft has ended\n", stdout);
      break;
    }
    if (!now) return now.error();
    const std::size_t lines = on_terminal ? lines_of_terminal() : 0;
    const std::string screen = top_screen(client.pid(), client.program(), *before, *now, lines);
    std::fputs((on_terminal ? "\x1b[H\x1b[2J" + screen : screen + "\n").c_str(), stdout);
    if (Status said = flush_stdout(); !said) return said;
    before = std::move(now);
  }
  return flush_stdout();
}

}  // namespace weft::tools
