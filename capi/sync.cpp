// SPDX-License-Identifier: Apache-2.0
// Channels of pointers, mutexes and wait groups for Gs written in C: the primitives of scheduler/,
// each behind a handle on the heap, with its panics as error codes.
#include "capi/boundary.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/wait_group.h"

struct weft_chan {
  weft::chan<void*> channel;
};
struct weft_mutex {
  weft::mutex mutex;
};
struct weft_group {
  weft::wait_group group;
};

using namespace weft;
using namespace weft::capi;

namespace {

int null_argument() {
  return fail(WEFT_EINVAL, "an argument is null");
}

// Calls f, which returns a code, where a call may park the G. What a primitive throws when it is
// misused is `misuse`.
template <class F>
int on_g(int misuse, F&& f) {
  return guarded_from(
      From::g,
      [&]() -> int {
        if (current()->scheduler.current_m().locks != 0) {
          return fail(WEFT_EHOLDSLOCKS, "schedule: holding locks");
        }
        return f();
      },
      misuse);
}

template <class Handle>
int make(Handle** handle) {
  if (handle == nullptr) return null_argument();
  return guarded([&]() -> int {
    *handle = new Handle{};
    return WEFT_OK;
  });
}

int chan_closed() {
  return fail(WEFT_ECLOSED, "the channel is closed and empty");
}

}  // namespace

// --- channels ---

int weft_chan_make(size_t capacity, weft_chan** chan) {
  if (chan == nullptr) return null_argument();
  return guarded(
      [&]() -> int {
        *chan = new weft_chan{make_chan<void*>(capacity)};
        return WEFT_OK;
      },
      WEFT_EINVAL);
}

int weft_chan_free(weft_chan* chan) {
  delete chan;  // The channel itself stays with the Gs that wait for it.
  return WEFT_OK;
}

int weft_chan_send(weft_chan* chan, void* value) {
  if (chan == nullptr) return null_argument();
  return on_g(WEFT_ECLOSED, [&]() -> int {
    chan->channel.send(value);
    return WEFT_OK;
  });
}

int weft_chan_recv(weft_chan* chan, void** value) {
  if (chan == nullptr || value == nullptr) return null_argument();
  return on_g(WEFT_ECLOSED, [&]() -> int {
    const std::optional<void*> got = chan->channel.recv();
    *value = got.value_or(nullptr);
    return got ? WEFT_OK : chan_closed();
  });
}

int weft_chan_try_send(weft_chan* chan, void* value) {
  if (chan == nullptr) return null_argument();
  return on_g(WEFT_ECLOSED, [&]() -> int {
    return chan->channel.try_send(value) ? WEFT_OK : fail(WEFT_EAGAIN, "nobody would receive it");
  });
}

int weft_chan_try_recv(weft_chan* chan, void** value) {
  if (chan == nullptr || value == nullptr) return null_argument();
  return on_g(WEFT_ECLOSED, [&]() -> int {
    const TryRecv<void*> got = chan->channel.try_recv();
    *value = got.value.value_or(nullptr);
    if (!got) return fail(WEFT_EAGAIN, "there is nothing to receive");
    return got.value ? WEFT_OK : chan_closed();
  });
}

int weft_chan_close(weft_chan* chan) {
  if (chan == nullptr) return null_argument();
  return on_g(WEFT_ECLOSED, [&]() -> int {
    chan->channel.close();
    return WEFT_OK;
  });
}

// --- mutexes ---

int weft_mutex_make(weft_mutex** mutex) {
  return make(mutex);
}

int weft_mutex_free(weft_mutex* mutex) {
  if (mutex != nullptr && (mutex->mutex.locked() || mutex->mutex.waiters() > 0)) {
    return fail(WEFT_EINVAL, "a mutex that is in use can't be freed");
  }
  delete mutex;
  return WEFT_OK;
}

int weft_mutex_lock(weft_mutex* mutex) {
  if (mutex == nullptr) return null_argument();
  return on_g(WEFT_EINTERNAL, [&]() -> int {
    mutex->mutex.lock();
    return WEFT_OK;
  });
}

int weft_mutex_unlock(weft_mutex* mutex) {
  if (mutex == nullptr) return null_argument();
  return on_g(WEFT_EUNLOCKED, [&]() -> int {
    mutex->mutex.unlock();
    return WEFT_OK;
  });
}

// --- wait groups ---

int weft_group_make(weft_group** group) {
  return make(group);
}

int weft_group_free(weft_group* group) {
  if (group != nullptr && group->group.count() > 0) {
    return fail(WEFT_EINVAL, "a wait group that is in use can't be freed");
  }
  delete group;
  return WEFT_OK;
}

int weft_group_add(weft_group* group, int64_t delta) {
  if (group == nullptr) return null_argument();
  return on_g(WEFT_EINVAL, [&]() -> int {
    group->group.add(delta);
    return WEFT_OK;
  });
}

int weft_group_wait(weft_group* group) {
  if (group == nullptr) return null_argument();
  return on_g(WEFT_EINVAL, [&]() -> int {
    group->group.wait();
    return WEFT_OK;
  });
}
