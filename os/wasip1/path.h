// What the path_* functions share: the directory that they start from, and the path.
#pragma once

#include <string>

#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft::wasip1 {

// The directory behind fd. EBADF: no such descriptor. ENOTDIR: not a directory. ENOTCAPABLE:
// without the rights.
inline Errno find_directory(Process& process, Fd fd, Rights needed, Descriptor*& out) {
  WEFT_WASI_TRY(process.fds().find(fd, 0, out));
  if (out->type != FileType::directory) return Errno::notdir;
  return (out->base & needed) == needed ? Errno::success : Errno::notcapable;
}

// The path at [at, at + length). EFAULT: outside of memory; else as check_path.
inline Errno load_path(Memory memory, Size at, Size length, std::string& out) {
  std::string_view text;
  WEFT_WASI_TRY(memory.text(at, length, text));
  return check_path(text, out);
}

// Both, and the parent of what the path names.
inline Errno find_parent(Process& process, Memory memory, Fd fd, Rights needed, Size path,
                         Size path_len, Parent& out) {
  Descriptor* directory = nullptr;
  WEFT_WASI_TRY(find_directory(process, fd, needed, directory));
  std::string text;
  WEFT_WASI_TRY(load_path(memory, path, path_len, text));
  return process.resolver().parent(directory->file->fd(), text, out);
}

}  // namespace weft::wasip1
