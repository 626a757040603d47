// SPDX-License-Identifier: Apache-2.0
// What is done to a file by its name: made, removed, looked at. All of it under a directory that
// the guest has; how a path is kept inside is told in resolve.h. None of these parks.
//
// Errors that all have in common: EBADF: no such descriptor. ENOTDIR: the descriptor, or a
// component on the way, is not a directory. ENOTCAPABLE: it lacks the right of that name. EFAULT:
// the path lies outside of memory. ENOENT: an empty path, or a missing component. EINVAL: a zero in
// the path. EILSEQ: not UTF-8. ENAMETOOLONG. EPERM: the path leaves the directory. ELOOP: more than
// 40 links. EROFS: a change in a directory that lies in memory (memory_files.h). Those of the host
// come as they are.
#include "os/wasip1/path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/wasip1/calls.h"
#include "os/wasip1/filestat.h"

namespace weft::wasip1 {
namespace {

// The directory and the path. EINVAL: an unknown lookup flag.
Errno find_path(Process& process, Memory memory, Fd fd, Rights needed, std::uint32_t flags,
                Size path, Size path_len, Descriptor*& directory, std::string& text) {
  WEFT_WASI_TRY(find_directory(process, fd, needed, directory));
  if ((flags & ~lookupflags::symlink_follow) != 0) return Errno::inval;
  return load_path(memory, path, path_len, text);
}

// Opens what the path names, only to name it.
Errno open_to_name(Process& process, const Descriptor& directory, const std::string& text,
                   std::uint32_t flags, UniqueFd& out) {
  const bool follows = (flags & lookupflags::symlink_follow) != 0;
  return process.resolver().open(directory.file->fd(), text, O_PATH | (follows ? 0 : O_NOFOLLOW), 0,
                                 out);
}

// What the host says of it; of a directory in memory it says that it is a file.
Errno status_of(Process& process, const Descriptor& directory, const std::string& text,
                std::uint32_t flags, struct stat& out) {
  const MemoryDirectory* const in_memory = MemoryDirectory::of(*directory.file);
  if (in_memory == nullptr) {
    UniqueFd file;
    WEFT_WASI_TRY(open_to_name(process, directory, text, flags, file));
    return result_of(::fstat(file.get(), &out));
  }
  const MemoryFiles::Node* node = nullptr;
  WEFT_WASI_TRY(in_memory->find(text, node));
  WEFT_WASI_TRY(result_of(::fstat(node->fd.get(), &out)));
  if (node->is_directory) out.st_mode = S_IFDIR | 0555;
  return Errno::success;
}

template <class Layout>
Errno filestat_get(Process& process, Memory memory, Fd fd, std::uint32_t flags, Size path,
                   Size path_len, Size at) {
  Descriptor* directory = nullptr;
  std::string text;
  WEFT_WASI_TRY(find_path(process, memory, fd, rights::path_filestat_get, flags, path, path_len,
                          directory, text));
  struct stat status = {};
  WEFT_WASI_TRY(status_of(process, *directory, text, flags, status));
  WEFT_WASI_TRY(process.stabilise(status));
  return memory.store(at, filestat<Layout>(status));
}

}  // namespace

// Makes a directory. A trailing slash is allowed. EEXIST: there is something of that name.
// Specification: path_create_directory.
Errno path_create_directory(Process& process, Memory memory, Fd fd, Size path, Size path_len) {
  Parent parent;
  WEFT_WASI_TRY(
      find_parent(process, memory, fd, rights::path_create_directory, path, path_len, parent));
  if (parent.special) return Errno::exist;
  return result_of(::mkdirat(parent.fd(), parent.name.c_str(), 0777));
}

// Removes an empty directory. A trailing slash is allowed. ENOTEMPTY: it is not empty (also for
// ".."). ENOTDIR: not a directory; a link to a directory is not one. EINVAL: ".". Specification:
// path_remove_directory.
Errno path_remove_directory(Process& process, Memory memory, Fd fd, Size path, Size path_len) {
  Parent parent;
  WEFT_WASI_TRY(
      find_parent(process, memory, fd, rights::path_remove_directory, path, path_len, parent));
  if (parent.special) return parent.name == "." ? Errno::inval : Errno::notempty;
  const Errno e = remove_name(process, parent, [&] {
    return result_of(::unlinkat(parent.fd(), parent.name.c_str(), AT_REMOVEDIR));
  });
  return e == Errno::exist ? Errno::notempty : e;  // Some file systems use the one for the other.
}

// Removes a name of a file; a link is removed itself. EISDIR: a directory. ENOTDIR: a trailing
// slash, and no directory. Specification: path_unlink_file.
Errno path_unlink_file(Process& process, Memory memory, Fd fd, Size path, Size path_len) {
  Parent parent;
  WEFT_WASI_TRY(find_parent(process, memory, fd, rights::path_unlink_file, path, path_len, parent));
  if (parent.special) return Errno::isdir;
  if (parent.trailing_slash) {
    struct stat status = {};
    WEFT_WASI_TRY(
        result_of(::fstatat(parent.fd(), parent.name.c_str(), &status, AT_SYMLINK_NOFOLLOW)));
    return S_ISDIR(status.st_mode) ? Errno::isdir : Errno::notdir;
  }
  return remove_name(process, parent,
                     [&] { return result_of(::unlinkat(parent.fd(), parent.name.c_str(), 0)); });
}

// Writes the attributes of a file (64 bytes at filestat, as fd_filestat_get). Without
// symlink_follow those of a link itself. EFAULT: filestat lies outside. Specification:
// path_filestat_get.
Errno path_filestat_get(Process& process, Memory memory, Fd fd, std::uint32_t flags, Size path,
                        Size path_len, Size filestat) {
  WEFT_WASI_TRY(memory.check<Filestat>(filestat));
  return filestat_get<Filestat>(process, memory, fd, flags, path, path_len, filestat);
}

// The same; the struct has 56 bytes and nlink only 32 bits.
Errno unstable::path_filestat_get(Process& process, Memory memory, Fd fd, std::uint32_t flags,
                                  Size path, Size path_len, Size filestat) {
  return filestat_get<unstable::Filestat>(process, memory, fd, flags, path, path_len, filestat);
}

// Sets the times of a file as fd_filestat_set_times does; without symlink_follow those of a link
// itself. EINVAL also for those flags. Specification: path_filestat_set_times.
Errno path_filestat_set_times(Process& process, Memory memory, Fd fd, std::uint32_t flags,
                              Size path, Size path_len, Timestamp atim, Timestamp mtim,
                              std::uint32_t fst_flags) {
  timespec times[2];
  Descriptor* directory = nullptr;
  std::string text;
  WEFT_WASI_TRY(find_path(process, memory, fd, rights::path_filestat_set_times, flags, path,
                          path_len, directory, text));
  if (MemoryDirectory::of(*directory->file) != nullptr) return Errno::rofs;
  UniqueFd file;
  WEFT_WASI_TRY(open_to_name(process, *directory, text, flags, file));
  WEFT_WASI_TRY(host_times(atim, mtim, fst_flags, times));
  return result_of(::utimensat(file.get(), "", times, AT_EMPTY_PATH));
}

}  // namespace weft::wasip1
