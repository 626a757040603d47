// SPDX-License-Identifier: Apache-2.0
// weft-bench: what the scheduler's operations cost, on Google Benchmark.
//
//   weft-bench                                       all, as a table
//   weft-bench --benchmark_filter='yield|jump'       some
//   weft-bench --json                                JSON on stdout
//   weft-bench --smoke                               tiny, only to show that each still works
//
// Columns: `each` is the CPU time of one operation; `checksum` is made by the Gs that do the work;
// min, p50, p99, p99.9, max are a distribution, in ns; `bytes` is memory for each G.
//
// Exit codes: 0, 1 when a benchmark failed (its line says why), 64 for wrong use.
//
// bench/compare runs these beside other schedulers. Quote medians and ratios:
// --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "base/sanitizers.h"

#if defined(WEFT_ASAN) || defined(WEFT_TSAN) || !defined(__OPTIMIZE__)
constexpr bool kMeasurable = false;
#else
constexpr bool kMeasurable = true;
#endif

namespace {

template <class Run>
bool has_failed(const Run& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred;
  } else {  // Since Google Benchmark 1.8.
    return static_cast<int>(run.skipped) != 0;
  }
}

// Google Benchmark's exit code is 0 whatever happens.
template <class Reporter>
class Watched final : public Reporter {
 public:
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>& runs) override {
    for (const auto& run : runs) failed = failed || has_failed(run);
    Reporter::ReportRuns(runs);
  }
  bool failed = false;
};

template <class Reporter>
int run_all() {
  Watched<Reporter> reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return reporter.failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  static char little[] = "--benchmark_min_time=0.0001";
  static char small[] = "--benchmark_filter=-/(100000|1000000)(/|$)";
  bool json = false;
  std::vector<char*> args;
  for (int i = 0; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--smoke") == 0) {
      args.push_back(little);
      args.push_back(small);
    } else {
      args.push_back(argv[i]);
    }
  }
  if (!kMeasurable) {
    std::fprintf(
        stderr,
        "weft-bench: this build is not optimised or has sanitizers: its figures mean nothing\n");
  }
  int count = static_cast<int>(args.size());
  benchmark::Initialize(&count, args.data());
  if (benchmark::ReportUnrecognizedArguments(count, args.data())) return 64;
  return json ? run_all<benchmark::JSONReporter>() : run_all<benchmark::ConsoleReporter>();
}
