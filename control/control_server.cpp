// SPDX-License-Identifier: Apache-2.0
#include "control/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <list>
#include <string_view>

#include "base/unique_fd.h"
#include "control/requests.h"

namespace weft::control {
namespace {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

constexpr int kBacklog = 16;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kLook{1};
// After each answer nobody is answered for so many times as long as it took.
constexpr int kRestFactor = 9;
constexpr std::size_t kReadMax = 16 * 1024;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Error{path + ": a socket's path has 1 to " +
                 std::to_string(sizeof address.sun_path - 1) + " bytes"};
  }
  path.copy(static_cast<char*>(address.sun_path), path.size());
  return address;
}

// The same user, or root.
bool may_ask(int fd) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

// What is in the way of a new socket: gone, if it is a dead socket.
Status clear(const std::string& path) {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) != 0) return Nothing{};
  if (!S_ISSOCK(found.st_mode)) return Error{path + " is there already, and no socket"};
  int error = 0;
  if (auto connected = connect_to(path, error); connected) {
    ::close(*connected);
    return Error{path + ": another program serves it"};
  }
  if (error != ECONNREFUSED) return errno_error(path, error);
  if (::unlink(path.c_str()) != 0) return errno_error(path, errno);
  return Nothing{};
}

// Nobody can connect before listen(): the mode is right from the first moment.
Result<UniqueFd> listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  if (Status cleared = clear(path); !cleared) return cleared.error();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno_error("no socket", errno);
  const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
  if (::bind(fd.get(), generic, sizeof *address) != 0) return errno_error(path, errno);
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return errno_error(path, error);
  }
  return fd;
}

}  // namespace

struct ControlServer::State : std::enable_shared_from_this<State> {
  struct Connection {
    explicit Connection(asio::io_context& io, int fd) : descriptor(io, fd), rest(io) {}

    asio::posix::stream_descriptor descriptor;
    asio::steady_timer rest;
    std::string in;
    std::string out;
    SteadyClock::time_point out_since;
    // When `out` is taken nothing more is said, and what comes is thrown away until the client has
    // closed its end: closed with bytes unread, it would not get the last line.
    bool closes = false;
    bool ended = false;  // The client has said all; what it asked is still answered.
  };
  using Held = std::shared_ptr<Connection>;

  State(Runtime& runtime, const ControlOptions& options, UniqueFd fd)
      : runtime_(runtime),
        path_(options.path),
        io_(runtime.reactor().io()),
        acceptor_(io_, fd.release()),
        pause_(io_),
        look_(io_),
        requests_(std::make_unique<Requests>(runtime, Program{options.program, options.version})) {
    runtime_.reactor().others_listen(1);
  }

