// SPDX-License-Identifier: Apache-2.0
// path_open: the only way for a guest to open a file.
#include <fcntl.h>

#include <cerrno>

#include "os/wasip1/calls.h"
#include "os/wasip1/file_size.h"
#include "os/wasip1/path.h"

namespace weft::wasip1 {
namespace {

constexpr mode_t kMode = 0666;  // Less the umask.

struct OpenRequest {
  bool creates = false;
  bool directory = false;
  bool exclusive = false;
  bool truncates = false;
  bool follows = false;
  Rights base = 0;
  Rights inheriting = 0;
  std::uint16_t fd_flags = 0;
};

// Does the directory's descriptor allow it?
Errno check_rights(const Descriptor& directory, const OpenRequest& request) {
  Rights needed = rights::path_open;
  if (request.creates) needed |= rights::path_create_file;
  if ((directory.base & needed) != needed) return Errno::notcapable;
  if (((request.base | request.inheriting) & ~directory.inheriting) != 0) return Errno::notcapable;
  // A directory that may give the right to set a file's size may also cut the file when it opens
  // it: Go's os.Root relies on that.
  const bool may_truncate = (directory.base & rights::path_filestat_set_size) != 0 ||
                            (directory.inheriting & rights::fd_filestat_set_size) != 0;
  if (request.truncates && !may_truncate) return Errno::notcapable;
  Rights sync = 0;
  if ((request.fd_flags & fdflags::dsync) != 0) sync |= rights::fd_datasync;
  if ((request.fd_flags & (fdflags::sync | fdflags::rsync)) != 0) sync |= rights::fd_sync;
  return (directory.inheriting & sync) == sync ? Errno::success : Errno::notcapable;
}

int host_flags(const OpenRequest& request) {
  const bool writes = (request.base & rights::fd_write) != 0 || request.truncates;
  const bool reads = (request.base & rights::fd_read) != 0;
  int flags = writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (request.creates) flags |= O_CREAT;
  if (request.directory) flags |= O_DIRECTORY;
  if (request.exclusive) flags |= O_EXCL;
  if (!request.follows) flags |= O_NOFOLLOW;
  // A file is cut off when it is open, in steps (file_size.h).
  // The file description is this descriptor's own: append and sync are flags of each write
  // (fd_io.cpp), and O_NONBLOCK makes pipes and devices park instead of block, in the open itself
  // too.
  return flags | O_NONBLOCK | O_NOCTTY;
}

// Opens a file or directory that lies in memory. EROFS: to write, or to make one.
Errno open_in_memory(Process& process, const MemoryDirectory& directory, const std::string& path,
                     const OpenRequest& request, std::shared_ptr<HostFile>& out) {
  const MemoryFiles::Node* node = nullptr;
  if (const Errno e = directory.find(path, node); e != Errno::success) {
    return e == Errno::noent && request.creates ? Errno::rofs : e;
  }
  if (request.creates && request.exclusive) return Errno::exist;
  if (request.directory && !node->is_directory) return Errno::notdir;
  if ((request.base & rights::fd_write) != 0 || request.truncates) {
    return node->is_directory ? Errno::isdir : Errno::rofs;
  }
  if (node->is_directory) {
    auto device = std::make_shared<MemoryDirectory>(directory.files(), *node);
    auto file = HostFile::simulate(process.reactor(), std::move(device), FileType::directory);
    if (!file) return Errno::nfile;
    out = std::move(*file);
    return Errno::success;
  }
  const std::string place = "/proc/self/fd/" + std::to_string(node->fd.get());
  UniqueFd opened(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.valid()) return from_host(errno);
  out = HostFile::own(process.reactor(), std::move(opened));
  return Errno::success;
}

// Opens it, or makes it, wherever the directory lies.
Errno open_file(Process& process, const Descriptor& directory, const std::string& path,
                const OpenRequest& request, std::shared_ptr<HostFile>& out) {
  if (const MemoryDirectory* const in_memory = MemoryDirectory::of(*directory.file)) {
    return open_in_memory(process, *in_memory, path, request, out);
  }
  UniqueFd opened;
  WEFT_WASI_TRY(
      process.resolver().open(directory.file->fd(), path, host_flags(request), kMode, opened));
  out = HostFile::own(process.reactor(), std::move(opened));
  return Errno::success;
}

// What the descriptor may do: what was asked for, what the type of the file has a meaning for, and
// what it was opened for.
Rights base_rights(const HostFile& file, Rights requested) {
  Rights possible = rights::of_stream;
  switch (file.type()) {
    case FileType::directory:
      possible = rights::of_directory;
      break;
    case FileType::regular_file:
    case FileType::block_device:
      possible = rights::of_file;
      break;
    case FileType::character_device:
      if (!file.is_tty()) possible |= rights::fd_seek | rights::fd_tell;
      break;
    default:
      break;
  }
  if ((requested & rights::fd_write) == 0) {
    possible &= ~(rights::fd_allocate | rights::fd_filestat_set_size);
  }
  return requested & possible;
}

Errno parse(std::uint32_t dirflags, std::uint32_t o_flags, Rights base, Rights inheriting,
            std::uint32_t fd_flags, OpenRequest& out) {
  if ((dirflags & ~lookupflags::symlink_follow) != 0) return Errno::inval;
  if ((o_flags & ~std::uint32_t{oflags::all}) != 0) return Errno::inval;
  if ((fd_flags & ~std::uint32_t{fdflags::all}) != 0) return Errno::inval;
  out.creates = (o_flags & oflags::creat) != 0;
  out.directory = (o_flags & oflags::directory) != 0;
  out.exclusive = (o_flags & oflags::excl) != 0;
  out.truncates = (o_flags & oflags::trunc) != 0;
  out.follows = (dirflags & lookupflags::symlink_follow) != 0;
  out.base = base & rights::all;  // Some libraries ask for all 64.
  out.inheriting = inheriting & rights::all;
  out.fd_flags = static_cast<std::uint16_t>(fd_flags);
  return out.creates && out.directory ? Errno::inval : Errno::success;
}

}  // namespace

// Opens, and with oflags.creat makes, the file that path names under the directory fd; writes its
// descriptor (u32 at opened_fd), which is the lowest free number.
//
// It is opened for writing when base has fd_write (or with oflags.trunc), for reading when base has
// fd_read, or when it is not opened for writing. The descriptor gets those of the rights asked for
// that apply to its type of file; fd_allocate and fd_filestat_set_size only together with fd_write.
// A directory with fd_write is EISDIR.
//
// EBADF: no such descriptor fd. ENOTDIR: fd, or a component on the way, is not a directory; or
// oflags.directory, and the file is not one. ENOTCAPABLE: fd lacks path_open, path_create_file
// (creat), path_filestat_set_size (trunc), or can't pass on one of the rights (fd_sync and
// fd_datasync for those fdflags). EPERM: the path leaves fd. EINVAL: an unknown flag, creat with
// directory, or a zero in the path. EILSEQ: the path is not UTF-8. ENOENT: the path is empty, or
// the file is missing. EEXIST: excl, and the file exists. ELOOP: a link without symlink_follow; or
// more than 40 links. EMFILE: the guest's descriptors are used up. ENFILE: those of all guests are.
// EROFS: to be written or made, in a directory in memory. EFAULT: path or opened_fd lies outside.
// ENXIO: a pipe to be written has no reader. Others: as the host says. Never parks: a pipe is
// opened without waiting for its other end. Specification: path_open.
Errno path_open(Process& process, Memory memory, Fd fd, std::uint32_t dirflags, Size path,
                Size path_len, std::uint32_t o_flags, Rights base, Rights inheriting,
                std::uint32_t fd_flags, Size opened_fd) {
  Descriptor* directory = nullptr;
  WEFT_WASI_TRY(find_directory(process, fd, 0, directory));
  OpenRequest request;
  WEFT_WASI_TRY(parse(dirflags, o_flags, base, inheriting, fd_flags, request));
  WEFT_WASI_TRY(check_rights(*directory, request));
  std::string text;
  WEFT_WASI_TRY(load_path(memory, path, path_len, text));
  WEFT_WASI_TRY(memory.check<Fd>(opened_fd));
  WEFT_WASI_TRY(process.fds().room());  // Before a file is made or cut off.
  // What a trailing slash names can only be a directory, which this can't make.
  if (request.creates && text.back() == '/') return Errno::isdir;
  std::shared_ptr<HostFile> file;
  WEFT_WASI_TRY(open_file(process, *directory, text, request, file));
  Rights granted = base_rights(*file, request.base);
  // The times of what lies in memory are every guest's.
  if (MemoryDirectory::of(*directory->file) != nullptr) granted &= ~rights::fd_filestat_set_times;
  const int host_fd = file->fd();
  const bool truncates = request.truncates && file->type() == FileType::regular_file;
  auto descriptor =
      std::make_unique<Descriptor>(std::move(file), granted, request.inheriting, request.fd_flags);
  Fd number = 0;
  WEFT_WASI_TRY(process.fds().add(std::move(descriptor), number));
  if (truncates) {
    if (const Errno e = set_size(host_fd, 0); e != Errno::success) {
      (void)process.fds().close(number);
      return e;
    }
  }
  return memory.store(opened_fd, number);
}

}  // namespace weft::wasip1
