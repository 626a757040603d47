// SPDX-License-Identifier: Apache-2.0
// weft and Asio together: use_park, which parks the G that starts an operation, and the end of a
// guest as an operation. Includes Asio's headers, which weft.hpp does not.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include <weft/go.hpp>
#include <weft/runtime.hpp>

#include "os/use_park.h"

template <class Token>
auto weft::Guest::async_wait(Token&& token) {
  const auto initiation = [this](auto handler) {
    const auto loop = runtime().reactor().io().get_executor();
    const auto to = boost::asio::get_associated_executor(handler, loop);
    // std::function wants to be copied, handlers need not.
    struct Waiting {
      decltype(handler) f;
      boost::asio::executor_work_guard<std::decay_t<decltype(loop)>> keeps_loop;
      boost::asio::executor_work_guard<std::decay_t<decltype(to)>> keeps_executor;
    };
    auto waiting = std::make_shared<Waiting>(Waiting{
        std::move(handler), boost::asio::make_work_guard(loop), boost::asio::make_work_guard(to)});
    when_ended([waiting, to](const GuestEnd& end) {
      boost::asio::post(to, [waiting, end]() mutable { std::move(waiting->f)(std::move(end)); });
    });
  };
  return boost::asio::async_initiate<Token, void(weft::GuestEnd)>(initiation, token);
}
