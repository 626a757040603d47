// SPDX-License-Identifier: Apache-2.0
/* examples/embed/server.cpp in C, with a loop of its own: a guest for each connection.
 *
 *   cc server.c -o server $(pkg-config --cflags --libs weft-c)
 *   ./server guest.wasm
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>

enum { CLIENTS_MAX = 1000 };
static weft_guest* guests[CLIENTS_MAX]; /* With the client in the same place of `polled`. */
static struct pollfd polled[2 + CLIENTS_MAX] = {{.events = POLLIN}, {.events = POLLIN}};
static int clients;
static int number;

/* lookup(key, key_bytes, to, room): waits as a database would, which parks this guest. */
static int lookup(void* context, weft_caller* caller, const weft_value* given, weft_value* result) {
  void *key, *to;
  char value[512];
  (void)context;
  weft_caller_sleep(caller, 20000000);
  if (weft_caller_memory(caller, (uint32_t)given[0].i32, (uint32_t)given[1].i32, &key) != WEFT_OK ||
      weft_caller_memory(caller, (uint32_t)given[2].i32, (uint32_t)given[3].i32, &to) != WEFT_OK) {
    return weft_caller_fail(caller, weft_last_error());
  }
  snprintf(value, sizeof value, "the value of %.*s", given[1].i32, (const char*)key);
  const uint32_t size = (uint32_t)strlen(value), room = (uint32_t)given[3].i32;
  result->i32 = (int32_t)(size < room ? size : room);
  memcpy(to, value, (size_t)result->i32);
  return WEFT_OK;
}

static void ended(void* context, weft_guest* guest) {
  static const char* const how[] = {"lives", "exited", "trapped", "killed"};
  char report[200];
  int i = 0;
  while (guests[i] != guest) ++i;
  const enum weft_guest_state state = weft_guest_state(guest, NULL);
  const size_t size = weft_guest_report(guest, report, sizeof report);
  report[strcspn(report, ",:")] = '\0'; /* Why, and not where. */
  printf("guest %d: %s\n", (int)(intptr_t)context, size > 0 ? report : how[state]);
  fflush(stdout);
  close(polled[2 + i].fd);
  guests[i] = guests[--clients];
  polled[2 + i] = polled[2 + clients];
  weft_forget(guest);
}

static void serve(weft_runtime* runtime, weft_module* module, int fd) {
  const weft_guest_options options = {.stdin_fd = fd,
                                      .stdout_fd = fd,
                                      .stderr_fd = -1,
                                      .on_end = ended,
                                      .context = (void*)(intptr_t)++number,
                                      .memory_bytes = 16 << 20,
                                      .descriptors = 16,
                                      .output_bytes = 1 << 14,
                                      .time = 60000000000};
  polled[2 + clients] = (struct pollfd){.fd = fd}; /* No events: when its client is gone. */
  if (weft_spawn(runtime, module, &options, &guests[clients]) == WEFT_OK) ++clients;
}

int main(int argc, char** argv) {
  weft_runtime* runtime;
  weft_module* module;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  if (weft_runtime_create(NULL, &runtime) != WEFT_OK ||
      weft_define(runtime, "app", "lookup", "iiii", "i", lookup, NULL) != WEFT_OK ||
      weft_load(runtime, argc > 1 ? argv[1] : "guest.wasm", &module) != WEFT_OK) {
    return fprintf(stderr, "%s\n", weft_last_error()), 1;
  }
  polled[1].fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(polled[1].fd, (struct sockaddr*)&address, size) != 0 || listen(polled[1].fd, 99) != 0 ||
      getsockname(polled[1].fd, (struct sockaddr*)&address, &size) != 0) {
    return perror("listen"), 1;
  }
  printf("listening on port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int64_t timeout = 0;
    if (weft_runtime_poll(runtime, &polled[0].fd, &timeout) != WEFT_OK) return 1;
    poll(polled, (nfds_t)(2 + clients), timeout < 0 ? -1 : 0);
    for (int i = 0; i < clients; ++i) {
      if (polled[2 + i].revents != 0) weft_kill(guests[i]);
    }
    if (polled[1].revents != 0 && clients < CLIENTS_MAX) {
      serve(runtime, module, accept(polled[1].fd, NULL, NULL));
    }
    weft_runtime_turn(runtime, 0, NULL);
  }
}
