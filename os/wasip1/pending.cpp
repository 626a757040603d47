// Functions that are not written yet: they answer ENOSYS. Shrinks to nothing.
#include "os/wasip1/calls.h"

namespace weft::wasip1 {

Errno fd_advise(Process&, Memory, Fd, FileSize, FileSize, std::uint32_t) {
  return Errno::nosys;
}
Errno fd_allocate(Process&, Memory, Fd, FileSize, FileSize) {
  return Errno::nosys;
}
Errno fd_datasync(Process&, Memory, Fd) {
  return Errno::nosys;
}
Errno fd_sync(Process&, Memory, Fd) {
  return Errno::nosys;
}
Errno fd_filestat_get(Process&, Memory, Fd, Size) {
  return Errno::nosys;
}
Errno unstable::fd_filestat_get(Process&, Memory, Fd, Size) {
  return Errno::nosys;
}
Errno fd_filestat_set_size(Process&, Memory, Fd, FileSize) {
  return Errno::nosys;
}
Errno fd_filestat_set_times(Process&, Memory, Fd, Timestamp, Timestamp, std::uint32_t) {
  return Errno::nosys;
}
Errno fd_readdir(Process&, Memory, Fd, Size, Size, DirCookie, Size) {
  return Errno::nosys;
}
Errno path_open(Process&, Memory, Fd, std::uint32_t, Size, Size, std::uint32_t, Rights, Rights,
                std::uint32_t, Size) {
  return Errno::nosys;
}
Errno path_create_directory(Process&, Memory, Fd, Size, Size) {
  return Errno::nosys;
}
Errno path_remove_directory(Process&, Memory, Fd, Size, Size) {
  return Errno::nosys;
}
Errno path_unlink_file(Process&, Memory, Fd, Size, Size) {
  return Errno::nosys;
}
Errno path_filestat_get(Process&, Memory, Fd, std::uint32_t, Size, Size, Size) {
  return Errno::nosys;
}
Errno unstable::path_filestat_get(Process&, Memory, Fd, std::uint32_t, Size, Size, Size) {
  return Errno::nosys;
}
Errno path_filestat_set_times(Process&, Memory, Fd, std::uint32_t, Size, Size, Timestamp, Timestamp,
                              std::uint32_t) {
  return Errno::nosys;
}
Errno path_link(Process&, Memory, Fd, std::uint32_t, Size, Size, Fd, Size, Size) {
  return Errno::nosys;
}
Errno path_rename(Process&, Memory, Fd, Size, Size, Fd, Size, Size) {
  return Errno::nosys;
}
Errno path_symlink(Process&, Memory, Size, Size, Fd, Size, Size) {
  return Errno::nosys;
}
Errno path_readlink(Process&, Memory, Fd, Size, Size, Size, Size, Size) {
  return Errno::nosys;
}
Errno sock_accept(Process&, Memory, Fd, std::uint32_t, Size) {
  return Errno::nosys;
}
Errno sock_recv(Process&, Memory, Fd, Size, Size, std::uint32_t, Size, Size) {
  return Errno::nosys;
}
Errno sock_send(Process&, Memory, Fd, Size, Size, std::uint32_t, Size) {
  return Errno::nosys;
}
Errno sock_shutdown(Process&, Memory, Fd, std::uint32_t) {
  return Errno::nosys;
}

}  // namespace weft::wasip1
