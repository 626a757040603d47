// SPDX-License-Identifier: Apache-2.0
// The types of WASI preview 1 as they lie in a guest's memory, to the byte, and the flags and
// enumerations in them.
//
// All integers are little-endian; addresses and sizes are 32 bits. Each struct has its map of bytes
// drawn above it and its offsets asserted below it; gaps are padding, written as zero. The structs
// of wasi_unstable that differ are in namespace unstable at the end.
//
// Specification: the types of wasi_snapshot_preview1; names here are the specification's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/wasip1/errnos.h"

namespace weft::wasip1 {

using Fd = std::uint32_t;
using Size = std::uint32_t;  // A size or an address in the guest's memory.
using FileSize = std::uint64_t;
using FileDelta = std::int64_t;
using Timestamp = std::uint64_t;  // Nanoseconds.
using DirCookie = std::uint64_t;
using UserData = std::uint64_t;

// --- enumerations ---

enum class ClockId : std::uint32_t { realtime, monotonic, process_cputime, thread_cputime };

enum class FileType : std::uint8_t {
  unknown,
  block_device,
  character_device,
  directory,
  regular_file,
  socket_dgram,
  socket_stream,
  symbolic_link,
};

enum class EventType : std::uint8_t { clock, fd_read, fd_write };
enum class Whence : std::uint8_t { set, cur, end };
enum class Advice : std::uint8_t { normal, sequential, random, willneed, dontneed, noreuse };

// What a preopened descriptor is. The specification has dir only; socket is weft's, see
// fd_prestat_get.
enum class PreopenType : std::uint8_t { dir, socket };

// --- flags ---

namespace fdflags {  // u16
inline constexpr std::uint16_t append = 1, dsync = 2, nonblock = 4, rsync = 8, sync = 16;
inline constexpr std::uint16_t all = 31;
}  // namespace fdflags

namespace oflags {  // u16
inline constexpr std::uint16_t creat = 1, directory = 2, excl = 4, trunc = 8;
inline constexpr std::uint16_t all = 15;
}  // namespace oflags

namespace lookupflags {  // u32
inline constexpr std::uint32_t symlink_follow = 1;
}  // namespace lookupflags

namespace fstflags {  // u16
inline constexpr std::uint16_t atim = 1, atim_now = 2, mtim = 4, mtim_now = 8;
inline constexpr std::uint16_t all = 15;
}  // namespace fstflags

namespace subclockflags {  // u16
inline constexpr std::uint16_t abstime = 1;
}  // namespace subclockflags

namespace eventrwflags {  // u16
inline constexpr std::uint16_t hangup = 1;
}  // namespace eventrwflags

namespace riflags {  // u16
inline constexpr std::uint16_t peek = 1, waitall = 2;
inline constexpr std::uint16_t all = 3;
}  // namespace riflags

namespace roflags {  // u16
inline constexpr std::uint16_t data_truncated = 1;
}  // namespace roflags

namespace sdflags {  // u8
inline constexpr std::uint8_t rd = 1, wr = 2;
}  // namespace sdflags

// --- rights ---

using Rights = std::uint64_t;

namespace rights {
inline constexpr Rights fd_datasync = 1ull << 0;
inline constexpr Rights fd_read = 1ull << 1;
inline constexpr Rights fd_seek = 1ull << 2;
inline constexpr Rights fd_fdstat_set_flags = 1ull << 3;
inline constexpr Rights fd_sync = 1ull << 4;
inline constexpr Rights fd_tell = 1ull << 5;
inline constexpr Rights fd_write = 1ull << 6;
inline constexpr Rights fd_advise = 1ull << 7;
inline constexpr Rights fd_allocate = 1ull << 8;
inline constexpr Rights path_create_directory = 1ull << 9;
inline constexpr Rights path_create_file = 1ull << 10;
inline constexpr Rights path_link_source = 1ull << 11;
inline constexpr Rights path_link_target = 1ull << 12;
inline constexpr Rights path_open = 1ull << 13;
inline constexpr Rights fd_readdir = 1ull << 14;
inline constexpr Rights path_readlink = 1ull << 15;
inline constexpr Rights path_rename_source = 1ull << 16;
inline constexpr Rights path_rename_target = 1ull << 17;
inline constexpr Rights path_filestat_get = 1ull << 18;
inline constexpr Rights path_filestat_set_size = 1ull << 19;
inline constexpr Rights path_filestat_set_times = 1ull << 20;
inline constexpr Rights fd_filestat_get = 1ull << 21;
inline constexpr Rights fd_filestat_set_size = 1ull << 22;
inline constexpr Rights fd_filestat_set_times = 1ull << 23;
inline constexpr Rights path_symlink = 1ull << 24;
inline constexpr Rights path_remove_directory = 1ull << 25;
inline constexpr Rights path_unlink_file = 1ull << 26;
inline constexpr Rights poll_fd_readwrite = 1ull << 27;
inline constexpr Rights sock_shutdown = 1ull << 28;
inline constexpr Rights sock_accept = 1ull << 29;

inline constexpr Rights all = (1ull << 30) - 1;

// What can be done with each type of file; path_open gives no right beyond these.
inline constexpr Rights of_directory =
    fd_fdstat_set_flags | fd_sync | fd_advise | fd_datasync | path_create_directory |
    path_create_file | path_link_source | path_link_target | path_open | fd_readdir |
    path_readlink | path_rename_source | path_rename_target | path_filestat_get |
    path_filestat_set_size | path_filestat_set_times | fd_filestat_get | fd_filestat_set_times |
    path_symlink | path_remove_directory | path_unlink_file | poll_fd_readwrite;
inline constexpr Rights of_file = fd_datasync | fd_read | fd_seek | fd_fdstat_set_flags | fd_sync |
                                  fd_tell | fd_write | fd_advise | fd_allocate | fd_filestat_get |
                                  fd_filestat_set_size | fd_filestat_set_times | poll_fd_readwrite;
// Pipes and terminals. Without fd_seek and fd_tell: by that a guest's C library tells a terminal
// from other devices.
inline constexpr Rights of_stream =
    fd_read | fd_fdstat_set_flags | fd_write | fd_filestat_get | poll_fd_readwrite;
inline constexpr Rights of_socket = of_stream | sock_shutdown;
inline constexpr Rights of_listener = fd_fdstat_set_flags | fd_filestat_get | poll_fd_readwrite |
                                      fd_read | sock_accept | sock_shutdown;
}  // namespace rights

// --- structs ---

// 0        4        8
// |  buf   | buf_len|      also ciovec
struct Iovec {
  Size buf;
  Size buf_len;
};
static_assert(sizeof(Iovec) == 8 && offsetof(Iovec, buf_len) == 4);

// 0  1  2  4     8        16           24
// |ft|  |fl|     | base   | inheriting |
struct Fdstat {
  FileType fs_filetype;
  std::uint8_t padding0;
  std::uint16_t fs_flags;
  std::uint32_t padding1;
  Rights fs_rights_base;
  Rights fs_rights_inheriting;
};
static_assert(sizeof(Fdstat) == 24 && offsetof(Fdstat, fs_flags) == 2 &&
              offsetof(Fdstat, fs_rights_base) == 8 &&
              offsetof(Fdstat, fs_rights_inheriting) == 16);

// 0   1   4             8
// |tag|   | pr_name_len |
struct Prestat {
  PreopenType tag;
  std::uint8_t padding[3];
  Size pr_name_len;
};
static_assert(sizeof(Prestat) == 8 && offsetof(Prestat, pr_name_len) == 4);

// 0     8     16 17   24      32     40     48     56     64
// | dev | ino |ft|    | nlink | size | atim | mtim | ctim |
struct Filestat {
  std::uint64_t dev;
  std::uint64_t ino;
  FileType filetype;
  std::uint8_t padding[7];
  std::uint64_t nlink;
  FileSize size;
  Timestamp atim;
  Timestamp mtim;
  Timestamp ctim;
};
static_assert(sizeof(Filestat) == 64 && offsetof(Filestat, filetype) == 16 &&
              offsetof(Filestat, nlink) == 24 && offsetof(Filestat, size) == 32 &&
              offsetof(Filestat, atim) == 40 && offsetof(Filestat, mtim) == 48 &&
              offsetof(Filestat, ctim) == 56);

// 0        8       16      20 21  24
// | d_next | d_ino |namlen |ty|   |      the name follows, without a terminator
struct Dirent {
  DirCookie d_next;
  std::uint64_t d_ino;
  std::uint32_t d_namlen;
  FileType d_type;
  std::uint8_t padding[3];
};
static_assert(sizeof(Dirent) == 24 && offsetof(Dirent, d_ino) == 8 &&
              offsetof(Dirent, d_namlen) == 16 && offsetof(Dirent, d_type) == 20);

// 0          8   9    16      20   24        32          40    42    48
// | userdata |tag|    | id    |    | timeout | precision |flags|     |   tag 0: clock
// | userdata |tag|    | fd    |                                      |   tag 1 fd_read, 2 fd_write
struct Subscription {
  UserData userdata;
  EventType tag;
  std::uint8_t padding0[7];
  std::uint32_t id_or_fd;
  std::uint32_t padding1;
  Timestamp timeout;
  Timestamp precision;
  std::uint16_t flags;
  std::uint8_t padding2[6];
};
static_assert(sizeof(Subscription) == 48 && offsetof(Subscription, tag) == 8 &&
              offsetof(Subscription, id_or_fd) == 16 && offsetof(Subscription, timeout) == 24 &&
              offsetof(Subscription, precision) == 32 && offsetof(Subscription, flags) == 40);

// 0          8       10   11   16       24      26   32
// | userdata | error |type|    | nbytes | flags |    |
struct Event {
  UserData userdata;
  Errno error;
  EventType type;
  std::uint8_t padding0[5];
  FileSize nbytes;
  std::uint16_t flags;
  std::uint8_t padding1[6];
};
static_assert(sizeof(Event) == 32 && offsetof(Event, error) == 8 && offsetof(Event, type) == 10 &&
              offsetof(Event, nbytes) == 16 && offsetof(Event, flags) == 24);

// --- where wasi_unstable (snapshot 0) differs ---

namespace unstable {

// 0     8     16 17  20      24     32     40     48     56
// | dev | ino |ft|   | nlink | size | atim | mtim | ctim |
struct Filestat {
  std::uint64_t dev;
  std::uint64_t ino;
  FileType filetype;
  std::uint8_t padding[3];
  std::uint32_t nlink;
  FileSize size;
  Timestamp atim;
  Timestamp mtim;
  Timestamp ctim;
};
static_assert(sizeof(Filestat) == 56 && offsetof(Filestat, nlink) == 20 &&
              offsetof(Filestat, size) == 24 && offsetof(Filestat, ctim) == 48);

// 0          8   9    16           24      28   32        40          48    50    56
// | userdata |tag|    | identifier | id    |    | timeout | precision |flags|     |   tag 0: clock
// | userdata |tag|    | fd    |                                                   |   tag 1, 2
struct Subscription {
  UserData userdata;
  EventType tag;
  std::uint8_t padding0[7];
  std::uint64_t identifier_or_fd;  // The fd is its low half.
  std::uint32_t id;
  std::uint32_t padding1;
  Timestamp timeout;
  Timestamp precision;
  std::uint16_t flags;
  std::uint8_t padding2[6];
};
static_assert(sizeof(Subscription) == 56 && offsetof(Subscription, identifier_or_fd) == 16 &&
              offsetof(Subscription, id) == 24 && offsetof(Subscription, timeout) == 32 &&
              offsetof(Subscription, flags) == 48);

enum class Whence : std::uint8_t { cur, end, set };

}  // namespace unstable
}  // namespace weft::wasip1
