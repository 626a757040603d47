// SPDX-License-Identifier: Apache-2.0
// What the peers written in C++ share: the arguments, how long to measure, what to print.
// bench/peers/README.md has the form, and says what each benchmark does.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace peer {

using Clock = std::chrono::steady_clock;

struct Sample {
  double total = 0;  // Of all operations together, in `unit`.
  const char* unit = "ns";
  std::int64_t operations = 0;
  std::int64_t checksum = 0;
};

inline Sample ns_since(Clock::time_point start, std::int64_t operations, std::int64_t checksum) {
  const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
  return {spent.count(), "ns", operations, checksum};
}

// Of all threads of the process.
inline double cpu_ns() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ns = [](const timeval& t) {
    return 1e9 * static_cast<double>(t.tv_sec) + 1e3 * static_cast<double>(t.tv_usec);
  };
  return ns(used.ru_utime) + ns(used.ru_stime);
}

inline Sample cpu_since(double start, std::int64_t operations, std::int64_t checksum) {
  return {cpu_ns() - start, "cpu-ns", operations, checksum};
}

inline double resident_bytes() {
  long total = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) std::abort();
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

inline std::int64_t rounds_of(std::int64_t n, std::int64_t each) {
  return (n + each - 1) / each;
}

using Run = std::function<Sample(std::int64_t n)>;

class Benchmarks {
 public:
  void add(std::string name, Run run) { all_.emplace_back(std::move(name), std::move(run)); }
  void add(const std::string& kind, const std::vector<std::int64_t>& sizes,
           Sample (*run)(std::int64_t size, std::int64_t n)) {
    for (const std::int64_t size : sizes) {
      add(kind + "/" + std::to_string(size), [=](std::int64_t n) { return run(size, n); });
    }
  }

  // The program.
  int main(int argc, char** argv, const char* peer, const std::string& version) const {
    if (argc == 2 && std::string(argv[1]) == "--list") return list(peer, version);
    if (argc != 3) {
      std::fprintf(stderr, "use: PROGRAM --list | PROGRAM NAME MILLISECONDS\n");
      return 64;
    }
    for (const auto& [name, run] : all_) {
      if (name != argv[1]) continue;
      const Sample s = measure(run, std::atof(argv[2]));
      std::printf(
          "{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.4f, \"operations\": %lld, "
          "\"checksum\": %lld}\n",
          name.c_str(), s.unit, s.total / static_cast<double>(s.operations),
          static_cast<long long>(s.operations), static_cast<long long>(s.checksum));
      return 0;
    }
    std::fprintf(stderr, "no benchmark is called '%s': see --list\n", argv[1]);
    return 64;
  }

 private:
  int list(const char* peer, const std::string& version) const {
    std::printf("{\"peer\": \"%s\", \"version\": \"%s\", \"benchmarks\": [", peer, version.c_str());
    for (std::size_t i = 0; i < all_.size(); ++i) {
      std::printf("%s\"%s\"", i > 0 ? ", " : "", all_[i].first.c_str());
    }
    std::printf("]}\n");
    return 0;
  }

  // Calls run with more and more operations until it takes long enough.
  static Sample measure(const Run& run, double milliseconds) {
    for (std::int64_t wanted = 1;;) {
      const auto start = Clock::now();
      const Sample s = run(wanted);
      const std::chrono::duration<double, std::milli> wall = Clock::now() - start;
      // Making many tasks is not measured; where it takes long, one run is enough.
      const std::string unit = s.unit;
      const double spent = unit == "ns" ? s.total / 1e6 : wall.count();
      if (spent >= milliseconds || wall.count() >= 20 * milliseconds || unit == "bytes") return s;
      const double more = std::clamp(1.4 * milliseconds / std::max(spent, 1e-6), 1.5, 10.0);
      wanted = static_cast<std::int64_t>(static_cast<double>(s.operations) * more) + 1;
    }
  }

  std::vector<std::pair<std::string, Run>> all_;
};

}  // namespace peer
