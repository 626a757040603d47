// SPDX-License-Identifier: Apache-2.0
#include "sim/guest_hook.h"

#include <algorithm>
#include <numeric>

#include "os/wasip1/device.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"
#include "sim/links.h"

namespace weft::sim {
namespace {

using wasip1::Errno;

// Does this path_open create a file, or cut one?
bool creates(const wasip1::Call& call) {
  constexpr std::uint64_t kCreates = wasip1::oflags::creat | wasip1::oflags::trunc;
  return (call.args[4] & kCreates) != 0;
}

// What a disk may answer to the call.
Errno failure_of(const wasip1::Call& call) {
  const wasip1::Failure failure = call.function.facts.failure;
  const bool needs_room = failure == wasip1::Failure::nospc ||
                          (failure == wasip1::Failure::if_it_creates && creates(call));
  return needs_room ? Errno::nospc : Errno::io;
}

bool changes(const wasip1::Call& call) {
  const wasip1::Change change = call.function.facts.changes;
  return change == wasip1::Change::yes ||
         (change == wasip1::Change::if_it_creates && creates(call));
}

unsigned object_of(const wasip1::Call& call) {
  if (call.function.facts.touches == wasip1::Touch::files) return kFiles;
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
  return call.function.facts.failure != wasip1::Failure::never && object_of(call) == kFiles;
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

bool is_output(const wasip1::Call& call) {
  return call.function.name == "fd_write" && call.args[0] <= 2;
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

}  // namespace

Access GuestHook::access_of(const wasip1::Call& call) const {
  Access access{.object = object_of(call), .writes = true, .wakes = false};
  if (access.object == kFiles) access.writes = changes(call);
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
  if (call.function.facts.sight == wasip1::Sight::shared)
    director_.before_visible_call(access_of(call));
  log(Event::Kind::call, call.function.name, 0, 0);
  if (leaks_ != nullptr && leaks_->before(call, director_.now())) return Errno::success;
  if (may_fail(call)) {
    std::vector<wasip1::Size> lengths;
    if (call.function.facts.moves_bytes()) lengths = lengths_of(call);
    switch (director_.fault(sum(lengths) > 1)) {
      case Fault::none:
        break;
      case Fault::error:
        return failure_of(call);
      case Fault::cut_short:
        set_lengths(call, half_of(lengths));
        shortened_[this_g().id] = std::move(lengths);
        break;
    }
  }
  if (is_output(call)) {
    log(Event::Kind::output, call.function.name, hash_of_output(call), call.args[0]);
  }
  return std::nullopt;
}

void GuestHook::after(const wasip1::Call& call, Errno result) {
  if (const auto it = shortened_.find(this_g().id); it != shortened_.end()) {
    set_lengths(call, it->second);
    shortened_.erase(it);
  }
  if (director_.finished()) return;
  if (call.function.facts.touches == wasip1::Touch::links) {
    director_.has_accessed({.object = kLinks, .writes = false, .wakes = true});
  }
  log(Event::Kind::returned, call.function.name, static_cast<std::uint64_t>(result), 0);
}

}  // namespace weft::sim
