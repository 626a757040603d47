// SPDX-License-Identifier: Apache-2.0
#include "tools/worker_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <thread>

#include "base/printable.h"
#include "sim/quantities.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/nats_options.h"
#include "tools/nats_queue.h"
#include "tools/noted_signals.h"
#include "tools/part_child.h"
#include "tools/test_reports.h"
#include "tools/whole_file.h"
#include "tools/worker_folder.h"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWorkerJobsMax = 64;
constexpr int kLookMs = 100;
using Clock = std::chrono::steady_clock;
constexpr Clock::duration kPauseMin = std::chrono::seconds(1);
constexpr Clock::duration kPauseMax = std::chrono::seconds(30);
constexpr Duration kMasterTimeoutMin = seconds(2);  // It says something each second.

struct WorkerApp {
  CLI::App app{
      "Runs parts of the searches that weft test --nats has put on a NATS server, until it is "
      "ended.\nweft worker --nats URL [options]",
      "weft worker"};
  NatsOptions nats;
  std::string jobs;
  std::string master_timeout;
  WorkerApp() {
    add_nats_options(app, nats, "Options");
    app.get_option("--nats")->required();
    app.add_option("--jobs", jobs, "Processes that work in parallel (default 1)")
        ->type_name("NUMBER");
    app.add_option("--master-timeout", master_timeout,
                   "Give a part back when nothing was heard of its search for so long (default "
                   "30s)")
        ->type_name("TIME");
    app.footer(
        "SIGINT and SIGTERM give the current part back and end the worker with 0. Exit code 2:\n"
        "the server has ended the connection; 64: wrong use; 66: there is no such server, or it\n"
        "has no JetStream; 71: the system refuses.");
  }
};

// "host/4711"
std::string own_name() {
  char host[256] = "";
  (void)::gethostname(host, sizeof host - 1);
  return std::string(host) + "/" + std::to_string(::getpid());
}

class Worker {
 public:
  Worker(WorkerQueue& queue, std::string folder, std::string name, unsigned jobs)
      : queue_(queue), folder_(std::move(folder)), name_(std::move(name)), jobs_(jobs) {}

  // Until a signal ends it: throws Interrupted. The part is given back.
  Error run() {
    for (;;) {
      NotedSignals::check();
      forget_those_over();
      auto taken = queue_.take();
      if (!taken) return taken.error();
      if (!*taken) continue;
      try {
        run_part(**taken);
      } catch (const Interrupted&) {
        queue_.give_back();
        throw;
      }
    }
  }

 private:
  // What goes wrong is told to the master, which gives the part out again.
  void run_part(const TakenPart& taken) {
    const std::string where = folder_ + "/" + taken.search;
    auto child = start(taken, where);
    if (!child) {
      if (!queue_.goes_on()) return queue_.leave();
      send({taken.part, name_, "", child.error().message, false}, taken);
      return pause();
    }
    auto verdict = verdict_of(*child, where);
    if ((verdict && !*verdict) || !queue_.goes_on()) return queue_.leave();
    PartReport report{taken.part, name_, "", ""};
    if (verdict) {
      report.verdict = std::move(**verdict);
    } else {
      report.error = verdict.error().message;
    }
    send(report, taken);
    if (!verdict) return pause();
    pause_ = kPauseMin;
  }

  void send(const PartReport& report, const TakenPart& taken) {
    if (!report.error.empty()) tell(taken, Error{report.error});
    if (Status sent = queue_.send(report); !sent) {
      tell(taken, sent.error());
      queue_.give_back();
    }
  }

  static void tell(const TakenPart& taken, const Error& error) {
    say("worker: part " + std::to_string(taken.part) + ": " + printable(error.message));
  }

  // So that a broken worker does not take the parts from the others as fast as it can.
  void pause() {
    const auto until = Clock::now() + pause_;
    pause_ = std::min(2 * pause_, kPauseMax);
    while (Clock::now() < until) {
      NotedSignals::check();
      std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
    }
  }

