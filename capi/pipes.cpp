// SPDX-License-Identifier: Apache-2.0
// Pipes of weft.h: weft::pipe() (guest/streams.h), and the program at one of its ends.
//
//   weft_pipe_write ─▶ to ═══ ring ═══▶ from ─▶ a guest's stdin
//   a guest's stdout ─▶ to ═══ ring ═══▶ from ─▶ weft_pipe_read
//
// The program never waits here. weft_pipe_wait has a G wait for it, weft_caller_pipe the G of the
// guest that called.
#include <utility>

#include "capi/embed.h"
#include "os/wasip1/device.h"

using namespace weft;
using namespace weft::capi;

namespace {

int check(const weft_pipe* pipe) {
  if (pipe == nullptr) return fail(WEFT_EINVAL, "the pipe is NULL");
  return capi::check(&pipe->owner);
}

Direction direction_of(int end) {
  return end == WEFT_PIPE_READ ? Direction::read : Direction::write;
}

// The end that is asked for; nullptr when the program has closed it.
std::shared_ptr<wasip1::Device>* device_of(weft_pipe* pipe, int end) {
  auto& device = end == WEFT_PIPE_READ ? pipe->ends.from.device : pipe->ends.to.device;
  return device != nullptr ? &device : nullptr;
}

int end_closed() {
  return fail(WEFT_ECLOSED, "this end of the pipe was closed");
}

int is_end(int end) {
  if (end == WEFT_PIPE_READ || end == WEFT_PIPE_WRITE) return WEFT_OK;
  return fail(WEFT_EINVAL, "a pipe's end is WEFT_PIPE_READ or WEFT_PIPE_WRITE");
}

// On a G.
void wait_for(wasip1::Device& device, Direction direction) {
  while (!device.state(direction).ready) {
    const wasip1::DeviceWait wait(device, direction, this_g());
    park(WaitReason::io_wait);
  }
}

}  // namespace

int weft_pipe_make(weft_runtime* runtime, size_t capacity, weft_pipe** pipe) {
  if (const int code = capi::check(runtime); code != WEFT_OK) return code;
  if (pipe == nullptr) return fail(WEFT_EINVAL, "there is nowhere to put the pipe");
  return coded([&] {
    *pipe = new weft_pipe{*runtime, weft::pipe(capacity != 0 ? capacity : kPipeBytes)};
    return WEFT_OK;
  });
}

int weft_pipe_free(weft_pipe* pipe) {
  if (const int code = check(pipe); code != WEFT_OK) return code;
  pipe->owner.idle = false;
  delete pipe;
  return WEFT_OK;
}

int weft_pipe_close(weft_pipe* pipe, int end) {
  if (const int code = check(pipe); code != WEFT_OK) return code;
  if (const int code = is_end(end); code != WEFT_OK) return code;
  auto* device = device_of(pipe, end);
  if (device == nullptr) return end_closed();
  pipe->owner.idle = false;
  device->reset();
  return WEFT_OK;
}

int weft_pipe_write(weft_pipe* pipe, const void* bytes, size_t count, size_t* written) {
  if (const int code = check(pipe); code != WEFT_OK) return code;
  if (written == nullptr || (bytes == nullptr && count > 0)) {
    return fail(WEFT_EINVAL, "no bytes, or no place for how many were written");
  }
  *written = 0;
  const auto* device = device_of(pipe, WEFT_PIPE_WRITE);
  if (device == nullptr) return end_closed();
  return coded([&] {
    const iovec buffer = {const_cast<void*>(bytes), count};
    const wasip1::Errno error = (*device)->write({&buffer, 1}, *written);
    pipe->owner.idle = false;
    if (*written > 0 || error == wasip1::Errno::success) return static_cast<int>(WEFT_OK);
    if (error == wasip1::Errno::again) return fail(WEFT_EAGAIN, "the pipe is full");
    return fail(WEFT_ECLOSED, "nobody reads the pipe any more");
  });
}

int weft_pipe_read(weft_pipe* pipe, void* bytes, size_t room, size_t* count) {
  if (const int code = check(pipe); code != WEFT_OK) return code;
  if (count == nullptr || bytes == nullptr || room == 0) {
    return fail(WEFT_EINVAL, "no room, or no place for how many were read");
  }
  *count = 0;
  const auto* device = device_of(pipe, WEFT_PIPE_READ);
  if (device == nullptr) return end_closed();
  return coded([&] {
    const iovec buffer = {bytes, room};
    const wasip1::Errno error = (*device)->read({&buffer, 1}, *count);
    pipe->owner.idle = false;
    return error == wasip1::Errno::again ? fail(WEFT_EAGAIN, "the pipe is empty") : WEFT_OK;
  });
}

int weft_pipe_wait(weft_pipe* pipe, int end, weft_pipe_ready ready, void* context) {
  if (const int code = check(pipe); code != WEFT_OK) return code;
  if (const int code = is_end(end); code != WEFT_OK) return code;
  if (ready == nullptr) return fail(WEFT_EINVAL, "there is nothing to call");
  const auto* device = device_of(pipe, end);
  if (device == nullptr) return end_closed();
  return coded([&] {
    pipe->owner.idle = false;
    auto waits = pipe->owner.runtime.scheduler().spawn([device = *device, end, ready, context] {
      wait_for(*device, direction_of(end));
      ready(context);
    });
    return waits ? static_cast<int>(WEFT_OK) : fail(WEFT_ENOMEM, waits.error().message.c_str());
  });
}

int weft_caller_pipe(weft_caller* caller, weft_pipe* pipe, int end) {
  if (const int code = check(pipe); code != WEFT_OK) return code;
  if (const int code = is_end(end); code != WEFT_OK) return code;
  const auto* device = device_of(pipe, end);
  if (device == nullptr) return end_closed();
  return waiting(caller, [&] {
    const std::shared_ptr<wasip1::Device> kept = *device;  // Whatever others close meanwhile.
    wait_for(*kept, direction_of(end));
  });
}
