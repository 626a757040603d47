// SPDX-License-Identifier: Apache-2.0
// Listener: a listening socket for a guest, made from what the user wrote behind --listen.
//
//   127.0.0.1:8080  [::1]:8080  localhost:8080  :8080 (every address)  unix:/run/a.sock
//
// The Listener that made the name of a unix socket removes it. A name that a dead process left is
// replaced; one on which a process listens is not.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::tools {

class Listener {
 public:
  // Binds and listens; non-blocking, CLOEXEC, and SO_REUSEADDR for internet addresses. The error
  // names the address.
  static Result<Listener> open(const std::string& address);

  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Where it listens: as given, with the port that the system chose in place of port 0.
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  Listener(UniqueFd fd, std::string address, std::string unix_path);

  UniqueFd fd_;
  std::string address_;
  std::string unix_path_;  // To remove; else empty.
};

// Is the address well formed? Looks up nothing. The error says what is wrong.
Status check_address(const std::string& address);

}  // namespace weft::tools
