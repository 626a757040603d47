// SPDX-License-Identifier: Apache-2.0
// copytree FROM TO: copies a tree, files, directories and symbolic links, and says how many.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copied;

static void fail(const char* what, const char* path) {
  fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void copy_file(const char* from, const char* to) {
  static char buffer[16384];
  int in = open(from, O_RDONLY);
  if (in < 0) fail("open", from);
  int out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (out < 0) fail("create", to);
  for (;;) {
    ssize_t got = read(in, buffer, sizeof buffer);
    if (got < 0) fail("read", from);
    if (got == 0) break;
    if (write(out, buffer, (size_t)got) != got) fail("write", to);
  }
  if (close(in) != 0 || close(out) != 0) fail("close", to);
}

static void copy_link(const char* from, const char* to) {
  char text[PATH_MAX];
  ssize_t length = readlink(from, text, sizeof text - 1);
  if (length < 0) fail("readlink", from);
  text[length] = 0;
  if (symlink(text, to) != 0) fail("symlink", to);
}

// On the heap: the stack of a C guest is 64 KiB, and this recurses.
static char* join(const char* directory, const char* name) {
  size_t size = strlen(directory) + strlen(name) + 2;
  char* path = malloc(size);
  if (path == NULL) fail("malloc", name);
  snprintf(path, size, "%s/%s", directory, name);
  return path;
}

static void copy_tree(const char* from, const char* to) {
  if (mkdir(to, 0777) != 0) fail("mkdir", to);
  DIR* dir = opendir(from);
  if (dir == NULL) fail("opendir", from);
  errno = 0;
  for (struct dirent* entry; (entry = readdir(dir)) != NULL; errno = 0) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char* source = join(from, entry->d_name);
    char* target = join(to, entry->d_name);
    struct stat about;
    if (lstat(source, &about) != 0) fail("stat", source);
    if (S_ISDIR(about.st_mode)) {
      copy_tree(source, target);
    } else {
      (S_ISLNK(about.st_mode) ? copy_link : copy_file)(source, target);
      copied++;
    }
    free(source);
    free(target);
  }
  if (errno != 0) fail("readdir", from);
  closedir(dir);
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  copy_tree(argv[1], argv[2]);
  printf("copied %d\n", copied);
  return 0;
}
