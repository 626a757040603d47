// SPDX-License-Identifier: Apache-2.0
#include "tools/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace weft::tools {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr int kPortMax = 65'535;

struct HostPort {
  std::string host;  // Empty: every address.
  std::string port;
};

Error about(const std::string& address, const std::string& what) {
  return Error{address + ": " + what};
}

Error about_errno(const std::string& address, const char* call) {
  const int error = errno;
  const std::string what = error == EADDRINUSE ? "is in use by another socket"
                                               : std::string(call) + ": " + std::strerror(error);
  return refused_by_host(address + ": " + what);
}

bool is_port(const std::string& text) {
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return !text.empty() && text.size() <= 5 && digits && std::stoi(text) <= kPortMax;
}

Result<HostPort> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return about(address, "is neither HOST:PORT nor unix:PATH");
  }
  HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
  if (!is_port(parts.port)) {
    return about(address, "'" + parts.port + "' is no port (0 to 65535)");
  }
  const bool bracketed = parts.host.starts_with('[') && parts.host.ends_with(']');
  if (bracketed) {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find_first_of(":[]") != std::string::npos) {
    return about(address, "write an IPv6 address in brackets, [::1]:8080");
  }
  return parts;
}

Result<sockaddr_un> unix_address(const std::string& address) {
  const std::string path = address.substr(kUnix.size());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty()) return about(address, "names no path");
  if (path.size() >= sizeof name.sun_path) {
    return about(address, "the path is too long for a unix socket (107 bytes)");
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  return name;
}

// Binds and listens on one address.
Status start(int fd, const std::string& address, const sockaddr* name, socklen_t length) {
  if (::bind(fd, name, length) != 0) return about_errno(address, "bind");
  if (::listen(fd, SOMAXCONN) != 0) return about_errno(address, "listen");
  return Nothing{};
}

UniqueFd make_socket(int family) {
  return UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A socket file that nobody listens on any more.
bool is_left_over(const sockaddr_un& name) {
  struct stat status = {};
  if (::lstat(name.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const UniqueFd probe = make_socket(AF_UNIX);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  return probe.valid() && ::connect(probe.get(), address, sizeof name) != 0 &&
         errno == ECONNREFUSED;
}

std::string port_of(int fd) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return "?";
  const bool six = name.ss_family == AF_INET6;
  const auto port = six ? reinterpret_cast<const sockaddr_in6&>(name).sin6_port
                        : reinterpret_cast<const sockaddr_in&>(name).sin_port;
  return std::to_string(ntohs(port));
}

}  // namespace

Status check_address(const std::string& address) {
  if (address.starts_with(kUnix)) {
    const auto name = unix_address(address);
    return name ? Status(Nothing{}) : Status(name.error());
  }
  const auto parts = split(address);
  return parts ? Status(Nothing{}) : Status(parts.error());
}

Listener::Listener(UniqueFd fd, std::string address, std::string unix_path)
    : fd_(std::move(fd)), address_(std::move(address)), unix_path_(std::move(unix_path)) {}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::move(other.fd_)),
      address_(std::move(other.address_)),
      unix_path_(std::exchange(other.unix_path_, {})) {}

Listener::~Listener() {
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<Listener> Listener::open(const std::string& address) {
  if (address.starts_with(kUnix)) {
    const auto name = unix_address(address);
    if (!name) return name.error();
    if (is_left_over(*name)) ::unlink(name->sun_path);
    UniqueFd fd = make_socket(AF_UNIX);
    if (!fd.valid()) return about_errno(address, "socket");
    const auto* to = reinterpret_cast<const sockaddr*>(&*name);
    if (Status started = start(fd.get(), address, to, sizeof *name); !started) {
      return started.error();
    }
    return Listener(std::move(fd), address, name->sun_path);
  }

  const auto parts = split(address);
  if (!parts) return parts.error();
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = parts->host.empty() ? nullptr : parts->host.c_str();
  if (const int e = ::getaddrinfo(host, parts->port.c_str(), &hints, &found); e != 0) {
    const std::string what = address + ": " + ::gai_strerror(e);
    return e == EAI_NONAME ? Error{what} : refused_by_host(what);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(found, &::freeaddrinfo);
  UniqueFd fd = make_socket(found->ai_family);
  if (!fd.valid()) return about_errno(address, "socket");
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (Status started = start(fd.get(), address, found->ai_addr, found->ai_addrlen); !started) {
    return started.error();
  }
  const std::string before_port = address.substr(0, address.rfind(':') + 1);
  std::string bound = before_port + port_of(fd.get());
  return Listener(std::move(fd), std::move(bound), {});
}

}  // namespace weft::tools
