// SPDX-License-Identifier: Apache-2.0
// A timeout of zero, and an absolute one in the past, return at once with their event.
#include "say.h"

static void expect_at_once(const char* what, __wasi_subscription_t s) {
  __wasi_event_t event;
  __wasi_timestamp_t start = now_monotonic();
  int count = poll_events(&s, &event, 1);
  int at_once = now_monotonic() - start < 10000ull * kMs;
  say("%s: %d event, userdata %llu, error %d, %s", what, count, event.userdata, event.error,
      at_once ? "at once" : "late");
}

int main(void) {
  expect_at_once("zero", after(7, 0));
  expect_at_once("past monotonic", on_clock(8, __WASI_CLOCKID_MONOTONIC, 1, 1));
  expect_at_once("past realtime", on_clock(9, __WASI_CLOCKID_REALTIME, 1, 1));
  return 0;
}