  Result<PartChild> start(const TakenPart& taken, const std::string& where) {
    if (Status ok = ready(taken, where); !ok) {
      std::error_code ignored;
      specs_.erase(taken.search);
      fs::remove_all(where, ignored);
      return ok.error();
    }
    const SearchSpec& spec = specs_.at(taken.search);
    if (taken.part < 1 || taken.part > spec.parts) return Error{"there is no such part"};
    return PartChild::start(
        words_of_part(spec, taken.part, "run/verdict.json", "run/failing.replay", jobs_), where);
  }

  // The files of the search are there, and an empty folder for the run.
  Status ready(const TakenPart& taken, const std::string& where) {
    std::error_code error;
    if (!specs_.contains(taken.search)) {
      auto spec = queue_.spec();
      if (!spec) return spec.error();
      for (std::size_t n = 0; n < spec->files.size(); ++n) {
        const std::string path = fmt::format("{}/{}", where, stored_path(*spec, n));
        fs::create_directories(fs::path(path).parent_path(), error);
        if (Status fetched = queue_.fetch(spec->files[n], path); !fetched) return fetched;
      }
      specs_.emplace(taken.search, std::move(*spec));
    }
    fs::remove_all(where + "/run", error);
    fs::create_directories(where + "/run", error);
    if (error) return refused_by_host(where + ": " + error.message());
    return Nothing{};
  }

  // Nothing: nobody needs it any more.
  Result<std::optional<std::string>> verdict_of(PartChild& child, const std::string& where) {
    while (!child.wait(kLookMs)) {
      NotedSignals::check();
      if (!queue_.goes_on()) return std::optional<std::string>{};
    }
    if (child.code() != 0 && child.code() != kExitFailing) {
      const std::string words = printable(child.last_words());
      return Error{fmt::format("the process that ran it ended with {}{}{}", child.code(),
                               words.empty() ? "" : ": ", words)};
    }
    auto verdict = read_whole_file(where + "/run/verdict.json");
    if (!verdict) return verdict.error();
    return std::optional(std::move(*verdict));
  }

  void forget_those_over() {
    std::error_code ignored;
    std::erase_if(specs_, [&](const auto& one) {
      if (!queue_.is_over(one.first)) return false;
      fs::remove_all(folder_ + "/" + one.first, ignored);
      return true;
    });
  }

  WorkerQueue& queue_;
  const std::string folder_;
  const std::string name_;
  const unsigned jobs_;
  std::map<std::string, SearchSpec> specs_;  // Whose files are there.
  Clock::duration pause_ = kPauseMin;        // After the next failure.
};

int work(const WorkerApp& cli, unsigned jobs, Duration master_timeout) {
  const std::string name = own_name();
  auto queue = nats_worker(cli.nats, name, master_timeout);
  if (!queue) return complain("worker", queue.error(), kExitNoModule);
  auto folder = WorkerFolder::make();
  if (!folder) return complain("worker", folder.error(), kExitHost);
  say("worker: " + name + " waits for parts");
  Worker worker(**queue, (*folder)->path(), name, jobs);
  return complain("worker", worker.run(), kExitFatal);
}

}  // namespace

int worker_command(const std::vector<std::string>& args) {
  WorkerApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  std::uint64_t jobs = 1;
  if (!cli.jobs.empty()) {
    auto read = read_count("--jobs", cli.jobs, 1, kWorkerJobsMax);
    if (!read) return print(wrong_use("worker", read.error().message));
    jobs = *read;
  }
  Duration master_timeout = kMasterTimeout;
  if (!cli.master_timeout.empty()) {
    auto read = read_time("--master-timeout", cli.master_timeout);
    if (!read) return print(wrong_use("worker", read.error().message));
    if (*read < kMasterTimeoutMin) {
      return print(wrong_use("worker", "--master-timeout wants 2s at least"));
    }
    master_timeout = *read;
  }
  if (const Status ok = check_nats_options(cli.nats); !ok) {
    return print(wrong_use("worker", ok.error().message));
  }
  std::signal(SIGPIPE, SIG_IGN);
  const NotedSignals signals;
  try {
    return work(cli, static_cast<unsigned>(jobs), master_timeout);
  } catch (const Interrupted&) {
    say("worker: ended");
    return 0;
  }
}

CommandHelp worker_help() {
  return describe(WorkerApp().app);
}

}  // namespace weft::tools
