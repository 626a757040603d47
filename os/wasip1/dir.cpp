// SPDX-License-Identifier: Apache-2.0
// Reading directories.
#include <algorithm>
#include <cstring>

#include "os/wasip1/calls.h"
#include "os/wasip1/directory_listing.h"
#include "os/wasip1/long_call.h"
#include "os/wasip1/path.h"

namespace weft::wasip1 {
namespace {

// Copies as much of the bytes as still fits; returns whether it was all.
bool append(std::span<std::byte>& room, const void* bytes, std::size_t size) {
  const std::size_t n = std::min(size, room.size());
  if (n > 0) std::memcpy(room.data(), bytes, n);
  room = room.subspan(n);
  return n == size;
}

}  // namespace

// Writes the entries of a directory from a cookie on (0: from the start) into buf, and how many
// bytes were written (u32 at bufused). Less than buf_len: that was the end. The last entry may be
// cut off, wherever the buffer ends; the guest asks again with the d_next of the last entry that it
// has whole.
//
//   0        8       16      20 21  24
//   | d_next | d_ino |namlen |ty|   | name, no terminator | next entry, not aligned
//
// Cookies are places in a snapshot that is taken for cookie 0: files that are created or removed
// later do not change it. "." and ".." come first, then the others by name. Names that are not
// UTF-8 are given as they are: a guest sees that they exist, but path_open refuses them.
//
// EBADF: no such descriptor. ENOTDIR: not a directory. ENOTCAPABLE: without fd_readdir. EFAULT: buf
// or bufused lies outside. EINVAL: a cookie that was never given. ENOMEM: the snapshot is more than
// the guest may make weft hold. EACCES: as the host says. Never parks; yields every 1,024 entries.
// Specification: fd_readdir.
Errno fd_readdir(Process& process, Memory memory, Fd fd, Size buf, Size buf_len, DirCookie cookie,
                 Size bufused) {
  Descriptor* descriptor = nullptr;
  WEFT_WASI_TRY(find_directory(process, fd, rights::fd_readdir, descriptor));
  std::span<std::byte> room;
  WEFT_WASI_TRY(memory.bytes(buf, buf_len, room));
  WEFT_WASI_TRY(memory.check<Size>(bufused));
  if (cookie == 0 || descriptor->listing == nullptr) {
    descriptor->listing.reset();  // Frees the old one before the new one is made.
    auto listing = std::make_unique<DirectoryListing>(process.host_memory());
    const MemoryDirectory* const in_memory = MemoryDirectory::of(*descriptor->file);
    WEFT_WASI_TRY(in_memory != nullptr ? listing->take(in_memory->node())
                                       : listing->take(descriptor->file->fd()));
    descriptor->listing = std::move(listing);
  }
  const DirectoryListing& listing = *descriptor->listing;
  if (cookie > listing.size()) return Errno::inval;
  LongCall turns;
  for (std::size_t i = cookie; i < listing.size(); ++i) {
    const DirectoryListing::Entry entry = listing.entry(i);
    Dirent header{};
    header.d_next = i + 1;
    header.d_ino = entry.ino;
    WEFT_WASI_TRY(process.stable_inode(listing.device(), header.d_ino));
    header.d_namlen = static_cast<std::uint32_t>(entry.name.size());
    header.d_type = entry.type;
    if (!append(room, &header, sizeof header)) break;
    if (!append(room, entry.name.data(), entry.name.size())) break;
    turns.step();
  }
  return memory.store(bufused, static_cast<Size>(buf_len - room.size()));
}

}  // namespace weft::wasip1
