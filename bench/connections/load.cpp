// SPDX-License-Identifier: Apache-2.0
// A client that asks a server for as much as it gives, for bench/connections.py:
//
//   load PORT CONNECTIONS SECONDS new     a connection for each request
//   load PORT CONNECTIONS SECONDS kept    each connection asks again and again
//   load PORT CONNECTIONS SECONDS idle    each connection asks once, and then stays as it is
//
// A request is a line, its answer another. So many connections are open at once, all on one thread.
// Prints the requests that were answered, and the seconds; idle prints "open" and waits for the end
// of its stdin in place of the time. The first wrong answer, and any error, ends it with 1.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kQuestion = "key 7\n";
constexpr std::string_view kAnswer = "the value of key 7\n";

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Connection {
  int fd = -1;
  std::string got;
};

class Load {
 public:
  Load(int port, std::size_t connections, bool kept)
      : port_(port), kept_(kept), epoll_(::epoll_create1(EPOLL_CLOEXEC)), all_(connections) {}

  // All connections are open and have asked.
  void begin() {
    for (Connection& each : all_) open(each);
  }

  void run_until(Clock::time_point end) {
    while (Clock::now() < end) turn();
  }
  void run_until_answered(long answers) {
    while (answered_ < answers) turn();
  }
  [[nodiscard]] long answered() const { return answered_; }
  void ask_no_more() { asks_ = false; }

 private:
  // From another address each time: the ports of one would not do.
  void open(Connection& each) {
    each.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (each.fd < 0) fail("socket");
    const int yes = 1;
    ::setsockopt(each.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    ::setsockopt(each.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (opened_++ % 200));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(each.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) fail("bind");
    if (::connect(each.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
    ::fcntl(each.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &each}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, each.fd, &event) != 0) fail("epoll_ctl");
    ask(each);
  }

  static void ask(const Connection& each) {
    if (::send(each.fd, kQuestion.data(), kQuestion.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(kQuestion.size())) {
      fail("send");
    }
  }

  void turn() {
    epoll_event events[256];
    const int n = ::epoll_wait(epoll_, events, 256, 1000);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < n; ++i) read(*static_cast<Connection*>(events[i].data.ptr));
  }

  void read(Connection& each) {
    char bytes[256];
    const ssize_t n = ::recv(each.fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("an answer is missing");
    each.got.append(bytes, static_cast<std::size_t>(n));
    if (each.got.size() < kAnswer.size()) return;
    if (each.got != kAnswer) fail("a wrong answer");
    each.got.clear();
    ++answered_;
    if (!asks_) return;
    if (kept_) return ask(each);
    ::close(each.fd);  // The server reads the end of its input.
    open(each);
  }

  const int port_;
  const bool kept_;
  const int epoll_;
  std::vector<Connection> all_;
  std::uint32_t opened_ = 0;
  long answered_ = 0;
  bool asks_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  const std::string_view how = argv[4];
  const auto connections = static_cast<std::size_t>(std::atol(argv[2]));
  Load load(std::atoi(argv[1]), connections, how == "kept");
  if (how == "idle") {
    load.ask_no_more();
    load.begin();
    load.run_until_answered(static_cast<long>(connections));
    std::puts("open");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
  }
  load.begin();
  load.run_until(Clock::now() + std::chrono::milliseconds(300));  // It warms up.
  const long before = load.answered();
  const auto begun = Clock::now();
  load.run_until(begun + std::chrono::milliseconds(static_cast<long>(std::atof(argv[3]) * 1000)));
  const std::chrono::duration<double> took = Clock::now() - begun;
  std::printf("%ld %.3f\n", load.answered() - before, took.count());
}
