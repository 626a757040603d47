// SPDX-License-Identifier: Apache-2.0
// Changes the size of a host's file, and its space on the disk, in steps: the host takes up to a
// second to clear or to free a gigabyte. Other guests can see the steps.
#pragma once

#include <sys/types.h>

#include "os/wasip1/errnos.h"

namespace weft::wasip1 {

// Makes sure that [offset, offset + length) has space on the disk; length > 0, and the sum does not
// overflow. The file grows at the last step: when a step fails, the space beyond its end is freed.
// Errors: as the host says. On the guest's G: gives turns, and may throw Killed.
Errno allocate(int fd, off_t offset, off_t length);

// Makes the file `size` bytes long. Errors, and turns: as allocate.
Errno set_size(int fd, off_t size);

// As posix_fadvise(2). What is not needed (POSIX_FADV_DONTNEED) is forgotten in steps, between
// which others run; may throw Killed.
Errno advise(int fd, off_t offset, off_t length, int advice);

}  // namespace weft::wasip1
