// SPDX-License-Identifier: Apache-2.0
// Accepts one connection of each listener named by its descriptor in the arguments, reads a line
// from it, prints it and sends it back in upper case. Listeners start non-blocking; this one waits.
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 1; i < argc; i++) {
    fcntl(atoi(argv[i]), F_SETFL, 0);
    int connection = accept(atoi(argv[i]), NULL, NULL);
    if (connection < 0) {
      perror("accept");
      return 1;
    }
    char line[64];
    ssize_t count = recv(connection, line, sizeof line, 0);
    if (count <= 0) return 2;
    printf("fd %s: %.*s", argv[i], (int)count, line);
    for (ssize_t k = 0; k < count; k++) line[k] = (char)toupper((unsigned char)line[k]);
    if (send(connection, line, (size_t)count, 0) != count) return 3;
    shutdown(connection, SHUT_WR);
    close(connection);
  }
  return 0;
}
