// SPDX-License-Identifier: Apache-2.0
// The embedder's half of weft.h, second part: the loop, files in memory, calls into exports.
//
//   weft_call_start ─▶ a G of the runtime: Guest::call_values ─▶ done(context, code, result)
//   weft_call       ─▶ the same, and turns of the loop until it is done
#include <algorithm>
#include <boost/asio/detail/epoll_reactor.hpp>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "capi/embed.h"

using namespace weft;
using namespace weft::capi;

namespace {

// How many handlers a turn runs at most.
constexpr int kHandlersPerTurn = 64;

#if defined(BOOST_ASIO_HAS_EPOLL)
// Asio's loop waits on one descriptor, which is private. Explicit instantiation may name it.
using EpollReactor = boost::asio::detail::epoll_reactor;
int descriptor_of(EpollReactor& reactor);
template <auto kMember>
struct Revealed {
  friend int descriptor_of(EpollReactor& reactor) { return reactor.*kMember; }
};
template struct Revealed<&EpollReactor::epoll_fd_>;

int loop_descriptor(boost::asio::io_context& io) {
  return descriptor_of(boost::asio::use_service<EpollReactor>(io));
}
#else
int loop_descriptor(boost::asio::io_context&) {
  return -1;
}
#endif

// Of a guest that may be forgotten meanwhile.
Guest* find_guest(Runtime& runtime, std::size_t number) {
  const auto& guests = runtime.guests();
  const auto found = std::find_if(guests.begin(), guests.end(),
                                  [&](const auto& guest) { return guest->number() == number; });
  return found != guests.end() ? found->get() : nullptr;
}

// A call on its way: done is called once, whatever happens.
class Call {
 public:
  Call(weft_call_done done, void* context) : done_(done), context_(context) {}
  Call(Call&& from) noexcept : done_(std::exchange(from.done_, nullptr)), context_(from.context_) {}
  Call& operator=(Call&&) = delete;
  ~Call() {
    if (done_ != nullptr) finish(fail(WEFT_ESTOPPED, "the runtime was destroyed"), 0);
  }

  void finish(int code, std::uint64_t bits) {
    weft_value result = {};
    std::memcpy(&result, &bits, sizeof result);
    std::exchange(done_, nullptr)(context_, code, code == WEFT_OK ? &result : nullptr);
  }

 private:
  weft_call_done done_;
  void* context_;
};

struct WhatIsCalled {
  std::size_t guest;
  std::string function;
  FuncTypeInfo type;
  std::vector<std::uint64_t> values;
};

void make_call(Runtime& runtime, WhatIsCalled& what, Call& call) {
  Guest* const guest = find_guest(runtime, what.guest);
  if (guest == nullptr) return call.finish(fail(WEFT_EHOST, "the guest was forgotten"), 0);
  const Status called = guest->call_values(what.function, what.type, what.values);
  if (!called) return call.finish(fail(WEFT_EHOST, called.error().message.c_str()), 0);
  call.finish(WEFT_OK, what.type.results.empty() ? 0 : what.values[0]);
}

// What weft_call waits for. The call may come back when nobody waits any more.
struct Answer {
  bool there = false;
  int code = WEFT_OK;
  weft_value result = {};

  static void keep(void* context, int code, const weft_value* result) {
    const std::unique_ptr<std::shared_ptr<Answer>> answer(
        static_cast<std::shared_ptr<Answer>*>(context));
    (*answer)->there = true;
    (*answer)->code = code;
    if (result != nullptr) (*answer)->result = *result;
  }
};

}  // namespace

int weft_runtime_turn(weft_runtime* runtime, int64_t timeout, size_t* live) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (runtime->runtime.scheduler().running()) {
    return fail(WEFT_ERUNNING, "weft_runtime_turn while the runtime runs");
  }
  return coded([&] {
    if (runtime->io.stopped()) runtime->io.restart();
    runtime->io.run_one_for(std::chrono::nanoseconds(std::max<std::int64_t>(timeout, 0)));
    int left = kHandlersPerTurn;
    while (left > 0 && runtime->io.poll_one() > 0) --left;
    runtime->idle = left > 0;
    if (live != nullptr) {
      const auto& guests = runtime->runtime.guests();
      *live = static_cast<std::size_t>(std::count_if(
          guests.begin(), guests.end(), [](const auto& guest) { return !guest->end(); }));
    }
    return WEFT_OK;
  });
}

