// SPDX-License-Identifier: Apache-2.0
// A worker pool: four workers take jobs from one channel; a semaphore lets two at a time use the
// "database". The results are summed under a mutex. A job that fails is an exception in a task, and
// join() throws it where it can be handled.
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/program.h"
#include "scheduler/sync/task.h"
#include "scheduler/sync/weighted_semaphore.h"

namespace {

int query(int job) {
  weft::sleep_for(weft::milliseconds(1));
  if (job == 13) throw std::runtime_error("job 13 is unlucky");
  return job * job;
}

}  // namespace

int main() {
  weft::SystemClock clock;
  weft::Reactor reactor;
  weft::Scheduler scheduler{clock, reactor};

  return weft::run_main(scheduler, [] {
    auto jobs = weft::make_chan<int>(8);
    weft::semaphore database(2);
    weft::mutex sum_lock;
    long sum = 0;
    std::vector<weft::task<void>> workers;
    workers.reserve(4);
    for (int i = 0; i < 4; ++i) {
      workers.push_back(weft::spawn([&] {
        for (int job : jobs) {
          weft::semaphore::Hold connection(database);
          const int result = query(job);
          std::lock_guard lock(sum_lock);
          sum += result;
        }
      }));
    }
    for (int job = 1; job <= 20; ++job) jobs.send(job);
    jobs.close();
    for (auto& worker : workers) try {
        worker.join();
      } catch (const std::exception& e) {
        std::printf("a worker gave up: %s\n", e.what());
      }
    std::printf("sum of squares without 13: %ld\n", sum);
  });
}
