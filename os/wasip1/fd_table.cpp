// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/fd_table.h"

#include <algorithm>
#include <utility>

#include "os/wasip1/directory_listing.h"

namespace weft::wasip1 {

Descriptor::Descriptor(std::shared_ptr<HostFile> host_file, Rights rights_base,
                       Rights rights_inheriting, std::uint16_t fd_flags)
    : file(std::move(host_file)),
      type(file->type()),
      base(rights_base),
      inheriting(rights_inheriting),
      flags(fd_flags) {}

Descriptor::~Descriptor() = default;

Errno FdTable::find(Fd fd, Rights needed, Descriptor*& out) const {
  if (fd >= slots_.size() || slots_[fd] == nullptr) return Errno::badf;
  out = slots_[fd].get();
  return (out->base & needed) == needed ? Errno::success : Errno::notcapable;
}

Errno FdTable::add(std::unique_ptr<Descriptor> descriptor, Fd& out) {
  if (!budget_.take(1)) return room();
  auto slot = std::find(slots_.begin(), slots_.end(), nullptr);
  if (slot == slots_.end()) slot = slots_.emplace(slots_.end());
  *slot = std::move(descriptor);
  ++open_;
  out = static_cast<Fd>(slot - slots_.begin());
  return Errno::success;
}

Errno FdTable::room() const {
  if (budget_.left() > 0) return Errno::success;
  return budget_.lacks_itself(1) ? Errno::mfile : Errno::nfile;
}

Errno FdTable::close(Fd fd) {
  if (fd >= slots_.size() || slots_[fd] == nullptr) return Errno::badf;
  slots_[fd].reset();
  --open_;
  budget_.give_back(1);
  return Errno::success;
}

Errno FdTable::renumber(Fd from, Fd to) {
  if (from >= slots_.size() || slots_[from] == nullptr) return Errno::badf;
  if (to >= slots_.size() || slots_[to] == nullptr) return Errno::badf;
  if (from == to) return Errno::success;
  slots_[to] = std::move(slots_[from]);
  --open_;
  budget_.give_back(1);
  return Errno::success;
}

}  // namespace weft::wasip1
