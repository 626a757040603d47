// SPDX-License-Identifier: Apache-2.0
// One end of a link, descriptor 3, with the calls of sockets. As `ask`: sends a line, shuts its
// direction down and prints the answer; as `answer`: reads to the end and sends the line back.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  char line[64];
  size_t size = 0;
  if (strcmp(argv[1], "ask") == 0) {
    if (send(3, "how are you", 11, 0) != 11) return 1;
    if (shutdown(3, SHUT_WR) != 0) return 2;
  } else {
    char peeked = 0;
    while (recv(3, &peeked, 1, MSG_PEEK) < 0) usleep(1000);
    if (peeked != 'h') return 3;
  }
  for (;;) {
    ssize_t n = recv(3, line + size, sizeof line - size, 0);
    if (n == 0) break;
    if (n > 0) size += (size_t)n;
    if (n > 0 && strcmp(argv[1], "ask") == 0) break;
    if (n < 0) usleep(1000);
  }
  if (strcmp(argv[1], "ask") == 0) {
    printf("%.*s\n", (int)size, line);
  } else if (send(3, line, size, 0) != (ssize_t)size) {
    return 4;
  }
  return 0;
}
