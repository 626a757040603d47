// SPDX-License-Identifier: Apache-2.0
// StableFiles: hides what the host's file system says differently in each run: device and inode
// numbers, sizes and link counts of directories, times of last access, and the times of files that
// were changed during the run.
//
//   inode     numbered from 1 in the order in which the run first sees them; a file that replaces
//             one that is gone has a new number, also when the file system reuses the inode
//   times     a file that was last changed before the run keeps its time; one that the run changed
//             has the time at which virtual time started; times that a guest set itself stay
//   atim      the same as mtim
//
// One for all guests of a run, so that a file has one number for all of them.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <utility>

namespace weft::wasip1 {

class StableFiles {
 public:
  // start_ns: realtime at the start of virtual time.
  explicit StableFiles(std::int64_t start_ns) {
    start_.tv_sec = start_ns / 1'000'000'000;
    start_.tv_nsec = start_ns % 1'000'000'000;
    ::clock_gettime(CLOCK_REALTIME_COARSE, &real_start_);  // The clock that files' times come from.
  }

  [[nodiscard]] std::uint64_t inode(std::uint64_t device, std::uint64_t number) {
    const auto [at, is_new] = inodes_.try_emplace({device, number}, last_inode_ + 1);
    if (is_new) ++last_inode_;
    return at->second;
  }

  [[nodiscard]] bool knows(std::uint64_t device, std::uint64_t number) const {
    return inodes_.contains({device, number});
  }

  // The last name of this file is gone.
  void removed(const struct stat& status) { inodes_.erase({status.st_dev, status.st_ino}); }

  void stabilise(struct stat& status) {
    status.st_ino = inode(status.st_dev, status.st_ino);
    status.st_dev = 1;
    if (S_ISDIR(status.st_mode)) {
      status.st_size = 0;
      status.st_nlink = 1;
    }
    status.st_mtim = stable(status.st_mtim);
    status.st_atim = status.st_mtim;
    status.st_ctim = stable(status.st_ctim);
  }

 private:
  [[nodiscard]] timespec stable(const timespec& t) const {
    const bool before = t.tv_sec < real_start_.tv_sec ||
                        (t.tv_sec == real_start_.tv_sec && t.tv_nsec < real_start_.tv_nsec);
    return before ? t : start_;
  }

  timespec start_{};
  timespec real_start_{};
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> inodes_;
  std::uint64_t last_inode_ = 0;
};

}  // namespace weft::wasip1
