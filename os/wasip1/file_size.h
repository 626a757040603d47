// SPDX-License-Identifier: Apache-2.0
// The size of a file of the host, and its place on the disk, changed in steps: a gigabyte takes the
// host up to a second where it has to be cleared, or given back. Others see the steps.
#pragma once

#include <sys/types.h>

#include "os/wasip1/errnos.h"

namespace weft::wasip1 {

// Makes sure that [offset, offset + length) has its place on the disk; length > 0, and the sum
// fits. The file grows at the last step: when one fails, what lies beyond its end is given back.
// Errors: as the host says. On the guest's G: gives turns, and may throw Killed.
Errno allocate(int fd, off_t offset, off_t length);

// Makes the file `size` bytes long. Errors, and turns: as allocate.
Errno set_size(int fd, off_t size);

}  // namespace weft::wasip1