int weft_runtime_poll(weft_runtime* runtime, int* fd, int64_t* timeout) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (fd == nullptr || timeout == nullptr) return fail(WEFT_EINVAL, "no place for the answer");
  return coded([&] {
    *fd = loop_descriptor(runtime->io);
    *timeout = runtime->idle ? -1 : 0;
    return *fd >= 0 ? WEFT_OK : fail(WEFT_ELACKS, "this loop has no descriptor");
  });
}

int weft_files_make(const weft_file* list, size_t count, weft_files** files) {
  if ((list == nullptr && count > 0) || files == nullptr) {
    return fail(WEFT_EINVAL, "no files, or no place");
  }
  return coded([&] {
    std::vector<MemoryFile> made(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (list[i].path == nullptr || (list[i].bytes == nullptr && list[i].size > 0)) {
        return fail(WEFT_EINVAL, "a file without a path or bytes");
      }
      made[i].path = list[i].path;
      if (list[i].size > 0) made[i].bytes.assign(list[i].bytes, list[i].size);
    }
    auto kept = MemoryFiles::make(made);
    if (!kept) return fail(WEFT_EHOST, kept.error().message.c_str());
    *files = new weft_files{std::move(*kept)};
    return static_cast<int>(WEFT_OK);
  });
}

int weft_files_free(weft_files* files) {
  delete files;
  return WEFT_OK;
}

int weft_call_start(weft_guest* guest, const char* function, const char* params, const char* result,
                    const weft_value* arguments, weft_call_done done, void* context) {
  if (const int code = check(guest); code != WEFT_OK) return code;
  constexpr std::size_t kParamsMax = 1000;
  if (function == nullptr || done == nullptr || !are_types(params, kParamsMax) ||
      !are_types(result, 1) || (arguments == nullptr && params[0] != '\0')) {
    return fail(WEFT_EINVAL, "a call needs a name, types of i, I, f, F, and values for them");
  }
  return coded([&] {
    weft_runtime& owner = *of_c(from_handle(guest)).owner;
    owner.idle = false;
    WhatIsCalled what{from_handle(guest).number(), function, {}, {}};
    what.type.params = params;
    what.type.results = result;
    what.values.resize(std::max(what.type.params.size(), what.type.results.size()));
    if (arguments != nullptr) {
      std::memcpy(what.values.data(), arguments, what.type.params.size() * sizeof *arguments);
    }
    auto call =
        std::make_shared<std::pair<WhatIsCalled, Call>>(std::move(what), Call(done, context));
    auto spawned = owner.runtime.scheduler().spawn(
        [&owner, call] { make_call(owner.runtime, call->first, call->second); });
    return spawned ? static_cast<int>(WEFT_OK) : fail(WEFT_ENOMEM, spawned.error().message.c_str());
  });
}

int weft_call(weft_guest* guest, const char* function, const char* params, const char* result,
              const weft_value* arguments, weft_value* out) {
  if (const int code = check(guest); code != WEFT_OK) return code;
  weft_runtime& owner = *of_c(from_handle(guest)).owner;
  if (owner.runtime.scheduler().running()) {
    return fail(WEFT_ERUNNING, "weft_call while the runtime runs: weft_call_start");
  }
  return coded([&] {
    const auto answer = std::make_shared<Answer>();
    auto context = std::make_unique<std::shared_ptr<Answer>>(answer);
    if (const int code = weft_call_start(guest, function, params, result, arguments, &Answer::keep,
                                         context.get());
        code != WEFT_OK) {
      return code;
    }
    (void)context.release();
    while (!answer->there) {
      if (owner.io.stopped()) owner.io.restart();
      if (owner.io.run_one() > 0) continue;
      return fail(WEFT_EDEADLOCK, "the call waits for what can never happen");
    }
    if (out != nullptr) *out = answer->result;
    return answer->code;
  });
}

int weft_finish(weft_guest* guest) {
  if (const int code = check(guest); code != WEFT_OK) return code;
  return coded([&] {
    of_c(from_handle(guest)).owner->idle = false;
    from_handle(guest).finish();
    return WEFT_OK;
  });
}
