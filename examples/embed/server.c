// SPDX-License-Identifier: Apache-2.0
/* examples/embed/server.cpp in C, with a loop of its own: a guest for each connection.
 *   cc server.c -o server $(pkg-config --cflags --libs weft-c) && ./server guest.wasm */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

enum { CLIENTS_MAX = 1000 };
static weft_guest* guests[CLIENTS_MAX]; /* With the client in the same place of `polled`. */
static struct pollfd polled[2 + CLIENTS_MAX] = {{.events = POLLIN}, {.events = POLLIN}};
static int clients, number;

/* lookup(key, key_bytes, to, room): waits as a database would, which parks this guest. */
static int lookup(void* context, weft_caller* caller, const weft_value* given, weft_value* result) {
  const uint32_t key_bytes = (uint32_t)given[1].i32, room = (uint32_t)given[3].i32;
  void *key, *to;
  char value[512];
  if (weft_caller_sleep(caller, 20000000) != WEFT_OK ||
      weft_caller_memory(caller, (uint32_t)given[0].i32, key_bytes, &key) != WEFT_OK ||
      weft_caller_memory(caller, (uint32_t)given[2].i32, room, &to) != WEFT_OK)
    return weft_caller_fail(caller, weft_last_error());
  snprintf(value, sizeof value, "%s %.*s", (const char*)context, (int)key_bytes, (char*)key);
  result->i32 = (int32_t)(strlen(value) < room ? strlen(value) : room);
  memcpy(to, value, (size_t)result->i32);
  return WEFT_OK;
}

static void ended(void* context, weft_guest* guest) {
  static const char* const states[] = {"lives", "exited", "trapped", "killed"};
  char report[200] = "";
  int i = 0;
  while (guests[i] != guest) ++i;
  weft_guest_report(guest, report, sizeof report); /* Why, and then where. */
  const char* how = report[0] != '\0' ? report : states[weft_guest_state(guest, NULL)];
  printf("guest %d: %.*s\n", (int)(intptr_t)context, (int)strcspn(how, ",:"), how);
  close(polled[2 + i].fd);
  guests[i] = guests[--clients];
  polled[2 + i] = polled[2 + clients];
  weft_forget(guest);
}

static int serve(weft_runtime* runtime, weft_module* module, int fd) {
  weft_guest_options options = {.stdin_fd = fd, .stdout_fd = fd, .stderr_fd = -1, .on_end = ended};
  options.context = (void*)(intptr_t)++number;
  options.memory_bytes = 16 << 20;
  options.descriptors = 16;
  options.output_bytes = 1 << 14;
  options.time = 60000000000;
  polled[2 + clients] = (struct pollfd){.fd = fd}; /* No events: when its client is gone. */
  if (weft_spawn(runtime, module, &options, &guests[clients]) != WEFT_OK) return close(fd), 0;
  return 1;
}

int main(int argc, char** argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  weft_runtime* runtime;
  weft_module* module;
  if (weft_runtime_create(NULL, &runtime) != WEFT_OK ||
      weft_define(runtime, "app", "lookup", "iiii", "i", lookup, "the value of") != WEFT_OK ||
      weft_load(runtime, argc > 1 ? argv[1] : "guest.wasm", &module) != WEFT_OK)
    return fprintf(stderr, "%s\n", weft_last_error()), 1;
  polled[1].fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(polled[1].fd, (struct sockaddr*)&address, size) != 0 || listen(polled[1].fd, 99) != 0 ||
      getsockname(polled[1].fd, (struct sockaddr*)&address, &size) != 0)
    return perror("listen"), 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("listening on port %d\n", ntohs(address.sin_port));
  for (int64_t timeout = 0; weft_runtime_poll(runtime, &polled[0].fd, &timeout) == WEFT_OK;) {
    poll(polled, (nfds_t)(2 + clients), timeout < 0 ? -1 : 0);
    for (int i = 0; i < clients; ++i)
      if (polled[2 + i].revents != 0) weft_kill(guests[i]);
    if (polled[1].revents != 0 && clients < CLIENTS_MAX)
      clients += serve(runtime, module, accept(polled[1].fd, NULL, NULL));
    weft_runtime_turn(runtime, 0, NULL);
  }
}
