// SPDX-License-Identifier: Apache-2.0
/* Prints what lies under a directory: path, size and the first line of each file, by name. Then it
 * tries to write there, and says what came of it: tree DIRECTORY. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char* what) {
  fprintf(stderr, "tree: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void print_file(const char* path, const char* name, long long size) {
  char line[100] = "";
  FILE* file = fopen(path, "r");
  if (file == NULL) die(path);
  printf("%s %lld", name, size);
  if (fgets(line, sizeof line, file) != NULL) printf(" %.*s", (int)strcspn(line, "\n"), line);
  printf("\n");
  fclose(file);
}

static void print_tree(const char* root, const char* path) {
  struct dirent* entry;
  DIR* directory = opendir(path);
  if (directory == NULL) die(path);
  while ((entry = readdir(directory)) != NULL) {
    char below[300];
    struct stat status;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    if (stat(below, &status) != 0) die(below);
    if (status.st_ino != entry->d_ino) die("another inode");
    if (S_ISDIR(status.st_mode)) {
      print_tree(root, below);
    } else {
      print_file(below, below + strlen(root) + 1, (long long)status.st_size);
    }
  }
  closedir(directory);
}

int main(int argc, char** argv) {
  char path[300];
  const char* root = argc > 1 ? argv[1] : "/";
  print_tree(root, root);
  snprintf(path, sizeof path, "%s/new", root);
  const int made = open(path, O_WRONLY | O_CREAT, 0666);
  printf("%s\n", made < 0 && errno == EROFS ? "read-only" : "writable");
  return 0;
}
