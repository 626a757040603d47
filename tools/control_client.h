// SPDX-License-Identifier: Apache-2.0
// ControlClient: the other end of a control socket (control/control_server.h), for the commands
// that look into a running weft.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace weft::tools {

class ControlClient {
 public:
  // `weft`: a process id, whose socket is in the usual folder, or the path of a socket. The error
  // names the path: nobody is there, nobody serves it, what answers is no weft or another version.
  static Result<ControlClient> connect(const std::string& weft);

  // Asks, and waits for the answer. The error is what that weft says, or that it has ended.
  Result<boost::json::object> ask(const boost::json::object& request);

  [[nodiscard]] std::uint64_t pid() const { return pid_; }
  [[nodiscard]] const std::string& program() const { return program_; }

 private:
  ControlClient(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Status greet();
  // Without its end; at most so long, in real time.
  Result<std::string> line(int timeout_ms);

  UniqueFd fd_;
  std::string path_;
  std::string in_;
  std::uint64_t pid_ = 0;
  std::string program_;
};

// The sockets of all of this user's running wefts, by process id. Removes what those that were
// killed have left.
Result<std::vector<std::string>> control_sockets();

// The one weft that is meant: that of the word, or the only one that runs.
Result<std::string> meant_weft(const std::string& word);

}  // namespace weft::tools
