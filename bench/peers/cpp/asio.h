// SPDX-License-Identifier: Apache-2.0
// What the two Asio peers share: one io_context, and how a benchmark that is a coroutine runs on
// it.
#pragma once

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/version.hpp>
#include <memory>

#include "bench/peers/cpp/peer.h"

namespace peer {

namespace asio = boost::asio;
using Error = boost::system::error_code;
using Channel = asio::experimental::channel<void(Error, std::int64_t)>;

inline asio::io_context& io() {
  static asio::io_context context(1);  // One thread: no locks.
  return context;
}

inline std::string version() {
  return "Boost.Asio " BOOST_LIB_VERSION;
}

// Runs what was started until nothing is left to do, and returns what it left.
inline Sample finish(const Sample& result) {
  io().run();
  io().restart();
  return result;
}

inline std::vector<std::unique_ptr<asio::steady_timer>> armed_timers(std::int64_t count) {
  std::vector<std::unique_ptr<asio::steady_timer>> all;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::chrono::seconds after(1'000 + i * 7'919 % 10'000);
    all.push_back(std::make_unique<asio::steady_timer>(io(), after));
    all.back()->async_wait([](const Error&) {});
  }
  return all;
}

}  // namespace peer
