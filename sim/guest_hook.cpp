// SPDX-License-Identifier: Apache-2.0
#include "sim/guest_hook.h"

#include <algorithm>
#include <numeric>

#include "os/wasip1/device.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"
#include "sim/links.h"

namespace weft::sim {
namespace {

using wasip1::Errno;

// These concern the guest alone. Time is not among what others change: it moves when nobody can
// run. poll_oneoff and sched_yield give way by themselves.
constexpr std::string_view kPrivate[] = {
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_renumber",
    "fd_seek",
    "fd_tell",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
};

// What a disk may answer to a call that writes, and to one that reads.
Errno failure_of(std::string_view call) {
  constexpr std::string_view kWriting[] = {"fd_write", "fd_pwrite", "fd_allocate",
                                           "path_create_directory", "path_open"};
  const bool writes =
      std::find(std::begin(kWriting), std::end(kWriting), call) != std::end(kWriting);
  return writes ? Errno::nospc : Errno::io;
}

unsigned object_of(const wasip1::Call& call) {
  if (call.name.starts_with("path_")) return kFiles;
  const auto fd = static_cast<wasip1::Fd>(call.args[0]);
  if (fd <= 2) return kStdin + fd;
  wasip1::Descriptor* descriptor = nullptr;
  if (call.process.fds().find(fd, 0, descriptor) != Errno::success) return kFiles;
  const auto* end = dynamic_cast<const LinkEnd*>(descriptor->file->device());
  return end != nullptr ? end->object() : kFiles;
}

// Only calls on files and directories: a standard stream that fails tells nothing about a program,
// and links have faults of their own.
bool may_fail(const wasip1::Call& call) {
  if (call.name.starts_with("path_")) return true;
  const bool transfers = call.name == "fd_write" || call.name == "fd_pwrite" ||
                         call.name == "fd_read" || call.name == "fd_pread" ||
                         call.name == "fd_sync" || call.name == "fd_datasync";
  return transfers && object_of(call) == kFiles;
}

bool moves_bytes(const wasip1::Call& call) {
  constexpr std::string_view kMoving[] = {"fd_read", "fd_write", "fd_pread", "fd_pwrite"};
  return std::find(std::begin(kMoving), std::end(kMoving), call.name) != std::end(kMoving);
}

// The lengths in the call's list of buffers.
std::vector<wasip1::Size> lengths_of(const wasip1::Call& call) {
  std::vector<wasip1::Size> lengths;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(call.args[2], 1024); ++i) {
    wasip1::Size length = 0;
    const auto at = static_cast<wasip1::Size>(call.args[1] + 8 * i + 4);
    if (call.memory.load(at, length) != Errno::success) break;
    lengths.push_back(length);
  }
  return lengths;
}

void set_lengths(const wasip1::Call& call, const std::vector<wasip1::Size>& lengths) {
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    (void)call.memory.store(static_cast<wasip1::Size>(call.args[1] + 8 * i + 4), lengths[i]);
  }
}

std::uint64_t sum(const std::vector<wasip1::Size>& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
}

// The first half of the bytes.
std::vector<wasip1::Size> half_of(std::vector<wasip1::Size> lengths) {
  std::uint64_t left = (sum(lengths) + 1) / 2;
  for (wasip1::Size& length : lengths) {
    length = static_cast<wasip1::Size>(std::min<std::uint64_t>(length, left));
    left -= length;
  }
  return lengths;
}

// Of the bytes that a guest writes to a standard stream, before they are written.
std::uint64_t hash_of_output(const wasip1::Call& call) {
  Hash hash;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(call.args[2], 1024); ++i) {
    const auto at = static_cast<wasip1::Size>(call.args[1] + 8 * i);
    wasip1::Size from = 0;
    wasip1::Size length = 0;
    std::string_view text;
    if (call.memory.load(at, from) != Errno::success ||
        call.memory.load(at + 4, length) != Errno::success ||
        call.memory.text(from, length, text) != Errno::success) {
      break;
    }
    hash.add(text);
  }
  return hash.value();
}

// Calls that change nothing of what they touch. Not those that tell of inodes: whose number is
// which is a matter of who asked first.
bool only_reads(const wasip1::Call& call) {
  constexpr std::string_view kReading[] = {"fd_read", "fd_pread", "fd_close", "path_readlink"};
  if (std::find(std::begin(kReading), std::end(kReading), call.name) != std::end(kReading)) {
    return true;
  }
  constexpr std::uint64_t kCreates = wasip1::oflags::creat | wasip1::oflags::trunc;
  return call.name == "path_open" && (call.args[4] & kCreates) == 0;
}

}  // namespace

bool is_visible(std::string_view call) {
  return std::find(std::begin(kPrivate), std::end(kPrivate), call) == std::end(kPrivate);
}

Access GuestHook::access_of(const wasip1::Call& call) const {
  Access access{.object = object_of(call), .writes = true, .wakes = false};
  if (access.object == kFiles) access.writes = !only_reads(call);
  if (access.object == kStdout || access.object == kStderr) access.writes = output_matters_;
  access.wakes = access.object >= kLinks;
  return access;
}

void GuestHook::log(Event::Kind kind, std::string_view what, std::uint64_t value,
                    std::uint64_t detail) {
  Event event{.at = director_.now(), .g = this_g().id, .kind = kind};
  event.what = what;
  event.value = value;
  event.detail = detail;
  director_.log().add(event);
}

std::optional<Errno> GuestHook::before(const wasip1::Call& call) {
  if (director_.finished()) return std::nullopt;
  if (is_visible(call.name)) director_.before_visible_call(access_of(call));
  log(Event::Kind::call, call.name, 0, 0);
  if (may_fail(call)) {
    std::vector<wasip1::Size> lengths;
    if (moves_bytes(call)) lengths = lengths_of(call);
    switch (director_.fault(sum(lengths) > 1)) {
      case Fault::none:
        break;
      case Fault::error:
        return failure_of(call.name);
      case Fault::cut_short:
        set_lengths(call, half_of(lengths));
        shortened_[this_g().id] = std::move(lengths);
        break;
    }
  }
  if (call.name == "fd_write" && call.args[0] <= 2) {
    log(Event::Kind::output, call.name, hash_of_output(call), call.args[0]);
  }
  return std::nullopt;
}

void GuestHook::after(const wasip1::Call& call, Errno result) {
  if (const auto it = shortened_.find(this_g().id); it != shortened_.end()) {
    set_lengths(call, it->second);
    shortened_.erase(it);
  }
  if (director_.finished()) return;
  // It has looked at links, if there are any.
  if (call.name == "poll_oneoff")
    director_.has_accessed({.object = kLinks, .writes = false, .wakes = true});
  log(Event::Kind::returned, call.name, static_cast<std::uint64_t>(result), 0);
}

}  // namespace weft::sim
