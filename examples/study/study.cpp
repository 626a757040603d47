// SPDX-License-Identifier: Apache-2.0
// Scheduler study: four loads under every policy, in virtual time.
//
//   study [SEEDS [MILLISECONDS]]       prints one JSON object a line, one for each run
//
//   load ─▶ run_native(policy, seed) ─▶ events ─▶ Meter: how long each G waited to run
//      └─▶ items done, what each party got          └─▶ one line
//
// A step of computing is a checkpoint and costs 10 us of virtual time, a switch costs 1 us. So the
// figures are a function of the policy and the seed, and the same on every machine; what they say
// of a real one is docs/research.md's business. examples/study/study.py makes tables and plots.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/wait_group.h"
#include "sim/explore/explore.h"

namespace {

using namespace weft;

constexpr Duration kStep = microseconds(10);
constexpr Duration kSwitch = microseconds(1);
constexpr std::size_t kQuantiles = 64;

// What a load has done so far. It outlives the Gs, which count in it to their end.
struct Sample {
  std::uint64_t items = 0;
  std::deque<double> shares;  // What each of several equal parties got: for Jain's index.
  Random random{1};
};

void work(int steps) {
  for (int i = 0; i < steps; ++i) checkpoint();
}

template <class F>
void start(F f, const char* name) {
  (void)weft::go(std::move(f), {.name = name});
}

// Eight pairs hand a ball back and forth; each stroke is one step.
void ping_pong(Sample& sample) {
  for (int pair = 0; pair < 8; ++pair) {
    auto there = make_chan<int>();
    auto back = make_chan<int>();
    double& share = sample.shares.emplace_back(0);
    start(
        [there, back, &sample, &share]() mutable {
          for (;;) {
            work(1);
            there.send(1);
            (void)back.recv();
            ++sample.items;
            ++share;
          }
        },
        "ping");
    start(
        [there, back]() mutable {
          for (;;) {
            (void)there.recv();
            work(1);
            back.send(1);
          }
        },
        "pong");
  }
}

// Four parents, each again and again: eight children, of which each splits its work among four.
void fork_join(Sample& sample) {
  for (int parent = 0; parent < 4; ++parent) {
    double& share = sample.shares.emplace_back(0);
    start(
        [&sample, &share] {
          for (;;) {
            wait_group children;
            for (int i = 0; i < 8; ++i) {
              children.add(1);
              start(
                  [&children] {
                    wait_group parts;
                    for (int j = 0; j < 4; ++j) {
                      parts.add(1);
                      start(
                          [&parts] {
                            work(5);
                            parts.done();
                          },
                          "leaf");
                    }
                    parts.wait();
                    children.done();
                  },
                  "child");
            }
            children.wait();
            ++sample.items;
            ++share;
          }
        },
        "parent");
  }
}

// Sixteen tickers with half a millisecond of work every 20 ms, beside four Gs that compute without
// end. An item is a tick that was done before the next was due; the parties are the four.
void timers_and_hogs(Sample& sample) {
  for (int hog = 0; hog < 4; ++hog) {
    double& share = sample.shares.emplace_back(0);
    start(
        [&share] {
          for (;;) {
            work(1);
            ++share;
          }
        },
        "hog");
  }
  for (int ticker = 0; ticker < 16; ++ticker) {
    start(
        [&sample, ticker] {
          constexpr Duration kPeriod = milliseconds(20);
          Instant due = now() + milliseconds(ticker);
          for (;; due = due + kPeriod) {
            sleep_until(due);
            work(50);
            if (now() < due + kPeriod) ++sample.items;
          }
        },
        "ticker");
  }
}

// Requests that come by chance, 700 a second, each a G: four in five compute 0.2 ms, one in five 5
// ms, all with an I/O wait of 2 ms in the middle. That keeps the thread busy 81 % of the time. An
// item is a request that was answered; a party is a request, and gets the speed at which it was
// answered (1: as if it were alone).
void web(Sample& sample) {
  start(
      [&sample] {
        for (Instant next = now();;) {
          const double chance = (sample.random.below(1'000'000) + 1) / 1e6;
          next = next + nanoseconds(static_cast<std::int64_t>(-std::log(chance) * 1e9 / 700));
          sleep_until(next);
          const bool is_long = sample.random.below(5) == 0;
          double& share = sample.shares.emplace_back(0);
          start(
              [&sample, &share, is_long, came = next] {
                const int steps = is_long ? 500 : 20;
                const Duration io = milliseconds(2);
                work(steps / 2);
                sleep_for(io);
                work(steps / 2);
                const Duration alone = nanoseconds(kStep.ns * steps + io.ns);
                share = static_cast<double>(alone.ns) / static_cast<double>((now() - came).ns);
                ++sample.items;
              },
              is_long ? "long" : "short");
        }
      },
      "listener");
}

struct Load {
  const char* name;
  void (*run)(Sample& sample);
  const char* stride;  // Parameters of the policies that need names.
  const char* edf;
};
constexpr Load kLoads[] = {
    {"ping-pong", ping_pong, "stride", "edf"},
    {"fork-join", fork_join, "stride", "edf"},
    {"timers + hogs", timers_and_hogs, "stride:ticker=4,hog=1", "edf:ticker=20ms,hog=1s"},
    {"web-like", web, "stride:listener=8,short=2,long=1", "edf:listener=1ms,short=10ms,long=50ms"},
};

// How long each G was runnable each time before it ran.
class Meter final : public sim::EventListener {
 public:
  void on_g(std::uint64_t, std::string_view) noexcept override {}
  void on_event(const sim::Event& event) noexcept override {
    if (event.kind != sim::Event::Kind::state) return;
    if (event.to == GState::runnable) runnable_since_[event.g] = event.at;
    if (event.to != GState::running) return;
    ++switches_;
    waits_.push_back((event.at - runnable_since_[event.g]).ns);
    runnable_since_.erase(event.g);
  }
  // Gs that still wait have waited until now.
  void finish(Instant end) {
    for (const auto& [g, since] : runnable_since_) waits_.push_back((end - since).ns);
    std::sort(waits_.begin(), waits_.end());
  }
  [[nodiscard]] double wait_us(double quantile) const {
    if (waits_.empty()) return 0;
    const auto place = static_cast<std::size_t>(quantile * static_cast<double>(waits_.size()));
    return static_cast<double>(waits_[std::min(place, waits_.size() - 1)]) / 1000;
  }
  [[nodiscard]] std::uint64_t switches() const { return switches_; }

