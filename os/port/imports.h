// SPDX-License-Identifier: Apache-2.0
// The host calls of Go's os_wasip1.go: imports of wasi_snapshot_preview1, here on the process's own
// memory, with os/wasip1's functions behind them.
//
//   port::fd_write(1, &vec, 1, &n) ─▶ a memory of its own for the call ─▶ wasip1::fd_write
//                                                                     ◀─ results copied out
//
// Pointer parameters may point anywhere. Addresses inside the data (iovec.buf, the argv that
// args_get fills) have 32 bits and count from the start of the port's window; an address outside of
// it is EFAULT. All except exit return a WASI errno, 0 for success. Calls that may wait park the G,
// or let the thread sleep; a strict port blocks the host. poll_oneoff and fd_write must be called
// on a G or a thread, the others anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "os/port/port.h"
#include "os/port/types.h"

namespace weft::port {

// proc_exit. Throws wasip1::Exit with the code, from where it is called up to run().
[[noreturn]] void exit(std::int32_t code);

errno_ args_get(uintptr32* argv, std::byte* argvBuf);
errno_ args_sizes_get(size* argc, size* argvBufLen);
errno_ clock_time_get(clockid id, timestamp precision, timestamp* time);
errno_ environ_get(uintptr32* environ, std::byte* environBuf);
errno_ environ_sizes_get(size* environCount, size* environBufLen);
errno_ fd_write(std::int32_t fd, const iovec* iovs, size iovsLen, size* nwritten);
errno_ random_get(void* buf, size bufLen);
errno_ poll_oneoff(const subscription* in, event* out, size nsubscriptions, size* nevents);

// --- for os_wasip1.cpp: the same without 32-bit addresses, so on memory anywhere ---

errno_ fd_write_from(std::int32_t fd, std::span<const std::byte> bytes, size& nwritten);
errno_ args_get_in(Window window, uintptr32* argv, std::byte* argvBuf);
errno_ environ_get_in(Window window, uintptr32* environ, std::byte* environBuf);

}  // namespace weft::port
