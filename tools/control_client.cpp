// SPDX-License-Identifier: Apache-2.0
#include "tools/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/printable.h"
#include "control/control_server.h"
#include "control/json.h"
#include "control/requests.h"

namespace weft::tools {
namespace {

namespace json = boost::json;

// A weft answers in its loop's own turns; a module that is being compiled can hold it up.
constexpr int kGreetingMs = 5'000;
constexpr int kAnswerMs = 60'000;
constexpr std::size_t kAnswerMax = std::size_t{256} << 20;

Result<std::string> folder_of_sockets() {
  auto folder = control::control_folder();
  if (folder) return folder;
  return Error{folder.error().message +
               "; give the path of the socket that weft run --control=PATH has made"};
}

bool is_number(const std::string& word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Of a weft that was killed: no process has the number in its name, and nobody serves it.
bool was_left_behind(const std::filesystem::path& path) {
  constexpr std::size_t kDigitsMax = 9;
  const std::string pid = path.stem().string();
  if (!is_number(pid) || pid.size() > kDigitsMax) return false;
  if (::kill(std::stoi(pid), 0) == 0 || errno != ESRCH) return false;
  int error = 0;
  const auto fd = control::connect_to(path.string(), error);
  if (fd) ::close(*fd);
  return !fd && error == ECONNREFUSED;
}

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& weft) {
  std::string path = weft;
  if (is_number(weft)) {
    auto folder = folder_of_sockets();
    if (!folder) return folder.error();
    path = *folder + "/" + weft + ".sock";
  }
  int error = 0;
  auto fd = control::connect_to(path, error);
  if (!fd && error == ENOENT) {
    return Error{path + ": no weft is there; weft run --control makes the socket"};
  }
  if (!fd) return fd.error();
  ControlClient client(UniqueFd(*fd), path);
  if (Status greeted = client.greet(); !greeted) return greeted.error();
  return client;
}

Status ControlClient::greet() {
  auto said = line(kGreetingMs);
  const Error no_weft{path_ + ": what answers there is no weft"};
  if (!said) return no_weft;
  const auto greeting = control::read_object(*said);
  if (!greeting) return no_weft;
  std::string wrong;
  const control::JsonFields fields(*greeting, wrong);
  if (fields.has("error")) return Error{path_ + ": " + printable(fields.text("error"))};
  const std::uint64_t version = fields.number("control");
  const std::string weft = fields.text("weft");
  if (!wrong.empty()) return no_weft;
  if (version != control::kProtocolVersion) {
    return Error{path_ + ": weft " + printable(weft) + " there speaks version " +
                 std::to_string(version) + " of the control protocol, and this weft version " +
                 std::to_string(control::kProtocolVersion)};
  }
  pid_ = fields.number("pid");
  program_ = fields.text("program");
  return Nothing{};
}

Result<std::string> ControlClient::line(int timeout_ms) {
  for (;;) {
    if (const std::size_t end = in_.find('\n'); end != std::string::npos) {
      std::string line = in_.substr(0, end);
      in_.erase(0, end + 1);
      return line;
    }
    if (in_.size() > kAnswerMax) return Error{path_ + ": an answer without an end"};
    pollfd polled{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&polled, 1, timeout_ms);
    if (ready == 0) return Error{path_ + ": no answer"};
    if (ready < 0 && errno != EINTR) return Error{path_ + ": " + std::strerror(errno)};
    if (ready < 0) continue;
    char bytes[64 * 1024];
    const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (got == 0) return Error{path_ + ": that weft has ended"};
    if (got < 0 && errno != EINTR) return Error{path_ + ": " + std::strerror(errno)};
    if (got > 0) in_.append(bytes, static_cast<std::size_t>(got));
  }
}

Result<json::object> ControlClient::ask(const json::object& request) {
  const std::string text = json::serialize(request) + "\n";
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t sent = ::send(fd_.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Error{path_ + ": that weft has ended"};
    at += static_cast<std::size_t>(sent);
  }
  auto said = line(kAnswerMs);
  if (!said) return said.error();
  auto answer = control::read_object(*said);
  if (!answer) return Error{path_ + ": the answer is " + answer.error().message};
  std::string wrong;
  const control::JsonFields fields(*answer, wrong);
  if (!fields.flag("ok")) return Error{printable(fields.text("error"))};
  return answer;
}

Result<std::vector<std::string>> control_sockets() {
  auto folder = folder_of_sockets();
  if (!folder) return folder.error();
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(*folder, error)) {
    if (entry.path().extension() != ".sock") continue;
    if (was_left_behind(entry.path())) {
      (void)::unlink(entry.path().c_str());
    } else {
      paths.push_back(entry.path().string());
    }
  }
  if (error) return Error{*folder + ": " + error.message()};
  std::sort(paths.begin(), paths.end(), [](const auto& a, const auto& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return paths;
}

Result<std::string> meant_weft(const std::string& word) {
  if (!word.empty()) return word;
  const auto paths = control_sockets();
  if (!paths) return paths.error();
  std::vector<std::string> living;
  for (const std::string& path : *paths) {
    if (ControlClient::connect(path)) living.push_back(path);
  }
  if (living.size() == 1) return living.front();
  if (living.empty()) return Error{"no weft runs with --control"};
  return Error{std::to_string(living.size()) +
               " wefts run; name one by its process id: weft ps lists them"};
}

}  // namespace weft::tools
