// SPDX-License-Identifier: Apache-2.0
#include "tools/tier_up.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <new>

#include "base/unique_fd.h"
#include "guest/aot/compiler.h"
#include "tools/modules.h"

namespace weft::tools {
namespace {

// As a process of its own session, with the signals that a program is born with.
pid_t start(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (int fd = 0; fd < 3; ++fd) {
    posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY, 0);
  }
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_t settings;
  posix_spawnattr_init(&settings);
  posix_spawnattr_setflags(&settings,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&settings, &none);
  posix_spawnattr_setsigdefault(&settings, &all);
  pid_t pid = -1;
  if (::posix_spawnp(&pid, words.front().c_str(), &files, &settings, pointers.data(), environ) !=
      0) {
    pid = -1;
  }
  posix_spawnattr_destroy(&settings);
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

// A session is a group of its own where the kernel groups sessions (sched_autogroup), and the nice
// value of a process then counts within its group alone. Without such groups there is nothing to
// write.
void make_group_nice(pid_t session) {
  const std::string path = "/proc/" + std::to_string(session) + "/autogroup";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.valid() && ::write(file.get(), "19", 2) == 2) return;
}

}  // namespace

TierUp::TierUp(const RunOptions& options, Clock& clock) : options_(options), clock_(clock) {
  std::error_code ignored;
  weft_ = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (find_compiler(options.engine_options.aot.cc).empty()) weft_.clear();
}

TierUp::~TierUp() {
  if (compiler_ > 0) ::waitpid(compiler_, nullptr, WNOHANG);
}

void TierUp::on_event(const GEvent& event) noexcept try {
  if (event.g.owner == nullptr) return;
  const auto& guest = *static_cast<const Guest*>(event.g.owner);
  Spent& spent = spent_[&guest];
  if (event.to == GState::dead) {
    spent_.erase(&guest);
    return;
  }
  if (spent.done) return;
  const Instant now = clock_.now();
  if (event.to == GState::running) spent.since = now;
  if (event.from != GState::running) return;
  spent.on_cpu.ns += (now - spent.since).ns;
  if (spent.on_cpu < kComputes) return;
  spent.done = true;
  worth_it(guest);
} catch (const std::bad_alloc&) {
  return;  // A later run may have the memory.
}

void TierUp::worth_it(const Guest& guest) {
  if (weft_.empty() || std::strcmp(guest.engine(), "jit") != 0) return;
  const std::string* path = path_of(guest);
  if (path == nullptr || std::find(known_.begin(), known_.end(), *path) != known_.end()) return;
  known_.push_back(*path);
  waiting_.push_back(*path);
  start_next();
}

void TierUp::start_next() {
  if (compiler_ > 0 && ::waitpid(compiler_, nullptr, WNOHANG) == 0) return;
  compiler_ = -1;
  if (waiting_.empty()) return;
  // By more than there is from any value to the lowest: nice adds it to the starter's.
  std::vector<std::string> words{"nice", "-n", "39", weft_, "compile"};
  const AotOptions& aot = options_.engine_options.aot;
  if (!aot.cc.empty()) words.insert(words.end(), {"--cc", aot.cc});
  if (aot.bounds != Bounds::automatic) {
    words.emplace_back(aot.bounds == Bounds::guard ? "--bounds=guard" : "--bounds=check");
  }
  words.insert(words.end(), {"--", waiting_.front()});
  waiting_.pop_front();
  compiler_ = start(words);
  if (compiler_ > 0) make_group_nice(compiler_);
}

// Guests are numbered in the order of the command line. A module from stdin can't be read again.
const std::string* TierUp::path_of(const Guest& guest) const {
  std::size_t behind = 1;
  for (const GuestSpec& spec : options_.guests) {
    behind += static_cast<std::size_t>(spec.copies);
    if (guest.number() >= behind) continue;
    return spec.module_path == kStdinModule ? nullptr : &spec.module_path;
  }
  return nullptr;
}

}  // namespace weft::tools
