#include "sim/guest_hook.h"

#include <algorithm>

#include "os/wasip1/process.h"
#include "scheduler/api.h"

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

// Only calls on files and directories: a standard stream that fails tells nothing about a program.
bool may_fail(const wasip1::Call& call) {
  if (call.name.starts_with("path_")) return true;
  const bool transfers = call.name == "fd_write" || call.name == "fd_pwrite" ||
                         call.name == "fd_read" || call.name == "fd_pread" ||
                         call.name == "fd_sync" || call.name == "fd_datasync";
  return transfers && call.args[0] > 2;
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

unsigned object_of(const wasip1::Call& call) {
  if (call.name.starts_with("path_")) return kFiles;
  const auto fd = static_cast<wasip1::Fd>(call.args[0]);
  if (fd <= 2) return kStdin + fd;
  wasip1::Descriptor* descriptor = nullptr;
  if (call.process.fds().find(fd, 0, descriptor) != Errno::success) return kFiles;
  return descriptor->file->device() != nullptr ? kLinks : kFiles;
}

}  // namespace

bool is_visible(std::string_view call) {
  return std::find(std::begin(kPrivate), std::end(kPrivate), call) == std::end(kPrivate);
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
  if (is_visible(call.name)) director_.before_visible_call(object_of(call));
  log(Event::Kind::call, call.name, 0, 0);
  if (may_fail(call) && director_.fault()) return failure_of(call.name);
  if (call.name == "fd_write" && call.args[0] <= 2) {
    log(Event::Kind::output, call.name, hash_of_output(call), call.args[0]);
  }
  return std::nullopt;
}

void GuestHook::after(const wasip1::Call& call, Errno result) {
  if (director_.finished()) return;
  log(Event::Kind::returned, call.name, static_cast<std::uint64_t>(result), 0);
}

}  // namespace weft::sim
