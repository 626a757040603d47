// SPDX-License-Identifier: Apache-2.0
// The 46 functions of WASI preview 1 as ordinary C++ functions, by subsystem; each is explained
// where it is defined, in the file that heads its group. Parameters are those of the specification;
// narrow integers come as the u32 that a guest passes. Every address is checked before anything is
// done; EFAULT means that nothing was done.
//
// Specification: "wasi_snapshot_preview1" module, section of the same name for each.
#pragma once

#include "os/wasip1/memory.h"
#if defined(__wasm__)
#include "os/wasm/process.h"
#else
#include "os/wasip1/process.h"
#endif

namespace weft::wasip1 {

// args.cpp
Errno args_get(Process&, Memory, Size argv, Size argv_buf);
Errno args_sizes_get(Process&, Memory, Size argc, Size argv_buf_size);

// environ.cpp
Errno environ_get(Process&, Memory, Size environ, Size environ_buf);
Errno environ_sizes_get(Process&, Memory, Size count, Size buf_size);

// clock.cpp
Errno clock_res_get(Process&, Memory, std::uint32_t id, Size resolution);
Errno clock_time_get(Process&, Memory, std::uint32_t id, Timestamp precision, Size time);

// random.cpp
Errno random_get(Process&, Memory, Size buf, Size buf_len);

// sched.cpp
Errno sched_yield(Process&, Memory);

// proc.cpp
[[noreturn]] void proc_exit(Process&, Memory, std::uint32_t rval);
Errno proc_raise(Process&, Memory, std::uint32_t sig);

// poll.cpp
Errno poll_oneoff(Process&, Memory, Size in, Size out, Size nsubscriptions, Size nevents);

// fd_io.cpp: bytes
Errno fd_read(Process&, Memory, Fd fd, Size iovs, Size iovs_len, Size nread);
Errno fd_write(Process&, Memory, Fd fd, Size iovs, Size iovs_len, Size nwritten);
Errno fd_pread(Process&, Memory, Fd fd, Size iovs, Size iovs_len, FileSize offset, Size nread);
Errno fd_pwrite(Process&, Memory, Fd fd, Size iovs, Size iovs_len, FileSize offset, Size nwritten);
Errno fd_seek(Process&, Memory, Fd fd, FileDelta offset, std::uint32_t whence, Size new_offset);
Errno fd_tell(Process&, Memory, Fd fd, Size offset);

// fd_table_calls.cpp: descriptors themselves
Errno fd_close(Process&, Memory, Fd fd);
Errno fd_renumber(Process&, Memory, Fd fd, Fd to);
Errno fd_fdstat_get(Process&, Memory, Fd fd, Size fdstat);
Errno fd_fdstat_set_flags(Process&, Memory, Fd fd, std::uint32_t flags);
Errno fd_fdstat_set_rights(Process&, Memory, Fd fd, Rights base, Rights inheriting);
Errno fd_prestat_get(Process&, Memory, Fd fd, Size prestat);
Errno fd_prestat_dir_name(Process&, Memory, Fd fd, Size path, Size path_len);

// fd_file.cpp: the file behind a descriptor
Errno fd_advise(Process&, Memory, Fd fd, FileSize offset, FileSize len, std::uint32_t advice);
Errno fd_allocate(Process&, Memory, Fd fd, FileSize offset, FileSize len);
Errno fd_datasync(Process&, Memory, Fd fd);
Errno fd_sync(Process&, Memory, Fd fd);
Errno fd_filestat_get(Process&, Memory, Fd fd, Size filestat);
Errno fd_filestat_set_size(Process&, Memory, Fd fd, FileSize size);
Errno fd_filestat_set_times(Process&, Memory, Fd fd, Timestamp atim, Timestamp mtim,
                            std::uint32_t fst_flags);

// dir.cpp
Errno fd_readdir(Process&, Memory, Fd fd, Size buf, Size buf_len, DirCookie cookie, Size bufused);

// path_open.cpp
Errno path_open(Process&, Memory, Fd fd, std::uint32_t dirflags, Size path, Size path_len,
                std::uint32_t o_flags, Rights base, Rights inheriting, std::uint32_t fd_flags,
                Size opened_fd);

// path.cpp
Errno path_create_directory(Process&, Memory, Fd fd, Size path, Size path_len);
Errno path_remove_directory(Process&, Memory, Fd fd, Size path, Size path_len);
Errno path_unlink_file(Process&, Memory, Fd fd, Size path, Size path_len);
Errno path_filestat_get(Process&, Memory, Fd fd, std::uint32_t flags, Size path, Size path_len,
                        Size filestat);
Errno path_filestat_set_times(Process&, Memory, Fd fd, std::uint32_t flags, Size path,
                              Size path_len, Timestamp atim, Timestamp mtim,
                              std::uint32_t fst_flags);

// path_link.cpp: two names
Errno path_link(Process&, Memory, Fd old_fd, std::uint32_t old_flags, Size old_path,
                Size old_path_len, Fd new_fd, Size new_path, Size new_path_len);
Errno path_rename(Process&, Memory, Fd fd, Size old_path, Size old_path_len, Fd new_fd,
                  Size new_path, Size new_path_len);
Errno path_symlink(Process&, Memory, Size old_path, Size old_path_len, Fd fd, Size new_path,
                   Size new_path_len);
Errno path_readlink(Process&, Memory, Fd fd, Size path, Size path_len, Size buf, Size buf_len,
                    Size bufused);

// sock.cpp
Errno sock_accept(Process&, Memory, Fd fd, std::uint32_t flags, Size accepted_fd);
Errno sock_recv(Process&, Memory, Fd fd, Size ri_data, Size ri_data_len, std::uint32_t ri_flags,
                Size ro_datalen, Size ro_flags);
Errno sock_send(Process&, Memory, Fd fd, Size si_data, Size si_data_len, std::uint32_t si_flags,
                Size so_datalen);
Errno sock_shutdown(Process&, Memory, Fd fd, std::uint32_t how);

// Where wasi_unstable differs: each is defined beside the function of the same name.
namespace unstable {
Errno fd_seek(Process&, Memory, Fd fd, FileDelta offset, std::uint32_t whence, Size new_offset);
Errno fd_filestat_get(Process&, Memory, Fd fd, Size filestat);
Errno path_filestat_get(Process&, Memory, Fd fd, std::uint32_t flags, Size path, Size path_len,
                        Size filestat);
Errno poll_oneoff(Process&, Memory, Size in, Size out, Size nsubscriptions, Size nevents);
}  // namespace unstable

}  // namespace weft::wasip1
