// SPDX-License-Identifier: Apache-2.0
#include "tools/test_workers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

#include "base/unique_fd.h"
#include "tools/messages.h"
#include "tools/noted_signals.h"

namespace weft::tools {
namespace {

static_assert(sizeof(SeedRun) <= 512, "written to a pipe in one piece");

struct Worker {
  pid_t pid = -1;
  UniqueFd from;
  std::uint64_t next_seed = 0;  // Its first seed that it has said nothing of.
  bool done = false;
};

// A worker ends when its parent ends, in whatever way: the kernel sends it a signal. It also gets
// the signals that a terminal sends to all. It must keep nobody waiting: it closes the parent's
// stdout and the reading ends of all pipes, so that its write fails when the parent is gone.
void end_with_parent(pid_t parent, std::vector<Worker>& others, UniqueFd& own_reading_end) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(1);  // It died before that line.
  NotedSignals::end_at_once();
  for (Worker& other : others) other.from.reset();
  own_reading_end.reset();
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(null.get(), STDOUT_FILENO);
}

// Leaves by _Exit only: the objects on a worker's stack are copies of the parent's, which cleans
// up.
[[noreturn]] void work(int to, const MakeRunOnce& make, const sim::ExploreOptions& options,
                       unsigned number, const SearchKind& kind) noexcept try {
  const auto once = make();
  if (!once) std::_Exit(complain("test", once.error(), 1));
  for (std::uint64_t i = number; i < options.seeds; i += kind.jobs) {
    const auto settings = sim::of_seed(options.settings, options.settings.seed + i);
    const sim::RunRecord record = sim::run_checked(*once, settings, options.twice);
    const SeedRun run{.seed = settings.seed,
                      .steps = record.steps,
                      .decisions = record.schedule.decisions,
                      .deviations = record.schedule.deviations.size(),
                      .order = record.order,
                      .ending = record.ending,
                      .leaks_undecided = record.leaks_undecided};
    if (::write(to, &run, sizeof run) != sizeof run) break;
    if (record.failed() && !kind.keep_going) break;
  }
  std::_Exit(0);
} catch (const std::exception& error) {
  std::fprintf(stderr, "weft: test: %s\n", error.what());
  std::_Exit(1);
} catch (...) {
  std::_Exit(1);
}

class Search {
 public:
  Search(const sim::ExploreOptions& options, const SearchKind& kind, SearchProgress& progress)
      : options_(options), kind_(kind), progress_(progress) {}
  ~Search() {
    for (Worker& worker : workers_) {
      if (!worker.done) ::kill(worker.pid, SIGKILL);
      if (worker.pid > 0) (void)::waitpid(worker.pid, nullptr, 0);
    }
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  Status start(const MakeRunOnce& make) {
    for (unsigned number = 0; number < kind_.jobs; ++number) {
      int ends[2];
      if (::pipe2(ends, O_CLOEXEC) != 0) {
        return refused_by_host(std::string("no pipe: ") + std::strerror(errno));
      }
      UniqueFd from(ends[0]);
      UniqueFd to(ends[1]);
      std::fflush(nullptr);
      const pid_t parent = ::getpid();
      const pid_t pid = ::fork();
      if (pid < 0) return refused_by_host(std::string("no process: ") + std::strerror(errno));
      if (pid == 0) {
        end_with_parent(parent, workers_, from);
        work(to.get(), make, options_, number, kind_);
      }
      workers_.push_back({pid, std::move(from), options_.settings.seed + number, false});
    }
    return Nothing{};
  }

  Status collect() {
    while (anything_to_wait_for()) {
      std::vector<pollfd> polled;
      polled.reserve(workers_.size());
      for (const Worker& worker : workers_) {
        polled.push_back(
            {.fd = worker.done ? -1 : worker.from.get(), .events = POLLIN, .revents = 0});
      }
      // A signal may come just before poll: then it is seen after at most this time.
      constexpr int kLookMs = 100;
      if (::poll(polled.data(), polled.size(), kLookMs) < 0 && errno != EINTR) break;
      NotedSignals::check();
      for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (polled[i].revents == 0) continue;
        if (Status read = take(workers_[i]); !read) return read;
      }
      progress_.show(result.schedules);
      if (progress_.time_is_over() && anything_to_wait_for()) {
        result.ended_early = true;
        break;
      }
    }
    return Nothing{};
  }

  SeedSearch result;

 private:
  bool anything_to_wait_for() const {
    for (const Worker& worker : workers_) {
      const bool matters =
          kind_.keep_going || !result.failing_seed || worker.next_seed < *result.failing_seed;
      if (!worker.done && matters) return true;
    }
    return false;
  }

  Status take(Worker& worker) {
    SeedRun run;
    const ssize_t got = ::read(worker.from.get(), &run, sizeof run);
    if (got != sizeof run) {
      worker.done = true;
      int status = 0;
      (void)::waitpid(worker.pid, &status, 0);
      worker.pid = -1;
      if (WIFSIGNALED(status) && NotedSignals::is_noted_kind(WTERMSIG(status))) {
        // What a terminal sends to all may reach a worker a moment earlier.
        constexpr int kMomentMs = 50;
        ::poll(nullptr, 0, kMomentMs);
        NotedSignals::check();
        return Error{"the process that ran seed " + std::to_string(worker.next_seed) +
                     " was ended by signal " + std::to_string(WTERMSIG(status))};
      }
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return Error{"the process that ran seed " + std::to_string(worker.next_seed) +
                     " died; that is a bug of weft"};
      }
      return Nothing{};
    }
    ++result.schedules;
    result.steps += run.steps;
    if (kind_.keep_runs) result.runs.push_back(run);
    worker.next_seed = run.seed + kind_.jobs;
    const bool failed = run.ending != sim::Ending::passed;
    if (!failed) result.longest = std::max(result.longest, run.steps);
    if (!failed) result.leaks_undecided = result.leaks_undecided || run.leaks_undecided;
    if (failed && (!result.failing_seed || run.seed < *result.failing_seed)) {
      result.failing_seed = run.seed;
    }
    return Nothing{};
  }

  const sim::ExploreOptions& options_;
  const SearchKind kind_;
  std::vector<Worker> workers_;
  SearchProgress& progress_;
};

}  // namespace

Result<SeedSearch> search_seeds(const MakeRunOnce& make, const sim::ExploreOptions& options,
                                const SearchKind& kind, SearchProgress& progress) {
  Search search(options, kind, progress);
  if (Status started = search.start(make); !started) return started.error();
  if (Status collected = search.collect(); !collected) return collected.error();
  std::vector<SeedRun>& runs = search.result.runs;
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.seed < b.seed; });
  return std::move(search.result);
}

}  // namespace weft::tools
