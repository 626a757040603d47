// SPDX-License-Identifier: Apache-2.0
// FdTable: the descriptors of one guest, numbered from 0, with their flags and rights.
//
//   fd  ─▶ Descriptor ─▶ HostFile (may be shared with other guests' stdio)
//
// The flags and rights of a descriptor live here and nowhere else: FDFLAGS_NONBLOCK decides whether
// a call parks or answers EAGAIN, APPEND and SYNC become flags of the single write. The host's
// descriptions are never changed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "os/wasip1/abi.h"
#include "os/wasip1/host_file.h"

namespace weft::wasip1 {

class DirectoryListing;

struct Descriptor {
  Descriptor(std::shared_ptr<HostFile> host_file, Rights rights_base, Rights rights_inheriting,
             std::uint16_t fd_flags = 0);
  ~Descriptor();
  Descriptor(Descriptor&&) = delete;

  [[nodiscard]] bool may_park() const { return (flags & fdflags::nonblock) == 0; }

  std::shared_ptr<HostFile> file;
  FileType type;
  Rights base;        // Of the descriptor itself.
  Rights inheriting;  // The most that descriptors opened under it by path_open may have.
  std::uint16_t flags;
  std::optional<std::string> preopen_path;    // Of a preopened directory: its name for the guest.
  bool preopened_socket = false;              // A listener, or the end of a link.
  std::unique_ptr<DirectoryListing> listing;  // While the guest reads the directory: see dir.cpp.
};

class FdTable {
 public:
  // Each descriptor takes one of the budget, which must outlive the table.
  explicit FdTable(Budget& budget) : budget_(budget) {}

  // The descriptor with this number. EBADF: there is none. ENOTCAPABLE: it lacks one of the rights.
  Errno find(Fd fd, Rights needed, Descriptor*& out) const;

  // Adds the descriptor with the lowest free number. Errors: those of room().
  Errno add(std::unique_ptr<Descriptor> descriptor, Fd& out);

  // EBADF: there is none.
  Errno close(Fd fd);

  // Moves `from` to the number `to`, closing what was there. EBADF: one of them is not open.
  Errno renumber(Fd from, Fd to);

  // EMFILE: the guest has as many as it may. ENFILE: all guests together have.
  [[nodiscard]] Errno room() const;

  [[nodiscard]] std::size_t open() const { return open_; }

 private:
  std::vector<std::unique_ptr<Descriptor>> slots_;
  Budget& budget_;
  std::size_t open_ = 0;  // Slots that are not empty.
};

}  // namespace weft::wasip1
