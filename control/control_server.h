// SPDX-License-Identifier: Apache-2.0
// ControlServer: a socket on which a running weft answers what its user asks (control/requests.h).
//
//   auto control = weft::control::ControlServer::open(runtime, {.path = "/run/.../7.sock"});
//   runtime.run();          // weft ps, weft top, weft kill ... reach it meanwhile
//
// The socket has mode 0600, and only processes of the same user (or root) are answered. Everything
// happens in handlers of the runtime's loop, between the guests' turns; no thread, and nothing on
// the path of a switch until somebody asks. A line is a request, a line the answer to it:
//
//   connection ── line ─▶ Requests ─▶ answer ── taken whole ─▶ the next line is read
//                  └─ longer than kLineMax: an error, and the connection is closed
//
// Nobody who asks can hurt the guests: a connection has one answer under way at a time; answering
// takes at most a tenth of the thread; a client that does not take its answer for kPatience is
// dropped; there are kConnectionsMax connections.
//
// In an embedder's own loop it keeps io.run() from returning until it is destroyed.
//
// From: the thread of the Runtime.
#pragma once

#include <memory>
#include <string>

#include "guest/runtime.h"

namespace weft::control {

// The bounds of what a client may do, as told above: bytes of a request, connections at once, how
// long an answer may stay untaken.
inline constexpr std::size_t kLineMax = 64 * 1024;
inline constexpr std::size_t kConnectionsMax = 16;
inline constexpr Duration kPatience = seconds(10);

// Where it listens, and what it says of itself.
struct ControlOptions {
  std::string path;           // Of the socket. Its folder must be there.
  std::string program;        // What it is called by weft ps; empty: nothing.
  std::string version = "0";  // The same: of the program.
};

// The socket. It answers from when it is opened until it is destroyed.
class ControlServer {
 public:
  // On the runtime's thread; the runtime must outlive it. A dead socket in the way is removed. The
  // error names the path: somebody serves it, it is no socket, it can't be made.
  static Result<std::unique_ptr<ControlServer>> open(Runtime& runtime,
                                                     const ControlOptions& options);
  // Closes all connections and removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct State;
  explicit ControlServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

// $XDG_RUNTIME_DIR/weft; made when it is not there. Fails when the variable is not set, or the
// folder is not this user's alone.
Result<std::string> control_folder();

// A stream socket connected to this path, or the errno: ECONNREFUSED means that nobody serves it.
Result<int> connect_to(const std::string& path, int& error);

}  // namespace weft::control