  void accept_next() {
    acceptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                           if (!error && self->requests_ != nullptr) self->accept_all();
                         });
  }

  void close() {
    requests_.reset();
    runtime_.reactor().others_listen(-1);
    for (const Held& connection : connections_) drop(*connection);
    connections_.clear();
    pause_.cancel();
    look_.cancel();
    acceptor_.close();
    ::unlink(path_.c_str());
  }

 private:
  void accept_all() {
    for (;;) {
      UniqueFd fd(
          ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd.valid()) {
        begin(std::move(fd));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return accept_next();
      // No descriptor is left: later.
      pause_.expires_after(kAcceptPause);
      return pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && self->requests_ != nullptr) self->accept_next();
      });
    }
  }

  void begin(UniqueFd fd) {
    const char* refusal = nullptr;
    if (!may_ask(fd.get())) refusal = "this weft belongs to another user";
    forget_closed();
    if (connections_.size() >= kConnectionsMax) refusal = "too many connections";
    if (refusal != nullptr) {
      const std::string line = "{\"ok\":false,\"error\":\"" + std::string(refusal) + "\"}\n";
      (void)::send(fd.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    }
    auto connection = std::make_shared<Connection>(io_, fd.release());
    connections_.push_back(connection);
    if (connections_.size() == 1) look_later();
    put(connection, requests_->greeting());
    go_on(connection);
  }

  // The one place that decides what a connection does next.
  void go_on(const Held& connection) {
    Connection& c = *connection;
    if (requests_ == nullptr || !c.descriptor.is_open()) return;
    send_some(c);
    if (!c.descriptor.is_open()) return;
    if (!c.out.empty()) return wait_for(connection, asio::posix::stream_descriptor::wait_write);
    if (c.closes) {
      if (c.ended) return drop(c);
      ::shutdown(c.descriptor.native_handle(), SHUT_WR);
      return wait_for(connection, asio::posix::stream_descriptor::wait_read);
    }
    const std::size_t end = c.in.find('\n');
    if (end == std::string::npos) {
      if (c.ended) return drop(c);
      return wait_for(connection, asio::posix::stream_descriptor::wait_read);
    }
    if (SteadyClock::now() < rest_until_) {
      c.rest.expires_at(rest_until_);
      return c.rest.async_wait([self = shared_from_this(), connection](const auto& error) {
        if (!error) self->go_on(connection);
      });
    }
    answer(connection, end);
    // Not in this handler: others have their turn first.
    c.rest.expires_after(std::chrono::seconds(0));
    c.rest.async_wait([self = shared_from_this(), connection](const auto& error) {
      if (!error) self->go_on(connection);
    });
  }

  void answer(const Held& connection, std::size_t end) {
    const auto begun = SteadyClock::now();
    const std::string line = connection->in.substr(0, end);
    connection->in.erase(0, end + 1);
    put(connection, requests_->answer(line));
    rest_until_ = SteadyClock::now() + kRestFactor * (SteadyClock::now() - begun);
  }

  void put(const Held& connection, const std::string& line) {
    if (connection->out.empty()) connection->out_since = SteadyClock::now();
    connection->out += line;
  }

  void wait_for(const Held& connection, asio::posix::stream_descriptor::wait_type what) {
    const bool reads = what == asio::posix::stream_descriptor::wait_read;
    connection->descriptor.async_wait(
        what, [self = shared_from_this(), connection, reads](const auto& error) {
          if (error || self->requests_ == nullptr) return;
          if (reads) self->receive(connection);
          self->go_on(connection);
        });
  }

  void receive(const Held& connection) {
    Connection& c = *connection;
    if (!c.descriptor.is_open()) return;
    char bytes[kReadMax];
    const ssize_t got = ::recv(c.descriptor.native_handle(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0) c.ended = true;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return drop(c);
    if (got > 0 && !c.closes) c.in.append(bytes, static_cast<std::size_t>(got));
    if (c.in.size() > kLineMax && c.in.find('\n') == std::string::npos) {
      put(connection, "{\"ok\":false,\"error\":\"a request has at most 65536 bytes\"}\n");
      c.in.clear();
      c.closes = true;
    }
  }

  void send_some(Connection& c) {
    while (!c.out.empty()) {
      const ssize_t sent = ::send(c.descriptor.native_handle(), c.out.data(), c.out.size(),
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        c.out.erase(0, static_cast<std::size_t>(sent));
        c.out_since = SteadyClock::now();
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        return drop(c);
      }
    }
  }

  void drop(Connection& c) {
    c.rest.cancel();
    if (c.descriptor.is_open()) c.descriptor.close();
  }

  void forget_closed() {
    connections_.remove_if([](const Held& held) { return !held->descriptor.is_open(); });
  }

  // While there are connections, or something is counted.
  void look_later() {
    look_.expires_after(kLook);
    look_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->requests_ != nullptr) self->look();
    });
  }

  void look() {
    const auto longest = std::chrono::nanoseconds(kPatience.ns);
    for (const Held& connection : connections_) {
      const bool is_stuck = (!connection->out.empty() || connection->closes) &&
                            SteadyClock::now() - connection->out_since > longest;
      if (is_stuck) drop(*connection);
    }
    forget_closed();
    requests_->look_at_the_time();
    if (!connections_.empty() || requests_->counts()) look_later();
  }

  Runtime& runtime_;
  const std::string path_;
  asio::io_context& io_;
  asio::posix::stream_descriptor acceptor_;
  asio::steady_timer pause_;
  asio::steady_timer look_;
  std::list<Held> connections_;
  SteadyClock::time_point rest_until_;

 public:
  std::unique_ptr<Requests> requests_;  // nullptr: closed.
};

Result<std::unique_ptr<ControlServer>> ControlServer::open(Runtime& runtime,
                                                           const ControlOptions& options) {
  auto fd = listen_at(options.path);
  if (!fd) return fd.error();
  auto state = std::make_shared<State>(runtime, options, std::move(*fd));
  state->accept_next();
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(state)));
}

ControlServer::~ControlServer() {
  state_->close();
}

Result<std::string> control_folder() {
  const char* base = std::getenv("XDG_RUNTIME_DIR");
  if (base == nullptr || *base != '/') {
    return Error{"XDG_RUNTIME_DIR is not set"};
  }
  std::string folder = std::string(base) + "/weft";
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) return errno_error(folder, errno);
  struct stat found = {};
  if (::lstat(folder.c_str(), &found) != 0) return errno_error(folder, errno);
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & kOthers) != 0) {
    return Error{folder + " must be a folder that only its user can enter: mode 0700"};
  }
  return folder;
}

Result<int> connect_to(const std::string& path, int& error) {
  const auto address = address_of(path);
  if (!address) {
    error = ENAMETOOLONG;
    return address.error();
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error("no socket", error = errno);
  const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
  if (::connect(fd.get(), generic, sizeof *address) == 0) return fd.release();
  error = errno;
  if (error == ECONNREFUSED) {
    return Error{path + ": no weft serves it any more: it was killed; remove the file"};
  }
  return errno_error(path, error);
}

}  // namespace weft::control
