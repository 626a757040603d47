// SPDX-License-Identifier: Apache-2.0
// What stands behind the handles of weft.h's embedder's half.
#pragma once

#include <any>
#include <boost/asio/io_context.hpp>
#include <csetjmp>
#include <memory>
#include <string>
#include <thread>

#include "capi/boundary.h"
#include "guest/runtime.h"

struct weft_runtime {
  explicit weft_runtime(std::unique_ptr<weft::Engine> engine) : runtime(io, std::move(engine)) {}

  const std::thread::id owner = std::this_thread::get_id();
  boost::asio::io_context io{1};
  weft::Runtime runtime;
  bool idle = false;  // The last turn found nothing more to do, and nothing was asked for since.
};

struct weft_module {
  weft_runtime& owner;
  std::shared_ptr<weft::Module> module;
};

struct weft_files {
  std::shared_ptr<const weft::MemoryFiles> files;
};

struct weft_pipe {
  weft_runtime& owner;
  weft::Pipe ends;  // Without a device: the program has closed it.
};

struct weft_caller {
  weft::Caller& caller;
  std::string why = "it failed";
  int code = WEFT_OK;
  weft_value result = {};
  bool killed = false;
  std::jmp_buf back = {};
};

namespace weft::capi {

// What C keeps with a guest: GuestOptions::data.
struct OfC {
  weft_runtime* owner = nullptr;
  weft_guest_options options = {};
  bool woken = false;  // Since it parked last.
  G* parked = nullptr;
};

inline weft_guest* handle(Guest& guest) {
  return reinterpret_cast<weft_guest*>(&guest);
}
inline Guest& from_handle(const weft_guest* guest) {
  return *reinterpret_cast<Guest*>(const_cast<weft_guest*>(guest));
}
inline OfC& of_c(Guest& guest) {
  return *std::any_cast<std::shared_ptr<OfC>&>(guest.data());
}

inline int check(const weft_runtime* runtime) {
  if (runtime == nullptr) return fail(WEFT_EINVAL, "the runtime is NULL");
  if (runtime->owner == std::this_thread::get_id()) return WEFT_OK;
  return fail(WEFT_EOFFTHREAD, "the runtime belongs to another thread");
}

inline int check(const weft_guest* guest) {
  if (guest == nullptr) return fail(WEFT_EINVAL, "the guest is NULL");
  return check(of_c(from_handle(guest)).owner);
}

// Nothing here throws Killed: no call of f waits.
template <class F>
int coded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    return code_of_current_exception();
  }
}

// What waits, in a host function: f. See embed.cpp for what becomes of Killed.
template <class F>
int waiting(weft_caller* caller, F&& f) noexcept {
  if (caller == nullptr) return fail(WEFT_EINVAL, "the caller is NULL");
  try {
    f();
    return WEFT_OK;
  } catch (const Killed&) {
    caller->killed = true;
  } catch (...) {
    return code_of_current_exception();
  }
  std::longjmp(caller->back, 1);
}

bool are_types(const char* letters, std::size_t max);

}  // namespace weft::capi