 private:
  std::unordered_map<std::uint64_t, Instant> runnable_since_;
  std::vector<std::int64_t> waits_;
  std::uint64_t switches_ = 0;
};

// Jain's index: 1 when all got the same, 1/n when one got everything.
double jain(const std::deque<double>& shares) {
  double sum = 0;
  double squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 0;
}

void measure(const Load& load, const std::string& policy, std::uint64_t seed, Duration span) {
  Sample sample;
  sample.random = Random(seed);
  Meter meter;
  sim::RunSettings settings;
  settings.seed = seed;
  settings.policy = *sim::parse_policy(policy);
  settings.cost = kStep;
  settings.switch_cost = kSwitch;
  settings.time_max = span;
  settings.listener = &meter;
  const sim::RunRecord record = sim::run_native(
      [&] {
        load.run(sample);
        park(WaitReason::none);
      },
      settings);
  if (record.ending != sim::Ending::timed_out) {
    std::fprintf(stderr, "study: %s under %s: %s: %s\n", load.name, policy.c_str(),
                 name(record.ending), record.message.c_str());
    std::exit(1);
  }
  meter.finish(sim::kMonotonicStart + span);
  const double seconds = static_cast<double>(span.ns) / 1e9;
  std::printf("{\"load\": \"%s\", \"policy\": \"%s\", \"seed\": %llu, \"throughput\": %.1f, ",
              load.name, settings.policy.name.c_str(), static_cast<unsigned long long>(seed),
              static_cast<double>(sample.items) / seconds);
  std::printf("\"jain\": %.4f, \"p99_wait_us\": %.1f, \"switches\": %.1f, \"waits_us\": [",
              jain(sample.shares), meter.wait_us(0.99),
              static_cast<double>(meter.switches()) / seconds);
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    const double quantile = static_cast<double>(i) / kQuantiles;
    std::printf("%s%.1f", i == 0 ? "" : ", ", meter.wait_us(quantile));
  }
  std::printf("]}\n");
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 5;
  const int ms = argc > 2 ? std::atoi(argv[2]) : 1000;
  if (argc > 3 || seeds < 1 || ms < 1) {
    std::fputs("usage: study [SEEDS [MILLISECONDS]]\n", stderr);
    return 64;
  }
  for (const Load& load : kLoads) {
    for (const sim::PolicyInfo& info : sim::policies()) {
      std::string policy(info.name);
      if (policy == "stride") policy = load.stride;
      if (policy == "edf") policy = load.edf;
      for (int seed = 1; seed <= seeds; ++seed) {
        measure(load, policy, static_cast<std::uint64_t>(seed), milliseconds(ms));
      }
    }
  }
  return 0;
}
