// SPDX-License-Identifier: Apache-2.0
#include "os/poll_many.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <vector>

#include "base/instant.h"

namespace weft {
namespace {

constexpr std::size_t kPortion = 1024;
// How often poll_until looks where the kernel takes no set as large as it is.
constexpr Duration kLookAgain = milliseconds(10);

Instant monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return {now.tv_sec * 1'000'000'000 + now.tv_nsec};
}

// One ppoll(2) until the deadline, signals or not. Returns 0 or an errno.
int wait_for(std::span<pollfd> entries, Instant deadline) {
  for (;;) {
    const std::int64_t left = std::max<std::int64_t>((deadline - monotonic_now()).ns, 0);
    const timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    const timespec* limit = deadline == Instant::far_future() ? nullptr : &timeout;
    if (::ppoll(entries.data(), entries.size(), limit, nullptr) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

// Each descriptor once, with all that is asked of it.
std::vector<pollfd> distinct(std::span<const pollfd> entries) {
  std::map<int, short> asked;
  for (const pollfd& entry : entries) {
    if (entry.fd >= 0) asked[entry.fd] = static_cast<short>(asked[entry.fd] | entry.events);
  }
  std::vector<pollfd> set;
  set.reserve(asked.size());
  for (const auto& [fd, events] : asked) set.push_back({fd, events, 0});
  return set;
}

bool any_ready(std::span<const pollfd> entries) {
  return std::any_of(entries.begin(), entries.end(),
                     [](const pollfd& entry) { return entry.revents != 0; });
}

}  // namespace

void poll_now(std::span<pollfd> entries) {
  std::size_t portion = kPortion;
  while (!entries.empty()) {
    const auto first = entries.first(std::min(entries.size(), portion));
    if (::poll(first.data(), first.size(), 0) < 0) {
      if (errno == EINTR) continue;
      if (errno == EINVAL && portion > 1) {
        portion /= 2;
        continue;
      }
      for (pollfd& entry : first) entry.revents = entry.fd >= 0 ? entry.events : short{0};
    }
    entries = entries.subspan(first.size());
  }
}

void poll_until(std::span<pollfd> entries, std::int64_t timeout_ns) {
  const Instant deadline =
      timeout_ns < 0 ? Instant::far_future() : monotonic_now() + nanoseconds(timeout_ns);
  std::vector<pollfd> set = distinct(entries);
  for (;;) {
    poll_now(entries);
    if (any_ready(entries) || monotonic_now() >= deadline) return;
    // More descriptors than the limit, which was lowered since they were opened.
    if (wait_for(set, deadline) != 0) {
      (void)wait_for({}, std::min(deadline, monotonic_now() + kLookAgain));
    }
  }
}

}  // namespace weft
