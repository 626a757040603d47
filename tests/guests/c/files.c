// SPDX-License-Identifier: Apache-2.0
// Works with files below the directory /data that the host gives it, and tries to leave it.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect(int held, const char* what) {
  if (held) return;
  fprintf(stderr, "not as expected: %s\n", what);
  exit(1);
}

static void copy_to_stdout(const char* path) {
  char line[100];
  FILE* file = fopen(path, "r");
  expect(file != NULL, path);
  while (fgets(line, sizeof line, file) != NULL) fputs(line, stdout);
  fclose(file);
}

static void write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  expect(file != NULL, path);
  fputs(text, file);
  expect(fclose(file) == 0, "close after writing");
}

static int entries_of(const char* path) {
  int count = 0;
  DIR* directory = opendir(path);
  expect(directory != NULL, path);
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) count++;
  }
  closedir(directory);
  return count;
}

static void make_and_remove(void) {
  struct stat status;
  expect(mkdir("/data/deep", 0755) == 0, "mkdir");
  write_file("/data/deep/first", "some text");
  expect(rename("/data/deep/first", "/data/deep/second") == 0, "rename");
  expect(stat("/data/deep/second", &status) == 0 && status.st_size == 9, "stat after rename");
  expect(stat("/data/deep/first", &status) != 0, "the old name is gone");
  expect(entries_of("/data/deep") == 1, "one entry");
  expect(rmdir("/data/deep") != 0, "a directory with an entry stays");
  expect(unlink("/data/deep/second") == 0, "unlink");
  expect(rmdir("/data/deep") == 0, "rmdir");
}

static void seek_and_truncate(void) {
  char word[3] = "";
  int fd = open("/data/kept", O_RDWR | O_CREAT | O_TRUNC, 0644);
  expect(fd >= 0, "open for reading and writing");
  expect(write(fd, "written by a guest\nand more", 27) == 27, "write");
  expect(lseek(fd, 8, SEEK_SET) == 8 && read(fd, word, 2) == 2, "seek and read");
  expect(memcmp(word, "by", 2) == 0, "what was read");
  expect(ftruncate(fd, 19) == 0, "truncate");
  expect(close(fd) == 0, "close");
}

static void stay_inside(void) {
  expect(open("/data/outside", O_RDONLY) < 0, "a link to a file outside is refused");
  expect(open("/data/up/anything", O_RDONLY) < 0, "a link to the parent is refused");
  expect(open("/data/../c_tree/greeting", O_RDONLY) < 0, "dots that lead out are refused");
  expect(open("/etc/passwd", O_RDONLY) < 0, "a path outside is refused");
}

int main(void) {
  copy_to_stdout("/data/greeting");
  make_and_remove();
  seek_and_truncate();
  stay_inside();
  printf("all as expected\n");
  return 0;
}
